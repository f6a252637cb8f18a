"""Files of drivers: written whole or not at all, copied with their holes."""

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cairn.cinder.drivers.base import BackendFailed, NoRoom

FULL = (errno.ENOSPC, errno.EDQUOT)
# What a file is called while it is not whole.
PART = ".part"


def age_of(path: Path) -> float | None:
    """Seconds since it was last written to; None of what is gone."""
    try:
        return max(0.0, time.time() - path.stat().st_mtime)
    except FileNotFoundError:
        return None


def sync(path: Path) -> None:
    """Makes what a file holds, or which names a folder has, outlast a power cut."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def publish(path: Path, content: str | bytes) -> None:
    """The file holds this, or, where that fails, whatever it held before and nothing is left."""
    part = path.with_name(path.name + PART)
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    sync(path.parent)


def withdraw(path: Path) -> None:
    """The name is gone after this, if it was there."""
    try:
        path.unlink()
    except FileNotFoundError:
        return
    sync(path.parent)


def move(path: Path, target: Path) -> None:
    path.rename(target)
    sync(target.parent)
    sync(path.parent)


def copy_sparse(source: Path, target: Path, size: int) -> None:
    """A new file of so many bytes that holds what the other does; where that one has nothing, it
    has nothing either."""
    with source.open("rb") as read, open(
        os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb"
    ) as write:
        os.ftruncate(write.fileno(), size)
        for start, end in _extents(read.fileno(), min(size, os.fstat(read.fileno()).st_size)):
            while start < end:
                copied = os.copy_file_range(
                    read.fileno(), write.fileno(), end - start, start, start)
                if not copied:
                    break
                start += copied


def _extents(file: int, size: int) -> Iterator[tuple[int, int]]:
    end = 0
    while end < size:
        try:
            start = os.lseek(file, end, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # Nothing but a hole follows.
                return
            raise
        end = os.lseek(file, start, os.SEEK_HOLE)
        if start < size:
            yield start, min(end, size)


@contextmanager
def locked(
    path: Path, *, wait: bool = True, share: bool = False, make: bool = False
) -> Iterator[bool]:
    """Nobody else, of whatever process of this host, is inside; False: somebody is."""
    file = os.open(path, os.O_RDWR | (os.O_CREAT if make else 0), 0o600)
    try:
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if share else fcntl.LOCK_EX)
                        | (0 if wait else fcntl.LOCK_NB))
            alone = True
        except BlockingIOError:
            alone = False
        yield alone
    finally:
        os.close(file)


@contextmanager
def translated() -> Iterator[None]:
    """A failure of the file system comes out as one of the backend."""
    try:
        yield
    except OSError as error:
        kind = NoRoom if error.errno in FULL else BackendFailed
        raise kind(reason=str(error)) from error
