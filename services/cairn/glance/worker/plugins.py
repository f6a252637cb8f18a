"""What may be done to an image between its coming and its storing. Each makes a new file."""

import gzip
import json
import lzma
import os
import subprocess
import zipfile
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO, cast

from cairn.common.errors import Invalid
from cairn.glance.core import content
from cairn.glance.errors import TooBig

NAMES = ("image_decompression", "image_conversion", "inject_image_metadata")
# By the first bytes: what opens such a file for reading.
GZIP, ZIP, XZ, LZMA = b"\x1f\x8b", b"PK\x03\x04", b"\xfd7zXZ\x00", b"\x5d\x00\x00"
# An xz file says itself how much memory its unpacking needs; more than this is not given.
DICTIONARY = 128 << 20
# qemu-img reads what strangers wrote: it may have this much memory, and seconds of a processor.
MEMORY, SECONDS = 1 << 30, 3600
# ...and a file as large as an image may be, with what a format needs for itself.
SLACK = 64 << 20


class Failed(Invalid):
    message = "{plugin}: {reason}"


def decompress(
    path: str, target: str, cap: int, alive: Callable[[int], None]
) -> str | None:
    """Unpack a gzip, zip, xz or lzma file into `target`; None if it is none of these."""
    with open(path, "rb") as file:
        head = file.read(8)
    opener = _opener(head)
    if opener is None:
        return None

    def counted(size: int) -> None:
        if size > cap:
            raise TooBig(cap=cap, reason="")
        alive(size)

    try:
        with opener(path) as source, open(target, "wb") as out:
            content.copy(source, lambda chunk: cast("None", out.write(chunk)), counted)
    except (zipfile.BadZipFile, gzip.BadGzipFile, lzma.LZMAError, zlib.error, EOFError,
            RuntimeError, NotImplementedError) as error:
        raise Failed(plugin=NAMES[0], reason=f"it cannot be unpacked: {error}") from error
    return target


def _opener(head: bytes) -> Callable[[str], BinaryIO] | None:
    if head.startswith(GZIP):
        return lambda path: cast("BinaryIO", gzip.open(path, "rb"))
    if head.startswith(ZIP):
        return _zipped
    if head.startswith((XZ, LZMA)):
        return lambda path: cast("BinaryIO", _Lzma(path))
    return None


def _zipped(path: str) -> BinaryIO:
    archive = zipfile.ZipFile(path)
    names = archive.namelist()
    if len(names) != 1:
        archive.close()
        raise Failed(plugin=NAMES[0], reason=f"the archive has {len(names)} files, not one")
    if archive.getinfo(names[0]).compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        archive.close()
        raise Failed(plugin=NAMES[0], reason="only stored and deflated files are unpacked")
    return cast("BinaryIO", archive.open(names[0]))


class _Lzma:
    """lzma.open with a limit on memory."""

    def __init__(self, path: str) -> None:
        self._file = open(path, "rb")
        self._unpacker = lzma.LZMADecompressor(memlimit=DICTIONARY)

    def read(self, size: int) -> bytes:
        while not self._unpacker.eof:
            data = self._file.read(content.CHUNK) if self._unpacker.needs_input else b""
            if self._unpacker.needs_input and not data:
                raise EOFError("the file ends early")
            if chunk := self._unpacker.decompress(data, size):
                return chunk
        return b""

    def __enter__(self) -> "_Lzma":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def convert(
    path: str, target: str, expected: content.Expected, output: str, cap: int
) -> bool:
    """Convert an image to `output` in `target`; False when it is to stay as it is.

    qemu-img only ever sees what was found to be one harmless image of the declared format, as that
    format, in that one file. Raises Failed, TooBig, WrongContent.
    """
    declared = expected.disk_format
    name = content.inspect(path, expected)
    if name == "iso" or declared == output:
        return False
    driver = "raw" if declared == "gpt" else QEMU.get(declared, declared)
    if name != declared and not (declared == "raw" and name == "gpt"):
        raise Failed(plugin=NAMES[1], reason=f"a {declared} cannot be converted")
    source = _only(driver, path)
    facts = json.loads(_qemu(cap, "info", "--output=json", source))
    inner = facts.get("format-specific", {}).get("data", {})
    if "backing-filename" in facts or inner.get("data-file"):
        raise Failed(plugin=NAMES[1], reason="the image depends on another file")
    if facts["virtual-size"] > cap:
        raise TooBig(cap=cap, reason="")
    _qemu(cap, "convert", "-O", output, source, target)
    content.inspect(target, content.Expected(output, "bare", nonfatal=expected.nonfatal))
    return True


# Where qemu-img has another name.
QEMU = {"vhd": "vpc", "ploop": "parallels"}
# Formats that may name another file below theirs.
LAYERED = ("qcow2", "vmdk")


def _only(driver: str, path: str) -> str:
    """The file and nothing beside: no format is guessed, no name in it is followed."""
    image: dict[str, Any] = {"driver": driver, "file": {"driver": "file", "filename": path}}
    if driver in LAYERED:
        image["backing"] = None
    return "json:" + json.dumps(image)


def _qemu(cap: int, *args: str) -> str:
    try:
        done = subprocess.run(
            ["prlimit", f"--as={MEMORY}", f"--cpu={SECONDS}", f"--fsize={cap + SLACK}",
             "--nofile=64", "--core=0", "--", "qemu-img", *args],
            capture_output=True, text=True, timeout=2 * SECONDS, check=False, errors="replace",
            stdin=subprocess.DEVNULL, env={"PATH": os.defpath, "LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failed(plugin=NAMES[1], reason=str(error)) from error
    if done.returncode:
        raise Failed(plugin=NAMES[1], reason=done.stderr.strip()[:500] or "qemu-img failed")
    return done.stdout


def injected(settings: Any, roles: frozenset[str]) -> dict[str, str]:
    """The properties of inject_image_metadata, for a caller with these roles."""
    if roles & content.words(settings.ignore_user_roles):
        return {}
    pairs = (pair.partition(":") for pair in settings.inject.split(",") if pair.strip())
    return {name.strip(): value.strip() for name, _, value in pairs}
