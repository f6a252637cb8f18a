"""What a place that backups are kept in must be able to do.

It keeps objects by name, each of one backup, and knows nothing of what is in them (chunks.py).
Every method may be repeated, by whoever comes after one that died; failures are NoRoom and
BackendFailed, with a sentence for an administrator.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Kept:
    """A backup as its target knows it."""

    id: str
    # What its owner asked it to be kept in; of use to targets that have such.
    container: str | None = None


class Target(Protocol):
    # As upstream names the class of a driver, in records that are exported.
    driver: str

    def identity(self) -> str:
        """The same on every host that reaches what is kept here, and nowhere else: by it a host
        that can restore a backup is chosen. Raises BackendFailed while it can not be used."""
        ...

    def put(self, kept: Kept, name: str, content: bytes) -> None:
        """The whole of it or nothing; it is there after a power cut."""
        ...

    def get(self, kept: Kept, name: str) -> bytes:
        """Raises BackendFailed for what is not there."""
        ...

    def has(self, kept: Kept, name: str) -> bool: ...

    def names(self, kept: Kept) -> Iterator[str]:
        """Of its objects, as they are there."""
        ...

    def remove(self, kept: Kept) -> None:
        """Nothing of the backup is left, also of one that was never finished."""
        ...

    def inventory(self) -> Iterator[Kept]:
        """Every backup that anything is kept of, whole or not."""
        ...
