"""The bytes of an image on their way in: counted, hashed, and looked at, never held."""

import hashlib
from collections.abc import Callable
from typing import Any, BinaryIO

from oslo_utils.imageutils import format_inspector

from cairn.glance.errors import NoRoom, TooBig, WrongContent

CHUNK = 1 << 20

# disk_format -> what the inspector may call such content. The others have no signature to check:
# raw and the ami family are whatever they are, unless the bytes are evidently something else.
SIGNED = {"qcow2": {"qcow2"}, "vmdk": {"vmdk"}, "vdi": {"vdi"}, "vhd": {"vhd"},
          "vhdx": {"vhdx"}, "iso": {"iso"}}
UNSIGNED = {"raw": {"raw", "gpt"}}


def take(
    source: BinaryIO, write: Callable[[bytes], None], *, disk_format: str,
    container_format: str, cap: int, check: bool, alive: Callable[[], None],
) -> dict[str, Any]:
    """Pass `source` to `write`, 1 MiB at a time, calling `alive()` for each.

    Returns size, virtual_size (bytes), checksum (md5), os_hash_algo, os_hash_value.
    Raises WrongContent, TooBig, NoRoom.
    """
    md5, sha512, size = hashlib.md5(usedforsecurity=False), hashlib.sha512(), 0
    # A container (ovf, ova, docker) has a tar of its own around the disk.
    inspect = check and container_format == "bare"
    wrapper = format_inspector.InspectWrapper(source)
    stream: Any = wrapper if inspect else source
    while True:
        chunk = stream.read(CHUNK)
        if not chunk:
            break
        size += len(chunk)
        if size > cap:
            raise TooBig(cap=cap, reason="")
        md5.update(chunk)
        sha512.update(chunk)
        try:
            write(chunk)
        except OSError as error:
            raise NoRoom(reason=str(error)) from error
        alive()
    facts: dict[str, Any] = {
        "size": size, "virtual_size": None, "checksum": md5.hexdigest(),
        "os_hash_algo": "sha512", "os_hash_value": sha512.hexdigest(),
    }
    if inspect:
        wrapper.close()
        facts["virtual_size"] = _judge(wrapper, disk_format, size)
    return facts


def _judge(wrapper: Any, disk_format: str, size: int) -> int | None:
    """The size of the disk inside. Raises WrongContent when the image lies or is a trap."""
    expected = SIGNED.get(disk_format) or UNSIGNED.get(disk_format)
    try:
        found = wrapper.format
    except format_inspector.ImageFormatError as error:
        raise WrongContent(declared=disk_format, reason=str(error)) from error
    name = str(found) if found is not None else "raw"
    if expected is not None and name not in expected:
        raise WrongContent(declared=disk_format, reason=f"it is {name}")
    if disk_format not in SIGNED:
        return size if disk_format == "raw" else None
    try:
        found.safety_check()
    except format_inspector.SafetyCheckFailed as error:
        reasons = "; ".join(str(failure) for failure in error.failures.values())
        raise WrongContent(declared=disk_format, reason=reasons) from error
    except format_inspector.ImageFormatError as error:
        raise WrongContent(declared=disk_format, reason=str(error)) from error
    return int(found.virtual_size)
