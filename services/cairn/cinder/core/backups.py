"""Backups: looking them up, and what is asked of them."""

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from cairn.cinder.component import Cinder
from cairn.cinder.core import backup_places, events, keys, quotas, volumes, works
from cairn.cinder.core.flows import backup_create, backup_delete, backup_restore
from cairn.cinder.db.models import Backup, Snapshot, Volume, VolumeType
from cairn.cinder.errors import (
    BackupNotFound,
    InvalidBackup,
    InvalidInput,
    InvalidSnapshot,
    InvalidVolume,
    SnapshotNotFound,
)
from cairn.common.context import Context
from cairn.common.db import utcnow

STATUSES = ("available", "error")


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
    if volume.host is None:
        raise InvalidVolume(reason=f"Volume {volume.id} is {volume.status}.")
    host = volume.host.partition("@")[0]
    place = backup_places.service_of(session, cinder, host)
    parent = _parent(session, volume, place) if order.incremental else None
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
        size=size, container=order.container, host=host, driver=place.report.get("driver"),
        availability_zone=order.zone or volume.availability_zone, meta=order.metadata or {},
        data_timestamp=snapshot.created_at if snapshot is not None else utcnow(),
        volume_facts={"type": type_name, "meta": volume.meta, "bootable": volume.bootable,
                      "image_meta": volume.image_meta, "name": volume.name},
        provider={
            "target": place.report.get("target"),
            # One for all that stand on each other.
            "container": parent.provider.get("container") if parent else order.container})
    if volume.encryption_key_id is not None:
        row.encryption_key_id = keys.copy(session, cinder, volume.encryption_key_id)
    session.add(row)
    session.flush()
    events.record_backup(session, ctx, "backup.create.start", row)
    args: dict[str, Any] = {"clone": in_use and snapshot is None,
                            "kept": backup_places.record(row)}
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


def _parent(session: Session, volume: Volume, place: Any) -> Backup:
    """The last one, of those that the volume's host reaches."""
    rows = session.scalars(
        select(Backup).where(Backup.volume_id == volume.id, Backup.status == "available",
                             Backup.project_id == volume.project_id)
        .order_by(Backup.data_timestamp.desc(), Backup.number.desc())).all()
    row = next((row for row in rows if backup_places.is_reached(place, row)), None)
    if row is not None:
        return row
    raise InvalidBackup(reason="No backups available to do an incremental backup." + (
        " Those of the volume are kept where its storage host does not reach them: make a full "
        "one first." if rows else ""))


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
        args = {"kept": backup_places.record(row), "force": force}
        return works.add(session, ctx, action, Place(row.volume_id, row.host or ""), args,
                         resource="backup", id_=row.id)

    cinder.ring(ctx, cinder.db.write(begin))


def has_dependents(session: Session, backup_id: str) -> bool:
    """Whether another stands on it."""
    return bool(session.scalar(select(exists().where(Backup.parent_id == backup_id))))


def restore(
    cinder: Cinder, ctx: Context, backup_id: str, volume_id: str | None, name: str | None
) -> tuple[str, Volume]:
    """Begin to write a backup over a volume, or over a new one where none is named; the backup's id
    and the volume. Raises BackupNotFound, InvalidBackup, InvalidVolume, InvalidInput,
    NoBackupService, what volumes.create does."""
    if volume_id is None:
        new = volumes.Order(name=name or f"restore_backup_{backup_id}")
        return backup_id, create_volume(cinder, ctx, backup_id, new)

    def begin(session: Session) -> tuple[Volume, str]:
        backup, hosts = _restorable(session, cinder, ctx, backup_id)
        volume = volumes.find(session, ctx, volume_id)
        if volume.size < backup.size:
            raise InvalidVolume(reason=f"volume size {volume.size} is too small to restore backup "
                                       f"of size {backup.size}.")
        _check_encryption(volume, backup)
        if (volume.host or "").partition("@")[0] not in hosts:
            raise InvalidVolume(reason=(
                "The backup is kept where the volume's storage host does not reach it. Restore it "
                "to a new volume (name none): that is made on a host that does."
                f"\nThose that do: {', '.join(hosts)}; the volume is on {volume.host}."))
        action = backup_restore.ACTION
        if not works.claim(session, "volume", volume.id, action, action.entries[1]):
            raise InvalidVolume(reason=f"Volume to be restored to must be available, it is "
                                       f"{volume.status}.")
        return volume, _begin(session, ctx, backup, volume, new=False)

    volume, runner = cinder.db.write(begin)
    cinder.ring(ctx, runner)
    return backup_id, volume


def create_volume(
    cinder: Cinder, ctx: Context, backup_id: str, order: volumes.Order
) -> Volume:
    """A new volume with what the backup holds, on a host that reaches it. Raises as restore()."""
    volumes.check_sources(replace(order, backup_id=backup_id))
    unified = quotas.of_keystone(cinder, ctx, ctx.project)

    def begin(session: Session) -> tuple[Volume, list[str]]:
        backup, _ = _restorable(session, cinder, ctx, backup_id)
        size = order.size or backup.size
        if size < backup.size:
            raise InvalidInput(reason=f"size {size} is smaller than the backup's, {backup.size}.")
        type_ = order.type
        if type_ is None and backup.volume_facts.get("type"):
            type_ = session.scalar(select(VolumeType.name).where(
                VolumeType.name == backup.volume_facts["type"]))
        volume, runner = volumes.add(session, cinder, ctx, replace(
            order, size=size, type=type_, backup_id=backup_id), None, unified)
        _check_encryption(volume, backup)
        return volume, [runner, _begin(session, ctx, backup, volume, new=True)]

    volume, runners = cinder.db.write(begin)
    for runner in runners:
        cinder.ring(ctx, runner)
    return volume


def _check_encryption(volume: Volume, backup: Backup) -> None:
    if (volume.encryption_key_id is None) != (backup.encryption_key_id is None):
        raise InvalidVolume(reason=(
            "volume_type: an encrypted backup is restored to a volume of an encrypted type, and no "
            "other is."))


def _restorable(
    session: Session, cinder: Cinder, ctx: Context, backup_id: str
) -> tuple[Backup, list[str]]:
    """The backup, and the hosts that can restore it."""
    row = find(session, ctx, backup_id)
    if row.status != "available":
        raise InvalidBackup(reason=f"Backup status must be available, it is {row.status}.")
    hosts = backup_places.hosts(session, cinder, row)
    if not hosts:
        raise backup_places.refuse(session, cinder, row)
    return row, hosts


def _begin(session: Session, ctx: Context, backup: Backup, volume: Volume, *, new: bool) -> str:
    """Whom to ring after the commit."""
    if not works.claim(session, "backup", backup.id, backup_restore.ACTION):
        raise InvalidBackup(reason=f"Backup status must be available, it is {backup.status}.")
    events.record_backup(session, ctx, "backup.restore.start", backup)
    return works.add(session, ctx, backup_restore.ACTION, volume,
                     {"new": new, "kept": backup_places.record(backup)},
                     resource="backup", id_=backup.id)


def reset_status(cinder: Cinder, ctx: Context, backup_id: str, status: str) -> None:
    """Say that it is in that status. Raises BackupNotFound."""

    def write(session: Session) -> None:
        row = find(session, ctx, backup_id)
        row.status, row.previous_status = status, None
        session.flush()
        events.record_backup(session, ctx, "backup.reset_status", row)

    cinder.db.write(write)
