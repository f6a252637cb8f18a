"""A volume's bytes as chunks: each has the hash of what it holds, and is kept once among a backup
and those it stands on. Where a volume reads as zeros there is no chunk.

The list of chunks is kept beside them, in parts, and what says which parts there are comes last: a
backup without that is none. It says of each chunk in which backup it lies, so that none of the
others has to be read; and each part is held against its hash, as chunks are.
"""

import hashlib
import json
import zlib
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from cairn.cinder.drivers import tools
from cairn.cinder.drivers.base import BackendFailed, Disk
from cairn.cinder.drivers.nbd import Block, served
from cairn.cinder.volume.backups.targets.base import Kept, Target
from cairn.common.work import check

SIZE = 4 << 20
LIST = "chunks.json"
# Chunks in a part of the list.
PART = 4096
_ZEROS = bytes(SIZE)


@dataclass(frozen=True)
class Chunk:
    """The hash of what it holds, and the backup that it is kept with."""

    hash: str
    within: str


@dataclass(frozen=True)
class Listed:
    """A backup's list as it is kept; `parts` are the hashes of its parts."""

    target: Target
    kept: Kept
    size: int
    chunk: int
    parts: tuple[str, ...]
    # Of the first release's, which had all in one.
    whole: tuple[Chunk | None, ...] = ()

    def chunks(self) -> Iterator[Chunk | None]:
        """In the order of the volume; None for one of zeros. Raises BackendFailed."""
        yield from self.whole
        for number, hash_ in enumerate(self.parts):
            text = self.target.get(self.kept, _part(number))
            if hashlib.sha256(text).hexdigest() != hash_:
                raise _damaged()
            for entry in json.loads(text):
                yield Chunk(*entry) if entry is not None else None


def store(
    target: Target, disk: Disk, size: int, kept: Kept, parent: Kept | None
) -> dict[str, Any]:
    """`size` bytes of the disk become the backup: {"stored": bytes, "objects": chunks} of its
    own. Raises NoRoom, BackendFailed."""
    before = _before(target, parent)
    extents = _extents(disk)
    listing = _Listing(target, kept)
    stored = objects = 0
    with served(disk) as block:
        for index, start in enumerate(range(0, size, SIZE)):
            check()
            old = next(before, None)
            content = _content(block, extents, start, min(SIZE, size - start))
            if content is None:
                listing.add(None)
                continue
            name = hashlib.sha256(content).hexdigest()
            if old is not None and old.hash == name:
                listing.add(old)
                continue
            packed = zlib.compress(content, 1)
            target.put(kept, str(index), packed)
            listing.add(Chunk(name, kept.id))
            stored, objects = stored + len(packed), objects + 1
    listing.finish(size)
    return {"stored": stored, "objects": objects}


def load(target: Target, disk: Disk, size: int, kept: Kept) -> None:
    """The disk, of at least that many bytes, holds what the backup does. Raises BackendFailed for
    what is not as it was stored."""
    listed = read_list(target, kept)
    if listed.size > size:
        raise BackendFailed(reason="the volume is smaller than the backup")
    with served(disk, write=True) as block:
        for index, chunk in enumerate(listed.chunks()):
            check()
            start = index * listed.chunk
            length = min(listed.chunk, listed.size - start)
            if chunk is None:
                block.zero(start, length)
            else:
                block.write(start, read_chunk(target, kept, index, chunk, length))
        for start in range(listed.size, size, SIZE):
            check()
            block.zero(start, min(SIZE, size - start))


def lacking(target: Target, kept: Kept) -> list[str]:
    """What the backup needs and is not there, as BACKUP/NAME. Raises BackendFailed where its list
    is not as it was stored."""
    there: dict[str, set[str]] = {}
    missed = []
    for index, chunk in enumerate(read_list(target, kept).chunks()):
        if chunk is None:
            continue
        if chunk.within not in there:
            there[chunk.within] = set(target.names(replace(kept, id=chunk.within)))
        if str(index) not in there[chunk.within]:
            missed.append(f"{chunk.within}/{index}")
    return missed


