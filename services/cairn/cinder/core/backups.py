"""Backups: looking them up, and what is asked of them."""

import base64
import binascii
import json
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from cairn.cinder.component import Cinder
from cairn.cinder.core import events, keys, quotas, services, volumes, works
from cairn.cinder.core.flows import backup_create, backup_delete, backup_restore
from cairn.cinder.core.values import stamp
from cairn.cinder.db.models import Backup, Snapshot, Volume, VolumeType
from cairn.cinder.errors import (
    BackupNotFound,
    InvalidBackup,
    InvalidInput,
    InvalidSnapshot,
    InvalidVolume,
    NoBackupService,
    SnapshotNotFound,
)
from cairn.cinder.rpc import backend_of
from cairn.common.context import Context
from cairn.common.db import utcnow

DRIVER = "cinder.backup.drivers.posix.PosixBackupDriver"
STATUSES = ("available", "error")
# What a record says of a backup elsewhere.
_RECORDED = ("id", "name", "description", "volume_id", "size", "stored", "object_count",
             "container", "host", "driver", "availability_zone", "provider", "volume_facts",
             "meta")


@dataclass(frozen=True)
class Place:
    """Whose works a backup's stand in line with; that volume may be gone."""

    id: str
    host: str


@dataclass(frozen=True)
class Order:
    """A backup that is asked for."""

    volume_id: str
    name: str | None = None
    description: str | None = None
    container: str | None = None
    snapshot_id: str | None = None
    zone: str | None = None
    incremental: bool = False
    force: bool = False
    metadata: dict[str, str] | None = None


def find(session: Session, ctx: Context, backup_id: str) -> Backup:
    """The backup, if the caller may know of it. Raises BackupNotFound."""
    query = select(Backup).where(Backup.id == backup_id)
    if not ctx.is_admin:
        query = query.where(Backup.project_id == ctx.project)
    row = session.scalar(query)
    if row is None:
        raise BackupNotFound(backup_id)
    return row


def create(cinder: Cinder, ctx: Context, order: Order) -> Backup:
    """Record a backup, and let the volume's host make it. Raises VolumeNotFound, InvalidVolume,
    SnapshotNotFound, InvalidSnapshot, InvalidBackup, NoBackupService, OverLimit."""
    unified = quotas.of_keystone(cinder, ctx, ctx.project)
    made, runner = cinder.db.write(lambda session: _record(session, cinder, ctx, order, unified))
    cinder.ring(ctx, runner)
    return made


def _record(
    session: Session, cinder: Cinder, ctx: Context, order: Order, unified: dict[str, int]
) -> tuple[Backup, str]:
    volume = volumes.find(session, ctx, order.volume_id)
    snapshot = _snapshot(session, ctx, order)
    host = (volume.host or "").partition("@")[0]
    if volume.host is None:
        raise InvalidVolume(reason=f"Volume {volume.id} is {volume.status}.")
    if not services.is_up(session, host, cinder.service, services.BACKUP):
        raise NoBackupService
    parent = _parent(session, volume, host) if order.incremental else None
    size = snapshot.size if snapshot is not None else volume.size
    quotas.claim(session, cinder, ctx.project, {"backups": 1, "backup_gigabytes": size},
                 unified=unified)
    in_use = volume.status == "in-use"
    entry = backup_create.ACTION.entries[1 if order.force else 0]
    action = backup_create.ACTION
    if snapshot is not None:
        if not works.claim(session, "snapshot", snapshot.id, action, action.entries[2]):
            raise InvalidSnapshot(reason=f"Snapshot {snapshot.id} must be available to be backed "
                                         f"up, it is {snapshot.status}.")
    elif not works.claim(session, "volume", volume.id, action, entry):
        raise InvalidVolume(reason=(
            f"Backing up an in-use volume must use the force flag, or the volume {volume.id} is "
            f"to be available: it is {volume.status}."))
    type_name = session.scalar(select(VolumeType.name).where(VolumeType.id == volume.type_id))
    row = Backup(
        project_id=ctx.project, user_id=ctx.user_id, name=order.name,
        description=order.description, status="creating", volume_id=volume.id,
        snapshot_id=order.snapshot_id, parent_id=parent.id if parent is not None else None,
        size=size, container=order.container, host=host, driver=DRIVER,
        availability_zone=order.zone or volume.availability_zone, meta=order.metadata or {},
        data_timestamp=snapshot.created_at if snapshot is not None else utcnow(),
        volume_facts={"type": type_name, "meta": volume.meta, "bootable": volume.bootable,
                      "image_meta": volume.image_meta, "name": volume.name},
        provider={})
    if volume.encryption_key_id is not None:
        row.encryption_key_id = keys.copy(session, cinder, volume.encryption_key_id)
    session.add(row)
    session.flush()
    events.record_backup(session, ctx, "backup.create.start", row)
    args: dict[str, Any] = {"clone": in_use and snapshot is None}
    args |= {"snapshot": snapshot.id} if snapshot is not None else {"volume": volume.id}
    return row, works.add(session, ctx, action, volume, args, resource="backup", id_=row.id)


