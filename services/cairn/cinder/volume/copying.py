"""Bytes between volumes, images and LUKS containers, for every backend.

A volume's bytes are opened as the format that its driver says, never as what is in them. An image
is opened as the format it declares, after it was found to be one harmless image of that format.
What is copied is cut where the volume ends; holes stay holes where the target is new.

Everything here is cancelled with the work that it is done for, and may be repeated.
"""

import json
import tempfile
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from oslo_utils.imageutils import format_inspector

from cairn.cinder.drivers import tools
from cairn.cinder.drivers.base import BackendFailed, Disk
from cairn.common.errors import Problem

MIB = 1 << 20
HOURS = 6 * 3600.0
# Formats of images, with QEMU's names for them.
FORMATS = {"raw": "raw", "qcow2": "qcow2", "vmdk": "vmdk", "vdi": "vdi", "vhd": "vpc",
           "vhdx": "vhdx", "ploop": "parallels", "iso": "raw", "ami": "raw", "aki": "raw",
           "ari": "raw"}
# Formats that may name another file below theirs.
LAYERED = ("qcow2", "vmdk")
# What has no signature of its own, and may be found to be any of these.
PLAIN = ("raw", "gpt")
# Formats that volumes are uploaded in, with what they are told.
WRITTEN = {"raw": (), "qcow2": ("-o", "compat=1.1"), "vmdk": ("-o", "subformat=streamOptimized"),
           "vdi": (), "vhd": ("-o", "force_size=on"), "vhdx": (), "ploop": ()}
# A volume's passphrase is random: nobody guesses it, however quickly it is tried.
QUICK = "iter-time=10"
# QEMU before 9.1 measures how quick it is, and gives up where the kernel's clock of a process is
# coarser than that: often with SHA-256 in hardware, seldom with SHA-512.
ATTEMPTS = 10

Progress = Callable[[float], None]


class BadImage(Problem):
    code = 400
    message = "The image can not be used: {reason}"


class TooSmall(Problem):
    code = 400
    message = "{needed} bytes do not fit into a volume of {size}."


@dataclass(frozen=True)
class Cipher:
    """As QEMU names it: what a volume type's cipher and key size say."""

    algorithm: str = "aes-256"
    mode: str = "xts"
    iv: str = "plain64"

    @classmethod
    def of(cls, cipher: str | None, key_size: int | None) -> "Cipher":
        """Of aes-xts-plain64 and 256. Raises BadImage for what QEMU can not do."""
        name, mode, iv = ((cipher or "aes-xts-plain64").split("-") + ["", ""])[:3]
        made = cls(f"{name}-{key_size or 256}", mode, iv.partition(":")[0])
        if (made.algorithm not in ("aes-128", "aes-192", "aes-256")
                or made.mode not in ("xts", "cbc") or made.iv not in ("plain", "plain64")):
            raise BadImage(reason=f"cipher {cipher} with {key_size} bits is not supported")
        return made


def inspect(path: Path, disk_format: str) -> int:
    """Bytes of the disk inside an image, once it is known to be harmless. Raises BadImage."""
    if disk_format not in FORMATS:
        raise BadImage(reason=f"disk_format {disk_format} can not become a volume")
    try:
        content = format_inspector.detect_file_format(str(path))
        name = str(content) if content is not None else "raw"
        plain = FORMATS[disk_format] == "raw" and name in (*PLAIN, "iso")
        if name != disk_format and not plain:
            raise BadImage(reason=f"disk_format is {disk_format}, content is {name}")
        # A boot record is the guest's own affair.
        if content is not None and name not in PLAIN:
            content.safety_check()
    except (format_inspector.ImageFormatError, format_inspector.SafetyCheckFailed) as error:
        raise BadImage(reason=str(error)) from error
    told: dict[str, Any] = json.loads(tools.run(
        "qemu-img", "info", "--output=json", tools.address(image(path, disk_format)),
        strange=True, timeout=60))
    inner = told.get("format-specific", {}).get("data", {})
    if "backing-filename" in told or inner.get("data-file"):
        raise BadImage(reason="it depends on another file")
    if told.get("encrypted") and disk_format == "qcow2":
        raise BadImage(reason="it is encrypted")
    return int(told["virtual-size"])


def image(path: Path, disk_format: str) -> Disk:
    """The file as that format and nothing else: no name in it is followed."""
    options: dict[str, Any] = {"driver": FORMATS[disk_format], "read-only": True,
                               "file": {"driver": "file", "filename": str(path)}}
    if disk_format in LAYERED:
        options["backing"] = None
    return Disk(options)


def cut(disk: Disk, size: int) -> Disk:
    """As much of a disk: backends round up, payloads may be larger than what was promised."""
    return replace(disk, options={"driver": "raw", "size": size, "file": dict(disk.options)})


