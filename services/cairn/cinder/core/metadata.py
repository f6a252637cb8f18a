"""Metadata of volumes and snapshots: texts by name, which their owners choose."""

import hashlib
from collections.abc import Callable

import orjson
from sqlalchemy.orm import Session

from cairn.cinder.component import Cinder
from cairn.cinder.core import events, snapshots, volumes
from cairn.cinder.errors import InvalidVolume
from cairn.common.context import Context
from cairn.common.errors import NotFound, PreconditionFailed

Texts = dict[str, str]
# Whether the metadata of that digest is what the caller means to change; None for any.
Condition = Callable[[str], bool] | None
_KEPT = ("maintenance", "uploading")


def digest(texts: Texts) -> str:
    """The same for the same texts, and for no others."""
    return hashlib.sha256(orjson.dumps(texts, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]


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


def merge(
    cinder: Cinder, ctx: Context, resource: str, id_: str, more: Texts,
    condition: Condition = None,
) -> Texts:
    """With these, too; all there are then. Raises PreconditionFailed."""
    return _change(cinder, ctx, resource, id_, lambda meta: {**meta, **more}, condition)


def replace(
    cinder: Cinder, ctx: Context, resource: str, id_: str, new: Texts,
    condition: Condition = None,
) -> Texts:
    """These and no others. Raises PreconditionFailed."""
    return _change(cinder, ctx, resource, id_, lambda meta: dict(new), condition)


def remove(
    cinder: Cinder, ctx: Context, resource: str, id_: str, key: str, condition: Condition = None
) -> None:
    """Without that key. Raises NotFound where it is not there, PreconditionFailed."""

    def without(meta: Texts) -> Texts:
        if key not in meta:
            raise _no_key(resource, id_, key)
        return {name: value for name, value in meta.items() if name != key}

    _change(cinder, ctx, resource, id_, without, condition)


def _change(
    cinder: Cinder, ctx: Context, resource: str, id_: str, change: Callable[[Texts], Texts],
    condition: Condition,
) -> Texts:
    def changed(meta: Texts) -> Texts:
        if condition is not None and not condition(digest(meta)):
            raise PreconditionFailed(reason=f"If-Match: the metadata of {resource} {id_} is "
                                            "another by now. Read it again.")
        return change(meta)

    def write(session: Session) -> Texts:
        if resource == "volume":
            volume = volumes.locked(session, ctx, id_)
            if volume.status in _KEPT:
                raise InvalidVolume(reason=f"Metadata of a volume that is {volume.status} can not "
                                           "be changed.")
            volume.meta = changed(volume.meta)
            session.flush()
            events.record(session, ctx, "volume.update.end", volume)
            return volume.meta
        snapshot = snapshots.locked(session, ctx, id_)
        snapshot.meta = changed(snapshot.meta)
        session.flush()
        events.record_snapshot(session, ctx, "snapshot.update.end", snapshot)
        return snapshot.meta

    return cinder.db.write(write)


def _no_key(resource: str, id_: str, key: str) -> NotFound:
    return NotFound(f"Metadata key {key} of {resource}", id_)
