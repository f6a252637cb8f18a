"""Snapshots: looking them up, and what is asked of them."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from cairn.cinder.component import Cinder
from cairn.cinder.core import events, quotas, volumes, works
from cairn.cinder.core.flows import create_snapshot as create_flow
from cairn.cinder.core.flows import delete_snapshot as delete_flow
from cairn.cinder.db.models import Snapshot, Volume, VolumeType
from cairn.cinder.errors import InvalidSnapshot, InvalidVolume, SnapshotNotFound
from cairn.common.context import Context
from cairn.common.errors import Invalid

STATUSES = ("creating", "available", "deleting", "error", "error_deleting", "backing-up",
            "restoring", "unmanaging", "deleted")
# What a driver may say of a snapshot that it is at, by what it is now.
FOLLOWING = {"creating": ("creating", "available", "error"),
             "deleting": ("deleting", "error_deleting")}


@dataclass(frozen=True)
class Order:
    """A snapshot that is asked for."""

    volume_id: str
    name: str | None = None
    description: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    force: bool = False


def find(session: Session, ctx: Context, snapshot_id: str) -> Snapshot:
    """The snapshot, if the caller may know of it. Raises SnapshotNotFound."""
    query = select(Snapshot).where(Snapshot.id == snapshot_id)
    if not ctx.is_admin:
        query = query.where(Snapshot.project_id == ctx.project, Snapshot.hidden.is_(False))
    row = session.scalar(query)
    if row is None:
        raise SnapshotNotFound(snapshot_id)
    return row


def locked(session: Session, ctx: Context, snapshot_id: str) -> Snapshot:
    """The snapshot as it is now, and stays until the end of the transaction. Raises
    SnapshotNotFound."""
    find(session, ctx, snapshot_id)
    row = session.scalar(select(Snapshot).where(Snapshot.id == snapshot_id).with_for_update(),
                         execution_options={"populate_existing": True})
    if row is None:
        raise SnapshotNotFound(snapshot_id)
    return row


def create(cinder: Cinder, ctx: Context, order: Order) -> str:
    """Begin to take a snapshot; its id. Raises VolumeNotFound, InvalidVolume, OverLimit."""
    with cinder.db.reading() as session:
        project = volumes.find(session, ctx, order.volume_id).project_id
    unified = quotas.of_keystone(cinder, ctx, project)

    def begin(session: Session) -> tuple[str, str]:
        volume = volumes.locked(session, ctx, order.volume_id)
        allowed = ("available", "in-use") if order.force else ("available",)
        if volume.status not in allowed or volumes.is_migrating(volume):
            raise InvalidVolume(reason=(
                f"Volume {volume.id} status must be {' or '.join(allowed)} and it must not be "
                f"migrating, it is {volume.status}."))
        row = add(session, cinder, ctx, volume, order, unified)
        return row.id, works.add(session, ctx, create_flow.ACTION, volume,
                                 resource="snapshot", id_=row.id)

    id_, runner = cinder.db.write(begin)
    cinder.ring(ctx, runner)
    return id_


def add(
    session: Session, cinder: Cinder, ctx: Context, volume: Volume, order: Order,
    unified: dict[str, int], told: str = "snapshot.create.start",
) -> Snapshot:
    """The row of a snapshot, within the owner's limits; `told` is the event. Raises OverLimit."""
    more_of = {"snapshots": 1}
    if not cinder.quota.no_snapshot_gb:
        more_of["gigabytes"] = volume.size
    type_name = session.scalar(select(VolumeType.name).where(VolumeType.id == volume.type_id))
    quotas.claim(session, cinder, volume.project_id, more_of, type_name=type_name,
                 unified=unified)
    row = Snapshot(
        project_id=volume.project_id, user_id=ctx.user_id, name=order.name,
        description=order.description, status="creating", volume_id=volume.id, size=volume.size,
        meta=order.metadata, encryption_key_id=volume.encryption_key_id, type_id=volume.type_id)
    session.add(row)
    session.flush()
    events.record_snapshot(session, ctx, told, row)
    return row


def update(
    cinder: Cinder, ctx: Context, snapshot_id: str, values: dict[str, Any]
) -> None:
    """Set these columns. Raises SnapshotNotFound."""

    def change(session: Session) -> None:
        row = locked(session, ctx, snapshot_id)
        for name, value in values.items():
            setattr(row, name, value)
        session.flush()
        events.record_snapshot(session, ctx, "snapshot.update.end", row)

    cinder.db.write(change)


def delete(cinder: Cinder, ctx: Context, snapshot_id: str, *, force: bool = False) -> None:
    """Begin to delete the caller's snapshot. Raises SnapshotNotFound, InvalidSnapshot."""

    def begin(session: Session) -> str:
        row = find(session, ctx, snapshot_id)
        entry = delete_flow.ACTION.entries[1 if force else 0]
        made = aliased(Volume)
        conditions = [~select(made.id).where(
            made.snapshot_id == row.id, made.status == "creating").exists()]
        if not force:
            conditions.append(Snapshot.group_snapshot_id.is_(None))
        if not works.claim(session, "snapshot", row.id, delete_flow.ACTION, entry, *conditions):
            raise InvalidSnapshot(reason=(
                "Snapshot's status must be available or error, no volume may be in the making "
                "from it, and it must not belong to a group snapshot. It is "
                f"{row.status}."))
        events.record_snapshot(session, ctx, "snapshot.delete.start", row)
        volume = session.scalar(select(Volume).where(Volume.id == row.volume_id))
        return works.add(session, ctx, delete_flow.ACTION, volume, resource="snapshot", id_=row.id)

    cinder.ring(ctx, cinder.db.write(begin))


def reset_status(cinder: Cinder, ctx: Context, snapshot_id: str, status: str) -> None:
    """Say what it is, whatever it was. Raises SnapshotNotFound."""
    update(cinder, ctx, snapshot_id, {"status": status, "previous_status": None})


def report_status(
    cinder: Cinder, ctx: Context, snapshot_id: str, status: str, progress: str | None
) -> None:
    """What a service that takes snapshots says of one. Raises Invalid where that can not follow
    on what it is."""

    def change(session: Session) -> None:
        row = locked(session, ctx, snapshot_id)
        following = FOLLOWING.get(row.status)
        if following is None:
            raise Invalid(reason=f"Snapshot status {row.status} not allowed for "
                                 "update_snapshot_status")
        if status not in following:
            raise Invalid(reason=f"Provided snapshot status {status} not allowed for snapshot with "
                                 f"status {row.status}.")
        if status != row.status:
            row.status, row.previous_status = status, None
        if progress is not None:
            row.progress = progress
        session.flush()
        events.record_snapshot(session, ctx, "snapshot.update.end", row)

    cinder.db.write(change)
