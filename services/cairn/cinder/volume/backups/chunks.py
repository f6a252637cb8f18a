"""A volume's bytes as chunks: each has the hash of what it holds, and is kept once among a backup
and those it stands on. Where a volume reads as zeros there is no chunk.

The list of chunks is kept beside them, last: a backup without one is none. It says of each in which
backup it lies, so that none of the others has to be read.
"""

import hashlib
import json
import zlib
from typing import Any

from cairn.cinder.drivers import tools
from cairn.cinder.drivers.base import BackendFailed, Disk
from cairn.cinder.drivers.nbd import Block, served
from cairn.cinder.volume.backups.targets import Target
from cairn.common.work import check

SIZE = 4 << 20
LIST = "chunks.json"
_ZEROS = bytes(SIZE)


def store(
    target: Target, disk: Disk, size: int, backup_id: str, parent_id: str | None
) -> dict[str, Any]:
    """`size` bytes of the disk become the backup: {"stored": bytes, "objects": chunks} of its
    own. Raises NoRoom, BackendFailed."""
    before = _listed(target, parent_id)["chunks"] if parent_id is not None else []
    extents = _extents(disk)
    chunks: list[dict[str, str] | None] = []
    stored = objects = 0
    with served(disk) as block:
        for index, start in enumerate(range(0, size, SIZE)):
            check()
            content = _content(block, extents, start, min(SIZE, size - start))
            if content is None:
                chunks.append(None)
                continue
            name = hashlib.sha256(content).hexdigest()
            old = before[index] if index < len(before) else None
            if old is not None and old["hash"] == name:
                chunks.append(old)
                continue
            packed = zlib.compress(content, 1)
            target.put(backup_id, str(index), packed)
            chunks.append({"hash": name, "in": backup_id})
            stored, objects = stored + len(packed), objects + 1
    packed = json.dumps({"version": 1, "chunk": SIZE, "size": size, "chunks": chunks}).encode()
    target.put(backup_id, LIST, packed)
    return {"stored": stored, "objects": objects}


def load(target: Target, disk: Disk, size: int, backup_id: str) -> None:
    """The disk, of at least that many bytes, holds what the backup does. Raises BackendFailed for
    what is not as it was stored."""
    listed = _listed(target, backup_id)
    if listed["size"] > size:
        raise BackendFailed(reason="the volume is smaller than the backup")
    with served(disk, write=True) as block:
        for index, chunk in enumerate(listed["chunks"]):
            check()
            start = index * listed["chunk"]
            length = min(listed["chunk"], listed["size"] - start)
            if chunk is None:
                block.zero(start, length)
            else:
                block.write(start, _unpacked(target, chunk, index, length))
        for start in range(listed["size"], size, SIZE):
            check()
            block.zero(start, min(SIZE, size - start))


def _unpacked(target: Target, chunk: dict[str, str], index: int, length: int) -> bytes:
    try:
        unpacker = zlib.decompressobj()
        content = unpacker.decompress(target.get(chunk["in"], str(index)), length)
    except zlib.error as error:
        raise BackendFailed(reason=f"chunk {index} of the backup is damaged") from error
    if hashlib.sha256(content).hexdigest() != chunk["hash"]:
        raise BackendFailed(reason=f"chunk {index} of the backup is not what was stored")
    return content


def _listed(target: Target, backup_id: str) -> dict[str, Any]:
    try:
        listed: dict[str, Any] = json.loads(target.get(backup_id, LIST))
    except ValueError as error:
        raise BackendFailed(reason="the backup's list of chunks is damaged") from error
    if listed.get("version") != 1:
        raise BackendFailed(reason="the backup is of a release that this one does not know")
    return listed


def others(target: Target, backup_id: str) -> set[str]:
    """The backups that it stands on. Raises BackendFailed."""
    return {chunk["in"] for chunk in _listed(target, backup_id)["chunks"] if chunk} - {backup_id}


def _content(block: Block, extents: list[tuple[int, int]],
             start: int, length: int) -> bytes | None:
    """None where it reads as zeros."""
    if not any(begin < start + length and start < end for begin, end in extents):
        return None
    content = block.read(start, length)
    return None if content == _ZEROS[:length] else content


def _extents(disk: Disk) -> list[tuple[int, int]]:
    """Where something may be that is not zero."""
    told = tools.run("qemu-img", "map", "--output=json", tools.address(disk),
                     secrets=disk.secrets, timeout=600)
    return [(each["start"], each["start"] + each["length"])
            for each in json.loads(told) if not each["zero"]]
