"""Rows as storage hosts get them."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.cinder.db.models import Snapshot, Volume, VolumeType
from cairn.cinder.errors import SnapshotNotFound, VolumeNotFound
from cairn.cinder.rpc import SnapshotRecord, VolumeRecord


def volume(session: Session, volume_id: str) -> VolumeRecord:
    """Raises VolumeNotFound."""
    row = session.scalar(select(Volume).where(Volume.id == volume_id))
    if row is None:
        raise VolumeNotFound(volume_id)
    return of_volume(session, row)


def of_volume(session: Session, row: Any) -> VolumeRecord:
    """The same of a row that is at hand."""
    type_ = session.execute(
        select(VolumeType.extra_specs, VolumeType.encryption).where(VolumeType.id == row.type_id)
    ).one_or_none() if row.type_id is not None else None
    encryption = (type_.encryption if type_ is not None else None) or {}
    return {
        "id": row.id, "name": row.name_id or row.id, "size": row.size, "host": row.host or "",
        "provider": row.provider, "encrypted": row.encryption_key_id is not None,
        "cipher": encryption.get("cipher"), "key_size": encryption.get("key_size"),
        "specs": type_.extra_specs if type_ is not None else {},
    }


def snapshot(session: Session, snapshot_id: str) -> SnapshotRecord:
    """Raises SnapshotNotFound."""
    row = session.scalar(select(Snapshot).where(Snapshot.id == snapshot_id))
    if row is None:
        raise SnapshotNotFound(snapshot_id)
    return {"id": row.id, "size": row.size, "provider": row.provider,
            "volume": volume(session, row.volume_id)}


def snapshots(session: Session, ids: Iterable[str]) -> list[SnapshotRecord]:
    """Raises SnapshotNotFound."""
    return [snapshot(session, id_) for id_ in ids]
