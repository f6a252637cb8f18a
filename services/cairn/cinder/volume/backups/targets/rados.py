"""Backups as objects of a Ceph pool.

A pool is not asked what is in it, which would look at everything that is: what there may be is
noted before it is written, of all backups in one object and of each in another.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cairn.cinder.drivers.base import BackendFailed, NoRoom
from cairn.cinder.drivers.ceph import CONF, CephPool, bindings, refuse_when_full
from cairn.cinder.volume.backups.targets.base import Kept
from cairn.common.bounds import uuid_of

# The object whose notes are the backups there are.
BACKUPS = "cairn.backups"


class Rados:
    driver = "cinder.backup.drivers.ceph.CephBackupDriver"

    def __init__(self, where: str) -> None:
        """`where` is POOL[:USER[:CONF]]; the user's keyring is where that ceph.conf says."""
        pool, user, conf = [*where.split(":", 2), "", ""][:3]
        self.ceph = CephPool(pool, user or "cinder-backup", conf or CONF)

    def identity(self) -> str:
        self.ceph.room()  # The pool is there, and we may look at it.
        return f"rados:{self.ceph.fsid()}/{self.ceph.pool}"

    def put(self, kept: Kept, name: str, content: bytes) -> None:
        try:
            self.ceph.note(BACKUPS, uuid_of(kept.id, "backup"), "")
            self.ceph.note(kept.id, name, "")
            with self._opened() as ioctx:
                ioctx.write_full(_object(kept, name), content)
        except NoRoom as error:
            # Librados names the pool, which is nobody's business.
            raise NoRoom(reason="where backups are kept: No space left, or none allowed") from error

    def get(self, kept: Kept, name: str) -> bytes:
        with self._opened() as ioctx:
            size, _ = ioctx.stat(_object(kept, name))
            content = ioctx.read(_object(kept, name), size)
        return bytes(content)

    def has(self, kept: Kept, name: str) -> bool:
        rados, _ = bindings()
        with self._opened() as ioctx:
            try:
                ioctx.stat(_object(kept, name))
            except rados.ObjectNotFound:
                return False
        return True

    def names(self, kept: Kept) -> Iterator[str]:
        yield from (name for name in self._noted(kept) if self.has(kept, name))

    def remove(self, kept: Kept) -> None:
        rados, _ = bindings()
        for name in [*(_object(kept, name) for name in self._noted(kept)), kept.id]:
            with self._opened() as ioctx:
                try:
                    ioctx.remove_object(name)
                except rados.ObjectNotFound:
                    continue
        self.ceph.forget(BACKUPS, kept.id)

    def inventory(self) -> Iterator[Kept]:
        yield from map(Kept, self.ceph.notes(BACKUPS))

    def _noted(self, kept: Kept) -> list[str]:
        return self.ceph.notes(uuid_of(kept.id, "backup"))

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        rados, _ = bindings()
        try:
            with self.ceph.opened() as (_, ioctx):
                refuse_when_full(ioctx)
                yield ioctx
        except BackendFailed as error:
            if isinstance(error.__cause__, rados.ObjectNotFound):
                raise BackendFailed(reason="what is to be read is not where backups are "
                                           "kept") from error
            raise


def _object(kept: Kept, name: str) -> str:
    return f"{uuid_of(kept.id, 'backup')}/{name}"