def unlocked(disk: Disk, passphrase: str) -> Disk:
    """The payload of a LUKS container."""
    name = f"payload-{uuid.uuid4()}"  # Another container may be open beside it.
    return replace(
        disk, options={"driver": "luks", "key-secret": name, "file": dict(disk.options)},
        secrets={**disk.secrets, name: passphrase})


def from_image(
    path: Path, disk_format: str, target: Disk, size: int, *, new: bool = True,
    progress: Progress | None = None, timeout: float = HOURS,
) -> None:
    """The target, `size` bytes of it, holds what the image does; with `new` it reads as zeros
    already, else the rest is zeroed. Raises BadImage, TooSmall, NoRoom, BackendFailed."""
    inside = inspect(path, disk_format)
    if inside > size:
        raise TooSmall(needed=inside, size=size)
    _convert(image(path, disk_format), target, new, progress, timeout, strange=True)
    if not new:
        zero(target, inside, size, timeout=timeout)


def from_container(
    path: Path, target: Disk, size: int, *, progress: Progress | None = None,
    timeout: float = HOURS,
) -> None:
    """The target, `size` bytes of it, is the LUKS container that an image is. Raises BadImage,
    TooSmall, NoRoom, BackendFailed."""
    content = format_inspector.detect_file_format(str(path))
    if str(content) != "luks":
        raise BadImage(reason="it is said to be of an encrypted volume, and is no LUKS container")
    inside = path.stat().st_size
    if inside > size:
        raise TooSmall(needed=inside, size=size)
    _convert(image(path, "raw"), target, False, progress, timeout, strange=True)


def copy(
    source: Disk, target: Disk, size: int, *, new: bool = True, progress: Progress | None = None,
    timeout: float = HOURS,
) -> None:
    """`size` bytes of one disk to another. `new`: as of from_image."""
    _convert(cut(source, size), target, new, progress, timeout)


def to_image(
    source: Disk, path: Path, disk_format: str, size: int, *, progress: Progress | None = None,
    timeout: float = HOURS,
) -> None:
    """A new file in that format with `size` bytes of the disk. Raises BadImage for a format that
    nobody is given."""
    if disk_format not in WRITTEN:
        raise BadImage(reason=f"a volume can not become {disk_format}")
    path.unlink(missing_ok=True)
    source = cut(source, size)
    tools.run(
        "qemu-img", "convert", "-p", "-O", FORMATS[disk_format], *WRITTEN[disk_format],
        tools.address(source), str(path), secrets=source.secrets,
        most=size + size // 50 + 64 * MIB, timeout=timeout, progress=progress)


def _convert(
    source: Disk, target: Disk, new: bool, progress: Progress | None, timeout: float,
    strange: bool = False,
) -> None:
    """Without `new` also the zeros are written: the target held something, or is encrypted."""
    # Its own default is to leave what it wrote to the kernel's mercy.
    words = ["-p", "-t", "writeback", "-n", *(["--target-is-zero"] if new else [])]
    tools.run(
        "qemu-img", "convert", *words, "--target-image-opts", tools.address(source),
        tools.dotted(target), secrets=tools.together([source, target]),
        peers={**source.peers, **target.peers}, strange=strange, timeout=timeout,
        progress=progress)


def zero(disk: Disk, start: int, end: int, *, timeout: float = HOURS) -> None:
    """That part reads as zeros, and takes no room where the backend can do that."""
    commands = []
    while start < end:
        length = min(end - start, 1024 * MIB)
        commands += ["-c", f"write -z -u {start} {length}"]
        start += length
    for index in range(0, len(commands), 128):
        tools.run("qemu-io", *commands[index:index + 128], tools.address(disk),
                  secrets=disk.secrets, timeout=timeout)


def lock(disk: Disk, passphrase: str, cipher: Cipher | None = None) -> None:
    """The disk becomes a LUKS container that the passphrase opens. What it held is lost, and what
    it seems to hold then is noise."""
    cipher = cipher or Cipher()
    with tempfile.TemporaryDirectory(prefix="cairn-luks-") as folder:
        # The header does not say how large the payload is: one of none serves any.
        header = Path(folder, "header")
        options = ",".join([
            "key-secret=key", f"cipher-alg={cipher.algorithm}", f"cipher-mode={cipher.mode}",
            f"ivgen-alg={cipher.iv}", "hash-alg=sha512", QUICK])
        for attempt in range(ATTEMPTS):
            try:
                tools.run("qemu-img", "create", "-q", "-f", "luks", "-o", options, str(header),
                          "0", secrets={"key": passphrase}, timeout=300)
                break
            except BackendFailed as failure:
                if "accurate CPU usage" not in str(failure) or attempt + 1 == ATTEMPTS:
                    raise
        _convert(image(header, "raw"), disk, False, None, 300)
