"""Archives in the form that the kernel unpacks as its first file system (cpio, newc)."""

import stat
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Entry:
    name: str
    mode: int
    data: bytes = b""
    device: tuple[int, int] = (0, 0)


def directory(name: str) -> Entry:
    return Entry(name, stat.S_IFDIR | 0o755)


def program(name: str, data: bytes) -> Entry:
    return Entry(name, stat.S_IFREG | 0o755, data)


def link(name: str, target: str) -> Entry:
    return Entry(name, stat.S_IFLNK | 0o777, target.encode())


def device(name: str, major: int, minor: int) -> Entry:
    return Entry(name, stat.S_IFCHR | 0o600, device=(major, minor))


def file(name: str, source: Path) -> Entry:
    return Entry(name, stat.S_IFREG | 0o644, source.read_bytes())


def archive(entries: list[Entry]) -> bytes:
    """Folders must come before what is in them."""
    parts = []
    for number, entry in enumerate([*entries, Entry("TRAILER!!!", 0)], start=1):
        name = entry.name.encode() + b"\0"
        fields = (
            *(number, entry.mode, 0, 0, 1, 0, len(entry.data)),
            *(0, 0, *entry.device, len(name), 0),
        )
        head = b"070701" + b"".join(b"%08X" % f for f in fields) + name
        parts += [padded(head), padded(entry.data)]
    return b"".join(parts)


def padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