def _snapshot(session: Session, ctx: Context, order: Order) -> Snapshot | None:
    if order.snapshot_id is None:
        return None
    query = select(Snapshot).where(Snapshot.id == order.snapshot_id, Snapshot.hidden.is_(False))
    if not ctx.is_admin:
        query = query.where(Snapshot.project_id == ctx.project)
    row = session.scalar(query)
    if row is None:
        raise SnapshotNotFound(order.snapshot_id)
    if row.volume_id != order.volume_id:
        raise InvalidInput(reason=f"snapshot_id: {row.id} is no snapshot of {order.volume_id}.")
    return row


def _parent(session: Session, volume: Volume, host: str) -> Backup:
    row = session.scalar(
        select(Backup).where(Backup.volume_id == volume.id, Backup.status == "available",
                             Backup.project_id == volume.project_id, Backup.host == host)
        .order_by(Backup.data_timestamp.desc(), Backup.number.desc()).limit(1))
    if row is None:
        raise InvalidBackup(reason="No backups available to do an incremental backup.")
    return row


def update(cinder: Cinder, ctx: Context, backup_id: str, changes: dict[str, Any]) -> Backup:
    """Raises BackupNotFound."""

    def write(session: Session) -> Backup:
        row = find(session, ctx, backup_id)
        for name, value in changes.items():
            setattr(row, name, value)
        session.flush()
        events.record_backup(session, ctx, "backup.update", row)
        return row

    return cinder.db.write(write)


def delete(cinder: Cinder, ctx: Context, backup_id: str, *, force: bool = False) -> None:
    """Begin to delete a backup that no other stands on. Raises BackupNotFound, InvalidBackup."""

    def begin(session: Session) -> str:
        row = find(session, ctx, backup_id)
        action = backup_delete.ACTION
        if has_dependents(session, row.id):
            raise InvalidBackup(reason="Incremental backups exist for this backup.")
        if not works.claim(session, "backup", row.id, action, action.entries[1 if force else 0]):
            raise InvalidBackup(reason=f"Backup status must be available or error, it is "
                                       f"{row.status}.")
        events.record_backup(session, ctx, "backup.delete.start", row)
        return works.add(session, ctx, action, Place(row.volume_id, row.host or ""),
                         resource="backup", id_=row.id)

    cinder.ring(ctx, cinder.db.write(begin))


def has_dependents(session: Session, backup_id: str) -> bool:
    """Whether another stands on it."""
    return bool(session.scalar(select(exists().where(Backup.parent_id == backup_id))))


def restore(
    cinder: Cinder, ctx: Context, backup_id: str, volume_id: str | None, name: str | None
) -> tuple[str, Volume]:
    """Begin to write a backup over a volume, or over a new one where none is named; the backup's id
    and the volume. Raises BackupNotFound, InvalidBackup, InvalidVolume, InvalidInput, what
    volumes.create does."""
    backup = _restorable(cinder, ctx, backup_id)
    if volume_id is None:
        new = volumes.Order(size=backup.size,
                            name=name or f"restore_backup_{backup.id}")
        return backup_id, create_volume(cinder, ctx, backup_id, new)
    with cinder.db.reading() as session:
        volume = volumes.find(session, ctx, volume_id)
    if volume.status != "available":
        raise InvalidVolume(reason=f"Volume to be restored to must be available, it is "
                                   f"{volume.status}.")
    if volume.size < backup.size:
        raise InvalidVolume(reason=f"volume size {volume.size} is too small to restore backup of "
                                   f"size {backup.size}.")
    if (volume.encryption_key_id is None) != (backup.encryption_key_id is None):
        raise InvalidVolume(reason="An encrypted backup is restored to an encrypted volume, and "
                                   "no other is.")
    if backend_of(volume.host or "").partition("@")[0] != backup.host:
        raise InvalidVolume(reason="The backup is kept on another storage host than the volume.")
    _begin(cinder, ctx, backup_id, volume, new=False)
    return backup_id, volume


