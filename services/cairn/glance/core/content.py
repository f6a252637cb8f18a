"""The bytes of an image on their way in: counted, hashed, and looked at, never held."""

import errno
import hashlib
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, BinaryIO

from oslo_utils.imageutils import format_inspector

from cairn.common.errors import Problem, Unavailable
from cairn.glance.component import Glance
from cairn.glance.core import packages
from cairn.glance.errors import NoRoom, TooBig, WrongContainer, WrongContent

CHUNK = 1 << 20
ALGORITHM = "sha512"

# What the inspector may find where the declared disk_format has no signature of its own: raw and
# the ami family are whatever they are, unless the bytes are evidently something else.
RAW = frozenset({"raw", "gpt"})
# Kernels and ramdisks may begin with what looks like a broken boot record.
NO_DISKS = ("aki", "ari")
# Containers of a kernel, a ramdisk or a partition: any bytes, but nothing that is something else.
AMAZON = ("ami", "aki", "ari")


@dataclass(frozen=True)
class Expected:
    """What an image says of itself, and how strictly that is taken."""

    disk_format: str
    container_format: str
    # Refuse what does not look as declared; traps are refused whatever this says.
    strict: bool = True
    nonfatal: frozenset[str] = frozenset()
    # Containers that are taken as they come.
    unchecked: frozenset[str] = frozenset()

    @property
    def inspected(self) -> bool:
        return self.container_format not in self.unchecked | {""}

    @property
    def bare(self) -> bool:
        """Whether the disk is all there is."""
        return self.container_format in ("bare", *AMAZON)


def expect(glance: Glance, disk_format: str | None, container_format: str | None) -> Expected:
    """What an image of these formats must be like here."""
    return Expected(
        disk_format or "", container_format or "", strict=glance.settings.check_content,
        nonfatal=words(glance.settings.gpt_checks_nonfatal),
        unchecked=words(glance.settings.unchecked_containers),
    )


def take(
    source: BinaryIO, write: Callable[[bytes], None], *, expected: Expected, cap: int,
    alive: Callable[[int], None] = lambda size: None, algorithm: str = ALGORITHM,
) -> dict[str, Any]:
    """Pass `source` to `write`, 1 MiB at a time, calling `alive(bytes so far)` for each.

    Returns size, virtual_size (bytes), checksum (md5), os_hash_algo, os_hash_value.
    Raises WrongContent, TooBig, NoRoom.
    """
    md5, digest, size = hashlib.md5(usedforsecurity=False), hashlib.new(algorithm), 0
    wrapper = format_inspector.InspectWrapper(source)
    stream: Any = wrapper if expected.inspected else source
    inside = None if expected.bare or not expected.inspected else packages.of(
        expected.container_format, lambda disk, length: _judge_inner(disk, expected))

    def hash(chunk: bytes) -> None:
        md5.update(chunk)
        digest.update(chunk)

    # Hashing a chunk takes as long as getting the next.
    with ThreadPoolExecutor(1, thread_name_prefix="hash") as beside:
        hashing: Future[None] | None = None
        while chunk := stream.read(CHUNK):
            size += len(chunk)
            if size > cap:
                raise TooBig(cap=cap, reason="")
            if hashing is not None:
                hashing.result()
            hashing = beside.submit(hash, chunk)
            if inside is not None:
                inside.feed(chunk)
            try:
                write(chunk)
            except OSError as error:
                raise not_stored(error) from error
            alive(size)
    facts: dict[str, Any] = {
        "size": size, "virtual_size": None, "checksum": md5.hexdigest(),
        "os_hash_algo": algorithm, "os_hash_value": digest.hexdigest(),
    }
    if expected.inspected:
        wrapper.close()
        if expected.bare:
            facts["virtual_size"] = judge(wrapper, expected, size)
        else:
            _judge_package(wrapper, inside, expected)
    return facts


def _judge_package(wrapper: Any, inside: packages.Package | None, expected: Expected) -> None:
    """Raises WrongContent for what is no such container."""
    declared = expected.container_format
    reason = inside.wrong() if inside is not None else "nothing can look into it"
    try:
        inspector = _detect(wrapper, expected)
    except WrongContent:
        if expected.strict:
            raise
        return
    if _name(inspector) not in RAW:
        _check_harmless(inspector, expected)
        # People call a plain disk an ovf.
        if declared == "ovf" and _name(inspector) == expected.disk_format:
            return
        reason = f"it is {_name(inspector)}"
    if reason and expected.strict:
        raise WrongContainer(declared=declared, reason=reason)


