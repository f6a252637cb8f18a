"""Backups in a folder, which may be a mounted share: a folder for each."""

import errno
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from cairn.cinder.drivers.base import BackendFailed, NoRoom
from cairn.common.bounds import below, uuid_of

PART = ".part"
ID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Folder:
    driver = "cinder.backup.drivers.posix.PosixBackupDriver"

    def __init__(self, where: str) -> None:
        self.folder = Path(where)

    def put(self, backup_id: str, name: str, content: bytes) -> None:
        try:
            folder = self._of(backup_id)
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = below(folder, name)
            part = path.with_name(path.name + PART)
            with part.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            part.rename(path)
        except OSError as error:
            raise _worded(error) from error

    def get(self, backup_id: str, name: str) -> bytes:
        try:
            return below(self._of(backup_id), name).read_bytes()
        except OSError as error:
            raise _worded(error) from error

    def has(self, backup_id: str, name: str) -> bool:
        try:
            return below(self._of(backup_id), name).exists()
        except OSError as error:
            raise _worded(error) from error

    def backups(self) -> Iterator[str]:
        try:
            for path in sorted(self.folder.iterdir()) if self.folder.is_dir() else ():
                if ID.fullmatch(path.name):
                    yield path.name
        except OSError as error:
            raise _worded(error) from error

    def remove(self, backup_id: str) -> None:
        try:
            shutil.rmtree(self._of(backup_id))
        except FileNotFoundError:
            pass
        except OSError as error:
            raise _worded(error) from error

    def _of(self, backup_id: str) -> Path:
        return below(self.folder, uuid_of(backup_id, "backup"))


def _worded(error: OSError) -> BackendFailed:
    kind = NoRoom if error.errno in _FULL else BackendFailed
    return kind(reason=f"where backups are kept: {error.strerror}")