def others(target: Target, kept: Kept) -> set[str]:
    """The backups that it stands on. Raises BackendFailed."""
    return {chunk.within for chunk in read_list(target, kept).chunks() if chunk} - {kept.id}


def read_chunk(target: Target, kept: Kept, index: int, chunk: Chunk, length: int) -> bytes:
    """What the chunk holds. Raises BackendFailed."""
    packed = target.get(replace(kept, id=chunk.within), str(index))
    try:
        content = zlib.decompressobj().decompress(packed, length)
    except zlib.error as error:
        raise BackendFailed(reason=f"chunk {index} of the backup is damaged") from error
    if hashlib.sha256(content).hexdigest() != chunk.hash:
        raise BackendFailed(reason=f"chunk {index} of the backup is not what was stored")
    return content


def read_list(target: Target, kept: Kept) -> Listed:
    """Raises BackendFailed for one that is not there, or not as it was stored."""
    content = target.get(kept, LIST)
    digest, newline, text = content.partition(b"\n")
    if newline and hashlib.sha256(text).hexdigest().encode() != digest:
        raise _damaged()
    try:
        listed: dict[str, Any] = json.loads(text if newline else content)
        version = listed.get("version")
        if version == 1:
            whole = tuple(Chunk(each["hash"], each["in"]) if each is not None else None
                          for each in listed["chunks"])
            return Listed(target, kept, listed["size"], listed["chunk"], (), whole)
        if version == 2:
            return Listed(target, kept, listed["size"], listed["chunk"], tuple(listed["parts"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged() from error
    raise BackendFailed(reason="the backup is of a release that this one does not know")


class _Listing:
    """A list that grows."""

    def __init__(self, target: Target, kept: Kept) -> None:
        self._target, self._kept = target, kept
        self._parts: list[str] = []
        self._entries: list[tuple[str, str] | None] = []

    def add(self, chunk: Chunk | None) -> None:
        self._entries.append((chunk.hash, chunk.within) if chunk is not None else None)
        if len(self._entries) == PART:
            self._write()

    def finish(self, size: int) -> None:
        if self._entries:
            self._write()
        text = json.dumps(
            {"version": 2, "chunk": SIZE, "size": size, "parts": self._parts}).encode()
        digest = hashlib.sha256(text).hexdigest().encode()
        self._target.put(self._kept, LIST, digest + b"\n" + text)

    def _write(self) -> None:
        text = json.dumps(self._entries).encode()
        self._target.put(self._kept, _part(len(self._parts)), text)
        self._parts.append(hashlib.sha256(text).hexdigest())
        self._entries = []


def _before(target: Target, parent: Kept | None) -> Iterator[Chunk | None]:
    """The chunks of what a backup stands on, as far as they are cut alike."""
    if parent is None:
        return iter(())
    listed = read_list(target, parent)
    return listed.chunks() if listed.chunk == SIZE else iter(())


def _part(number: int) -> str:
    return f"chunks.{number}.json"


def _damaged() -> BackendFailed:
    return BackendFailed(reason="the backup's list of chunks is damaged")


def _content(block: Block, extents: list[tuple[int, int]],
             start: int, length: int) -> bytes | None:
    """None where it reads as zeros."""
    at = bisect_right(extents, start, key=lambda extent: extent[1])
    if at == len(extents) or extents[at][0] >= start + length:
        return None
    content = block.read(start, length)
    return None if content == _ZEROS[:length] else content


def _extents(disk: Disk) -> list[tuple[int, int]]:
    """Where something may be that is not zero, in order."""
    told = tools.run("qemu-img", "map", "--output=json", tools.address(disk),
                     secrets=disk.secrets, timeout=600)
    return [(each["start"], each["start"] + each["length"])
            for each in json.loads(told) if not each["zero"]]