def _judge_inner(wrapper: Any, expected: Expected) -> None:
    """Raises WrongContent for a disk inside that is a trap."""
    _check_harmless(_detect(wrapper, expected), expected)


def inspect(path: str, expected: Expected) -> str:
    """The format of a file, once it is known to be harmless. Raises WrongContent."""
    with open(path, "rb") as file:
        wrapper = format_inspector.InspectWrapper(file)
        size = 0
        while chunk := wrapper.read(CHUNK):
            size += len(chunk)
        wrapper.close()
    judge(wrapper, expected, size)
    return _name(_detect(wrapper, expected))


def judge(wrapper: Any, expected: Expected, size: int) -> int | None:
    """The size of the disk inside. Raises WrongContent when the image lies or is a trap."""
    declared = expected.disk_format
    try:
        inspector = _detect(wrapper, expected)
    except WrongContent:
        if expected.strict:
            raise
        return None
    name = _name(inspector)
    fits = _fits(declared, name)
    if not fits and expected.container_format in AMAZON:
        fits = name in RAW
    if not fits and expected.strict:
        raise WrongContent(declared=declared, reason=f"it is {name}")
    if inspector is None:
        return size if declared == "raw" else None
    _check_harmless(inspector, expected)
    if not fits:
        return None
    try:
        # The inspector of a partition table cannot tell where the disk ends.
        return size if name in RAW or declared == "raw" else int(inspector.virtual_size)
    except format_inspector.ImageFormatError as error:
        raise WrongContent(declared=declared, reason=str(error)) from error


def _detect(wrapper: Any, expected: Expected) -> Any:
    try:
        names = {str(f): f for f in wrapper.formats or ()}
        # An ISO that boots from a disk too has a partition table in front.
        return names["iso"] if names.keys() == {"iso", "gpt"} else wrapper.format
    except format_inspector.ImageFormatError as error:
        raise WrongContent(declared=expected.disk_format, reason=str(error)) from error


def _name(inspector: Any) -> str:
    return str(inspector) if inspector is not None else "raw"


def _fits(declared: str, name: str) -> bool:
    if declared == name:
        return True
    if declared == "raw" and name == "luks":
        return True  # An encrypted volume: noise to whoever has no key, and names no other file.
    unsigned = declared == "raw" or declared not in format_inspector.ALL_FORMATS
    return unsigned and name in RAW


def _check_harmless(inspector: Any, expected: Expected) -> None:
    try:
        inspector.safety_check()
    except format_inspector.SafetyCheckFailed as error:
        fatal = error.failures.keys() - expected.nonfatal
        if expected.disk_format in NO_DISKS or expected.container_format in AMAZON:
            fatal -= {"mbr"}
        if str(inspector) != "gpt" or fatal:
            reasons = "; ".join(str(failure) for failure in error.failures.values())
            raise WrongContent(declared=expected.disk_format, reason=reasons) from error
    except format_inspector.ImageFormatError as error:
        raise WrongContent(declared=expected.disk_format, reason=str(error)) from error


def words(text: str) -> frozenset[str]:
    """The words of a setting, which blanks part."""
    return frozenset(text.split())


class Held:
    """A source whose bytes must have a hash. Raises OSError at its end where they do not."""

    def __init__(self, source: BinaryIO, algorithm: str, value: str) -> None:
        self._source, self._value = source, value
        self._digest = hashlib.new(algorithm, usedforsecurity=False)

    def read(self, size: int) -> bytes:
        chunk = self._source.read(size)
        self._digest.update(chunk)
        if not chunk and self._digest.hexdigest() != self._value:
            raise OSError("the content is not what it was")
        return chunk


def copy(
    source: BinaryIO, write: Callable[[bytes], None],
    alive: Callable[[int], None] = lambda size: None,
) -> int:
    """Pass bytes on that were looked at before; how many. Raises NoRoom."""
    size = 0
    while chunk := source.read(CHUNK):
        size += len(chunk)
        try:
            write(chunk)
        except OSError as error:
            raise not_stored(error) from error
        alive(size)
    return size


def not_stored(error: OSError) -> Problem:
    """What a client is told of a store that did not take an image."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoRoom(reason="")
    return Unavailable(reason=f"The image could not be stored: {error}")


def pieces(source: BinaryIO, length: int | None) -> Iterable[bytes]:
    """`length` bytes of what is read, or all of it, closing it at the end."""
    with source:
        left = length
        while left is None or left > 0:
            chunk = source.read(CHUNK if left is None else min(CHUNK, left))
            if not chunk:
                return
            if left is not None:
                left -= len(chunk)
            yield chunk
