"""Metadata of volumes and snapshots: texts by name, which their owners choose."""

from collections.abc import Callable

from sqlalchemy.orm import Session

from cairn.cinder.component import Cinder
from cairn.cinder.core import events, snapshots, volumes
from cairn.cinder.errors import InvalidVolume
from cairn.common.context import Context
from cairn.common.errors import NotFound

Texts = dict[str, str]
_KEPT = ("maintenance", "uploading")


def read(cinder: Cinder, ctx: Context, resource: str, id_: str) -> Texts:
    """Of the caller's volume or snapshot. Raises VolumeNotFound, SnapshotNotFound."""
    with cinder.db.reading() as session:
        finder = volumes.find if resource == "volume" else snapshots.find
        return dict(finder(session, ctx, id_).meta)


def read_one(cinder: Cinder, ctx: Context, resource: str, id_: str, key: str) -> str:
    """Raises NotFound where there is no such key."""
    try:
        return read(cinder, ctx, resource, id_)[key]
    except KeyError:
        raise _no_key(resource, id_, key) from None


def merge(cinder: Cinder, ctx: Context, resource: str, id_: str, more: Texts) -> Texts:
    """With these, too; all there are then."""
    return _change(cinder, ctx, resource, id_, lambda meta: {**meta, **more})


def replace(cinder: Cinder, ctx: Context, resource: str, id_: str, new: Texts) -> Texts:
    """These and no others."""
    return _change(cinder, ctx, resource, id_, lambda meta: dict(new))


def remove(cinder: Cinder, ctx: Context, resource: str, id_: str, key: str) -> None:
    """Without that key. Raises NotFound where it is not there."""

    def without(meta: Texts) -> Texts:
        if key not in meta:
            raise _no_key(resource, id_, key)
        return {name: value for name, value in meta.items() if name != key}

    _change(cinder, ctx, resource, id_, without)


def _change(
    cinder: Cinder, ctx: Context, resource: str, id_: str, change: Callable[[Texts], Texts]
) -> Texts:
    def write(session: Session) -> Texts:
        if resource == "volume":
            volume = volumes.locked(session, ctx, id_)
            if volume.status in _KEPT:
                raise InvalidVolume(reason=f"Metadata of a volume that is {volume.status} can not "
                                           "be changed.")
            volume.meta = change(volume.meta)
            session.flush()
            events.record(session, ctx, "volume.update.end", volume)
            return volume.meta
        snapshot = snapshots.locked(session, ctx, id_)
        snapshot.meta = change(snapshot.meta)
        session.flush()
        events.record_snapshot(session, ctx, "snapshot.update.end", snapshot)
        return snapshot.meta

    return cinder.db.write(write)


def _no_key(resource: str, id_: str, key: str) -> NotFound:
    return NotFound(f"Metadata key {key} of {resource}", id_)
