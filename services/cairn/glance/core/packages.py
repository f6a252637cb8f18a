"""Containers of disks: archives and descriptions that we look into as they pass, never unpack.

What can be held against its name is: an `ova` must be a plain tar of one description and of disks
that are harmless, a `docker` image some tar, an `ovf` a description (or one of the other two ways
in which people send them), and what is `compressed` must begin like it.
"""

from collections.abc import Callable
from typing import Protocol

from oslo_utils.imageutils import format_inspector

BLOCK = 512
HEAD = 1 << 16
# gzip, zip, xz, lzma, bzip2, zstandard.
PACKED = (b"\x1f\x8b", b"PK\x03\x04", b"\xfd7zXZ\x00", b"\x5d\x00\x00", b"BZh", b"\x28\xb5\x2f\xfd")
# What accompanies the disks of an ova.
TEXTS = (".ovf", ".mf", ".cert")
# Headers of the next file's header: they may give it another name and size.
FILE, EXTENDED = (b"0", b"\0"), (b"x", b"g", b"L", b"K")
# What is wrong with a disk inside: raises.
Judge = Callable[[format_inspector.InspectWrapper, int], None]


class Package(Protocol):
    """Something that is told all bytes of an image, and then asked what is wrong with it."""

    def feed(self, chunk: bytes) -> None: ...

    def wrong(self) -> str: ...


def of(container: str, judge: Judge) -> Package | None:
    """What looks into such a container; None where nothing can. `judge` is asked about each disk
    of an ova, and its exceptions come out of feed()."""
    if container == "ova":
        return Tar(judge)
    if container == "docker":
        return Tar(None)
    if container == "ovf":
        return Description(judge)
    return Packed() if container == "compressed" else None


class _Feed:
    """A file that reads what was put into it."""

    def __init__(self) -> None:
        self.chunk = b""

    def read(self, size: int) -> bytes:
        return self.chunk


class Tar:
    """A tar, looked into file by file as it passes."""

    def __init__(self, judge: Judge | None) -> None:
        """With `judge` an ova: only plain files, and each disk is looked at."""
        self._judge = judge
        self._header = bytearray()
        self._left = self._pad = self._size = self._files = 0
        self._ended, self._wrong = False, ""
        self._feed: _Feed | None = None
        self._disk: format_inspector.InspectWrapper | None = None
        self._extended: bytearray | None = None

    def feed(self, chunk: bytes) -> None:
        view = memoryview(chunk)
        while view and not self._ended and not self._wrong:
            if self._left:
                part, view = view[:self._left], view[self._left:]
                self._left -= len(part)
                self._got(bytes(part))
                if not self._left:
                    self._file_ended()
            elif self._pad:
                skipped = min(self._pad, len(view))
                self._pad, view = self._pad - skipped, view[skipped:]
            else:
                lacking = BLOCK - len(self._header)
                self._header += view[:lacking]
                view = view[lacking:]
                if len(self._header) == BLOCK:
                    header, self._header = bytes(self._header), bytearray()
                    self._begin(header)

    def wrong(self) -> str:
        if self._wrong:
            return self._wrong
        if self._left or self._pad or self._header or not self._files:
            return "the archive ends early" if self._files else "it is no tar archive"
        if self._judge is not None and self._files < 2:
            return "the archive has no disk"
        return ""

    def _begin(self, header: bytes) -> None:
        if not any(header):
            self._ended = True
            return
        total = sum(header[:148]) + 8 * 32 + sum(header[156:])
        try:
            told, self._size = _number(header[148:156]), _number(header[124:136])
        except ValueError:
            told = -1
        if told != total or self._size < 0:
            self._wrong = "it is no tar archive"
            return
        self._left, self._pad = self._size, -self._size % BLOCK
        kind = header[156:157]
        if kind in EXTENDED:
            self._extended = bytearray()
            if self._judge is not None and kind in (b"L", b"K"):
                self._wrong = "the archive has long names"
            return
        self._files += 1
        if self._judge is not None:
            self._begin_in_ova(header, kind)

    def _begin_in_ova(self, header: bytes, kind: bytes) -> None:
        name = header[:100].partition(b"\0")[0].decode(errors="replace")
        if kind not in FILE:
            self._wrong = f"the archive has what is no file: {name[:60]!r}"
        elif "/" in name or not name.isprintable() or name in ("", ".", "..") or header[345] != 0:
            self._wrong = f"the archive has a file of a strange name: {name[:60]!r}"
        elif self._files == 1 and not name.endswith(".ovf"):
            self._wrong = "the archive's first file is no description (.ovf)"
        elif not name.endswith(TEXTS):
            self._feed = _Feed()
            self._disk = format_inspector.InspectWrapper(self._feed)  # type: ignore[arg-type]
            if not self._left:
                self._file_ended()

    def _got(self, part: bytes) -> None:
        if self._disk is not None and self._feed is not None:
            self._feed.chunk = part
            self._disk.read(len(part))
        elif self._extended is not None:
            self._extended += part[:HEAD - len(self._extended)]

    def _file_ended(self) -> None:
        if self._disk is not None and self._judge is not None:
            disk, self._disk, self._feed = self._disk, None, None
            disk.close()
            self._judge(disk, self._size)
        if self._extended is not None:
            # Another reader would take the next file for another one, or for one of another size.
            if self._judge is not None and (
                    b"size=" in self._extended or b"path=" in self._extended):
                self._wrong = "the archive's headers say two things of a file"
            self._extended = None


class _Head:
    """What is judged by how it begins."""

    def __init__(self) -> None:
        self._head = bytearray()

    def feed(self, chunk: bytes) -> None:
        if len(self._head) < HEAD:
            self._head += chunk[:HEAD - len(self._head)]


class Packed(_Head):
    """What is compressed, of which only the first bytes are judged."""

    def wrong(self) -> str:
        return "" if bytes(self._head[:8]).startswith(PACKED) else "it is not compressed"


class Description(_Head):
    """OVF's XML, or the whole package in a tar."""

    def __init__(self, judge: Judge) -> None:
        super().__init__()
        self._tar = Tar(judge)

    def feed(self, chunk: bytes) -> None:
        super().feed(chunk)
        self._tar.feed(chunk)

    def wrong(self) -> str:
        text = bytes(self._head).removeprefix(b"\xef\xbb\xbf").lstrip()
        if text.startswith(b"<") and b"Envelope" in text and b"\0" not in text:
            return "it has entities" if b"<!" in text.replace(b"<!--", b"") else ""
        return self._tar.wrong() and "it is no description (OVF)"


def _number(field: bytes) -> int:
    """Octal digits, or base 256 where the first bit is set."""
    if field[0] & 0x80:
        return int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
    text = field.strip(b"\0 ")
    if text.strip(b"01234567"):
        raise ValueError(field)  # Others would read another number.
    return int(text or b"0", 8)
