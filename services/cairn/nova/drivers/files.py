"""Files of disks and of images, whoever keeps them."""

import os
import struct
from pathlib import Path

from cairn.nova.errors import NoDiskSpace

# Formats qemu reads by itself, with the name its command line has for them.
QEMU_FORMATS = {"qcow2": "qcow2", "raw": "raw", "vmdk": "vmdk", "vdi": "vdi", "vhd": "vpc",
                "vhdx": "vhdx", "iso": "raw", "ami": "raw", "gpt": "raw"}
# What made a checksum, by how many hexadecimal digits it has.
ALGORITHMS = {128: "sha512", 96: "sha384", 64: "sha256", 32: "md5"}


def bases(folder: Path) -> set[str]:
    """Names of the cached images that the disks of servers lie upon."""
    paths = (backing_file(disk) for disk in folder.glob("*/disk*"))
    return {name.name for name in paths if name is not None}


def backing_file(disk: Path) -> Path | None:
    """What a qcow2 file lies upon, by its header (docs/interop/qcow2 of QEMU); None: nothing."""
    try:
        with disk.open("rb") as file:
            magic, _, offset, size = struct.unpack(">4sIQI", file.read(20))
            if magic != b"QFI\xfb" or not offset or size > 1023:
                return None
            file.seek(offset)
            return Path(os.fsdecode(file.read(size)))
    except (OSError, struct.error):
        return None  # It is being made, or removed.


def require_space(folder: Path, needed: int, host: str, what: str) -> None:
    """Raises NoDiskSpace unless `needed` bytes fit."""
    free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
    if needed > free:
        raise NoDiskSpace(host=host, free=free >> 20, needed=(needed >> 20) + 1, what=what)
