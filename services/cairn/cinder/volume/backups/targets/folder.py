"""Backups in a folder, which may be a mounted share: a folder for each."""

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cairn.cinder.drivers.base import BackendFailed, NoRoom
from cairn.cinder.drivers.files import FULL, PART, publish, sync
from cairn.cinder.volume.backups.targets.base import Kept
from cairn.common.bounds import below, uuid_of
from cairn.common.errors import Invalid

# What every host that has the folder reads in it: a name that no other folder has.
IDENTITY = "cairn-target"


class Folder:
    driver = "cinder.backup.drivers.posix.PosixBackupDriver"

    def __init__(self, where: str) -> None:
        self.folder = Path(where)

    def identity(self) -> str:
        """By a file in it: who has that file has the folder, however it is mounted."""
        path = self.folder / IDENTITY
        with _worded():
            if not path.exists():
                self._make(self.folder)
                # Of two hosts that come first, one gives the name.
                own = self.folder / f"{IDENTITY}-{str(uuid.uuid4())}"
                publish(own, str(uuid.uuid4()))
                try:
                    path.hardlink_to(own)
                except FileExistsError:
                    pass
                own.unlink()
                sync(self.folder)
            named = path.read_text()
        try:
            return f"file:{uuid_of(named, IDENTITY)}"
        except Invalid as error:
            raise BackendFailed(reason=f"{path} is damaged: {error}") from error

    def put(self, kept: Kept, name: str, content: bytes) -> None:
        folder = self._of(kept)
        with _worded():
            self._make(folder)
            publish(below(folder, name), content)

    def get(self, kept: Kept, name: str) -> bytes:
        with _worded():
            return below(self._of(kept), name).read_bytes()

    def has(self, kept: Kept, name: str) -> bool:
        with _worded():
            return below(self._of(kept), name).exists()

    def names(self, kept: Kept) -> Iterator[str]:
        folder = self._of(kept)
        with _worded():
            there = [path.name for path in folder.iterdir()] if folder.exists() else []
        yield from (name for name in there if not name.endswith(PART))

    def remove(self, kept: Kept) -> None:
        folder = self._of(kept)
        with _worded():
            if folder.exists():
                shutil.rmtree(folder)
                sync(self.folder)

    def inventory(self) -> Iterator[Kept]:
        with _worded():
            there = sorted(path.name for path in self.folder.iterdir()) \
                if self.folder.exists() else []
        for name in there:
            try:
                yield Kept(uuid_of(name, "backup"))
            except Invalid:
                continue  # Not ours.

    def _make(self, folder: Path) -> None:
        if not folder.exists():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            sync(folder.parent)

    def _of(self, kept: Kept) -> Path:
        return below(self.folder, uuid_of(kept.id, "backup"))


@contextmanager
def _worded() -> Iterator[None]:
    """Where the folder is is for nobody to read in a backup's fail_reason."""
    try:
        yield
    except OSError as error:
        kind = NoRoom if error.errno in FULL else BackendFailed
        raise kind(reason=f"where backups are kept: {error.strerror}") from error