def create_volume(
    cinder: Cinder, ctx: Context, backup_id: str, order: volumes.Order
) -> Volume:
    """A new volume with what the backup holds, on the host that has it. Raises as restore does."""
    backup = _restorable(cinder, ctx, backup_id)
    size = order.size or backup.size
    if size < backup.size:
        raise InvalidInput(reason=f"size {size} is smaller than the backup's, {backup.size}.")
    type_ = order.type
    if type_ is None and backup.volume_facts.get("type"):
        with cinder.db.reading() as session:
            type_ = session.scalar(select(VolumeType.name).where(
                VolumeType.name == backup.volume_facts["type"]))
    volume = volumes.create(cinder, ctx, replace(
        order, size=size, type=type_, backup_id=backup_id,
        hints=order.hints | {"storage_host": backup.host}))
    if (volume.encryption_key_id is None) != (backup.encryption_key_id is None):
        volumes.delete(cinder, ctx, volume.id, force=True)
        raise InvalidVolume(reason="volume_type: an encrypted backup is restored to an encrypted "
                                   "volume, and no other is.")
    _begin(cinder, ctx, backup_id, volume, new=True)
    return volume


def _restorable(cinder: Cinder, ctx: Context, backup_id: str) -> Backup:
    with cinder.db.reading() as session:
        row = find(session, ctx, backup_id)
        if row.status != "available":
            raise InvalidBackup(reason=f"Backup status must be available, it is {row.status}.")
        if not services.is_up(session, row.host or "", cinder.service, services.BACKUP):
            raise NoBackupService
        return row


def _begin(cinder: Cinder, ctx: Context, backup_id: str, volume: Volume, *, new: bool) -> None:
    def begin(session: Session) -> str:
        row = find(session, ctx, backup_id)
        if not works.claim(session, "backup", row.id, backup_restore.ACTION):
            raise InvalidBackup(reason=f"Backup status must be available, it is {row.status}.")
        events.record_backup(session, ctx, "backup.restore.start", row)
        return works.add(session, ctx, backup_restore.ACTION, volume, {"new": new},
                         resource="backup", id_=row.id)

    cinder.ring(ctx, cinder.db.write(begin))


def reset_status(cinder: Cinder, ctx: Context, backup_id: str, status: str) -> None:
    """Say that it is in that status. Raises BackupNotFound."""

    def write(session: Session) -> None:
        row = find(session, ctx, backup_id)
        row.status, row.previous_status = status, None
        session.flush()
        events.record_backup(session, ctx, "backup.reset_status", row)

    cinder.db.write(write)


def export_record(cinder: Cinder, ctx: Context, backup_id: str) -> dict[str, str]:
    """What it takes to know of the backup elsewhere, or after the database was lost. Raises
    BackupNotFound, InvalidBackup."""
    row = _restorable(cinder, ctx, backup_id)
    record = {name: getattr(row, name) for name in _RECORDED}
    record |= {"data_timestamp": stamp(row.data_timestamp)}
    return {"backup_service": row.driver or DRIVER,
            "backup_url": base64.b64encode(json.dumps(record).encode()).decode()}


def import_record(cinder: Cinder, ctx: Context, service: str, url: str) -> Backup:
    """A backup as a record tells of it. Raises InvalidInput, InvalidBackup for one that is there
    already."""
    try:
        record = json.loads(base64.b64decode(url, validate=True))
        told = {name: record.get(name) for name in _RECORDED}
        size = int(told["size"])
        texts = [told[name] for name in ("id", "volume_id", "host")]
    except (ValueError, TypeError, AttributeError, KeyError, binascii.Error) as error:
        raise InvalidInput(reason="backup_url: it is no record of a backup.") from error
    if not all(isinstance(text, str) and 0 < len(text) <= 36 for text in texts[:2]) or size < 1:
        raise InvalidInput(reason="backup_url: it is no record of a backup.")
    if service != DRIVER:
        raise NoBackupService

    def write(session: Session) -> Backup:
        if session.scalar(select(Backup.number).where(Backup.id == told["id"])) is not None:
            raise InvalidBackup(reason="Backup already exists in database.")
        row = Backup(
            id=str(told["id"]), project_id=ctx.project, user_id=ctx.user_id,
            name=_text(told["name"]), description=_text(told["description"]),
            status="available", volume_id=str(told["volume_id"]), size=size,
            stored=told["stored"] if isinstance(told["stored"], int) else None,
            object_count=told["object_count"] if isinstance(told["object_count"], int) else 0,
            host=_text(told["host"]), driver=DRIVER, container=_text(told["container"]),
            availability_zone=_text(told["availability_zone"]), data_timestamp=utcnow(),
            meta=_object(told["meta"]), volume_facts=_object(told["volume_facts"]),
            provider=_object(told["provider"]))
        session.add(row)
        session.flush()
        events.record_backup(session, ctx, "backup.import_record", row)
        return row

    return cinder.db.write(write)


def _text(value: Any) -> str | None:
    return value[:255] if isinstance(value, str) else None


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
