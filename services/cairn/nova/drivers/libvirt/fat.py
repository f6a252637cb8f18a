"""A file system of FAT16 with long names, for config drives that are disks and not discs.

Written by hand, for a host needs no more of it than a few small files that are written once. The
layout is Microsoft's, "FAT: General Overview of On-Disk Format".
"""

import struct
from pathlib import Path
from typing import Any

SECTOR, CLUSTER = 512, 2048
SECTORS = 131072  # 64 MiB, as upstream's are; what is not written takes no room.
_FAT_SECTORS, _ROOT_ENTRIES, _ENTRY = 128, 512, 32
_ROOT = SECTOR * (1 + 2 * _FAT_SECTORS)
_DATA = _ROOT + _ROOT_ENTRIES * _ENTRY
_CLUSTERS = (SECTORS * SECTOR - _DATA) // CLUSTER
_LABEL, _FOLDER, _FILE, _LONG = 0x08, 0x10, 0x20, 0x0F
_DAY = 0x21  # 1980-01-01, before which there is no day.

# Names to bytes, or to another of these.
Tree = dict[str, Any]


def write(path: Path, label: str, content: dict[str, bytes]) -> None:
    """A file system with files by path. Raises ValueError for what does not fit."""
    tree: Tree = {}
    for name, data in content.items():
        *folders, last = name.strip("/").split("/")
        node = tree
        for folder in folders:
            node = node.setdefault(folder, {})
        node[last] = data
    short = label.encode("ascii").ljust(11)
    with path.open("wb") as file:
        file.truncate(SECTORS * SECTOR)
        volume = _Volume(file)
        root = _entry(short, _LABEL, 0, 0) + volume.place(tree, 0)
        if len(root) > _ROOT_ENTRIES * _ENTRY:
            raise ValueError("too many files in the first folder of a FAT file system")
        table = struct.pack(f"<{len(volume.table)}H", *volume.table)
        for at, data in ((0, _boot_sector(short)), (SECTOR, table),
                         (SECTOR * (1 + _FAT_SECTORS), table), (_ROOT, root)):
            file.seek(at)
            file.write(data)


def is_fat(path: Path) -> bool:
    """Whether the file is one that was written here."""
    with path.open("rb") as file:
        sector = file.read(SECTOR)
    return sector[54:59] == b"FAT16" and sector[510:] == b"\x55\xaa"


class _Volume:
    """What lies in clusters, and which follows which. Each thing's lie in a row."""

    def __init__(self, file: Any) -> None:
        self.file = file
        self.table = [0xFFF8, 0xFFFF]

    def take(self, size: int) -> int:
        """The first of as many clusters as it needs."""
        first, count = len(self.table), max(1, -(-size // CLUSTER))
        if first + count > _CLUSTERS + 2:
            raise ValueError("more than fits in a FAT file system of 64 MiB")
        self.table += [*range(first + 1, first + count), 0xFFFF]
        return first

    def put(self, first: int, data: bytes) -> None:
        self.file.seek(_DATA + (first - 2) * CLUSTER)
        self.file.write(data)

    def place(self, tree: Tree, own: int) -> bytes:
        """Write what is in the folder whose first cluster is `own`; the folder's entries."""
        entries = b""
        for number, (name, node) in enumerate(sorted(tree.items())):
            if isinstance(node, dict):
                room = sum(_count(each) for each in node) + 2
                first, size, kind = self.take(room * _ENTRY), 0, _FOLDER
                dots = (_entry(b".".ljust(11), _FOLDER, first, 0)
                        + _entry(b"..".ljust(11), _FOLDER, own, 0))
                self.put(first, dots + self.place(node, first))
            else:
                # What is empty has no cluster.
                first, size, kind = (self.take(len(node)) if node else 0), len(node), _FILE
                if node:
                    self.put(first, node)
            entries += _named(name, number, kind, first, size)
        return entries


def _count(name: str) -> int:
    """Entries of a name: thirteen letters each, and the short one."""
    return -(-len(name) // 13) + 1


def _named(name: str, number: int, kind: int, first: int, size: int) -> bytes:
    """The long name's entries, the last part first, then the one that says where it is."""
    short = f"F{number:07d}".encode().ljust(11)
    check = 0
    for byte in short:
        check = ((check & 1) << 7) + (check >> 1) + byte & 0xFF
    parts = [name[at:at + 13] for at in range(0, len(name), 13)]
    entries = b""
    for order in range(len(parts), 0, -1):
        text = parts[order - 1].encode("utf-16-le")
        if len(text) < 26:
            text = (text + b"\0\0").ljust(26, b"\xff")
        last = 0x40 if order == len(parts) else 0
        entries += struct.pack("<B10sBBB12sH4s", order | last, text[:10], _LONG, 0, check,
                               text[10:22], 0, text[22:])
    return entries + _entry(short, kind, first, size)


def _entry(short: bytes, kind: int, first: int, size: int) -> bytes:
    return struct.pack("<11sBBBHHHHHHHI", short, kind, 0, 0, 0, _DAY, _DAY, 0, 0, _DAY, first,
                       size)


def _boot_sector(label: bytes) -> bytes:
    head = struct.pack(
        "<3s8sHBHBHHBHHHIIBBBI11s8s", b"\xeb\x3c\x90", b"MSDOS5.0", SECTOR, CLUSTER // SECTOR, 1, 2,
        _ROOT_ENTRIES, 0, 0xF8, _FAT_SECTORS, 32, 64, 0, SECTORS, 0x80, 0, 0x29, 0x43414952, label,
        b"FAT16   ")
    return head.ljust(510, b"\0") + b"\x55\xaa"
