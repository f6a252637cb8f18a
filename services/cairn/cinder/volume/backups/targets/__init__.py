"""Where backups are kept: objects by name, of one backup each."""

from collections.abc import Iterator
from typing import Protocol

from cairn.cinder.volume.backups.targets.folder import Folder
from cairn.common.settings import BadSetting


class Target(Protocol):
    """Raises NoRoom, BackendFailed."""

    # As upstream names the class of a driver, in records that are exported.
    driver: str

    def put(self, backup_id: str, name: str, content: bytes) -> None:
        """The whole of it or nothing; it is there after a power cut."""
        ...

    def get(self, backup_id: str, name: str) -> bytes: ...

    def has(self, backup_id: str, name: str) -> bool: ...

    def backups(self) -> Iterator[str]:
        """The id of each that there is anything of."""
        ...

    def remove(self, backup_id: str) -> None:
        """Nothing of the backup is left, also of one that was never finished."""
        ...


def make(setting: str) -> Target:
    """Of KIND:WHERE. Raises BadSetting."""
    kind, _, where = setting.partition(":")
    if kind == "file" and where.startswith("/"):
        return Folder(where)
    raise BadSetting(f"backup_target: {setting} is not file:/FOLDER")
