"""Snapshots of groups: looking them up, and what is asked of them.

One work takes all snapshots of a group, for a driver is asked once where they shall be of one
moment; so one removes them, too. Its subject is the group.
"""

from dataclasses import dataclass

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from cairn.cinder.component import Cinder
from cairn.cinder.core import events, groups, quotas, snapshots, volumes, works
from cairn.cinder.core.flows import create_group_snapshot as create_flow
from cairn.cinder.core.flows import delete_group_snapshot as delete_flow
from cairn.cinder.db.models import Group, GroupSnapshot, Snapshot, Volume
from cairn.cinder.errors import (
    GroupSnapshotNotFound,
    InvalidGroup,
    InvalidGroupSnapshot,
    InvalidVolume,
)
from cairn.common.context import Context

STATUSES = groups.STATUSES


@dataclass(frozen=True)
class Order:
    """A snapshot of a group that is asked for."""

    group_id: str
    name: str | None = None
    description: str | None = None


def find(session: Session, ctx: Context, id_: str, *, held: bool = False) -> GroupSnapshot:
    """The group's snapshot, if the caller may know of it. Raises GroupSnapshotNotFound."""
    query = select(GroupSnapshot).where(GroupSnapshot.id == id_)
    if not ctx.is_admin:
        query = query.where(GroupSnapshot.project_id == ctx.project)
    row = session.scalar(query.with_for_update() if held else query)
    if row is None:
        raise GroupSnapshotNotFound(id_)
    return row


def create(cinder: Cinder, ctx: Context, order: Order) -> str:
    """Begin to take snapshots of all volumes of a group; the whole's id. Raises GroupNotFound,
    InvalidGroup, InvalidVolume, OverLimit."""
    with cinder.db.reading() as session:
        project = groups.find(session, ctx, order.group_id).project_id
    unified = quotas.of_keystone(cinder, ctx, project)

    def begin(session: Session) -> tuple[str, str]:
        group = groups.find(session, ctx, order.group_id, held=True)
        if group.status != "available":
            raise InvalidGroup(reason=f"Group {group.id} must be available, it is {group.status}.")
        inside = groups.members(session, group.id)
        if not inside:
            raise InvalidGroup(reason=f"Group {group.id} is empty: there is nothing to take a "
                                      "snapshot of.")
        row = GroupSnapshot(
            project_id=group.project_id, user_id=ctx.user_id, name=order.name,
            description=order.description, status="creating", group_id=group.id,
            group_type_id=group.group_type_id)
        session.add(row)
        session.flush()
        for volume in inside:
            if volume.status not in ("available", "in-use") or volumes.is_migrating(volume):
                raise InvalidVolume(reason=f"Volume {volume.id} of group {group.id} must be "
                                           f"available or in-use, it is {volume.status}.")
            part = snapshots.add(session, cinder, ctx, volume, snapshots.Order(
                volume.id, order.name, order.description), unified)
            part.group_snapshot_id = row.id
        session.flush()
        events.record_group_snapshot(session, ctx, "group_snapshot.create.start", row)
        return row.id, works.add(
            session, ctx, create_flow.ACTION, group,
            {"consistent": groups.is_consistent(session, group.group_type_id)},
            resource="group_snapshot", id_=row.id)

    id_, runner = cinder.db.write(begin)
    cinder.ring(ctx, runner)
    return id_


def delete(cinder: Cinder, ctx: Context, id_: str) -> None:
    """Begin to delete a group's snapshot with all that is of it. Raises GroupSnapshotNotFound,
    InvalidGroupSnapshot."""

    def begin(session: Session) -> str:
        # Who makes a group from it holds the row while volumes are written.
        row = find(session, ctx, id_, held=True)
        parts = select(Snapshot.id).where(Snapshot.group_snapshot_id == row.id)
        making = exists().where(Volume.status == "creating", Volume.snapshot_id.in_(parts))
        if not works.claim(session, "group_snapshot", row.id, delete_flow.ACTION, None, ~making):
            raise InvalidGroupSnapshot(reason=(
                "its status must be available or error, and no volume may be in the making from "
                f"it. It is {row.status}."))
        session.refresh(row)
        session.execute(update(Snapshot).where(Snapshot.group_snapshot_id == row.id)
                        .values(status="deleting"))
        group = session.scalar(select(Group).where(Group.id == row.group_id))
        events.record_group_snapshot(session, ctx, "group_snapshot.delete.start", row)
        return works.add(session, ctx, delete_flow.ACTION, group, resource="group_snapshot",
                         id_=row.id)

    cinder.ring(ctx, cinder.db.write(begin))


def reset_status(cinder: Cinder, ctx: Context, id_: str, status: str) -> None:
    """Say what it is, whatever it was. Raises GroupSnapshotNotFound."""

    def change(session: Session) -> None:
        row = find(session, ctx, id_, held=True)
        row.status, row.previous_status = status, None
        session.flush()
        events.record_group_snapshot(session, ctx, "group_snapshot.reset_status.end", row)

    cinder.db.write(change)
