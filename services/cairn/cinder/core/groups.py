"""Groups of volumes: looking them up, and what is asked of them.

No backend has anything of a group: it is a row, and what its volumes say. So it is there as soon as
it is asked for, and volumes join and leave it in one transaction. What makes or removes volumes
with it is core/group_members.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from cairn.cinder.component import Cinder
from cairn.cinder.core import (
    events,
    group_members,
    group_types,
    quotas,
    services,
    types,
    volumes,
    works,
)
from cairn.cinder.core.flows import delete as delete_flow
from cairn.cinder.db.models import (
    Attachment,
    Group,
    GroupSnapshot,
    GroupType,
    Snapshot,
    Volume,
)
from cairn.cinder.errors import (
    GroupNotFound,
    GroupSnapshotNotFound,
    InvalidGroup,
    InvalidGroupType,
    InvalidInput,
    InvalidVolume,
    VolumeNotFound,
)
from cairn.cinder.rpc import backend_of
from cairn.common.context import Context
from cairn.common.db import new_id

STATUSES = ("error", "available", "creating", "deleting", "deleted", "updating", "error_deleting")
# A spec of group types: snapshots of its volumes are of one moment.
CONSISTENT = "consistent_group_snapshot_enabled"
TRUE = "<is> True"


@dataclass(frozen=True)
class Order:
    """A group that is asked for; types by id or name."""

    group_type: str
    volume_types: Sequence[str]
    name: str | None = None
    description: str | None = None
    zone: str | None = None


@dataclass(frozen=True)
class Copy:
    """A group that is asked for with volumes like those of a group, or of its snapshot."""

    name: str | None = None
    description: str | None = None
    group_snapshot_id: str | None = None
    source_group_id: str | None = None


def find(session: Session, ctx: Context, group_id: str, *, held: bool = False) -> Group:
    """The group, if the caller may know of it. Raises GroupNotFound."""
    query = select(Group).where(Group.id == group_id)
    if not ctx.is_admin:
        query = query.where(Group.project_id == ctx.project)
    row = session.scalar(query.with_for_update() if held else query)
    if row is None:
        raise GroupNotFound(group_id)
    return row


def members(session: Session, group_id: str) -> Sequence[Volume]:
    """Its volumes, which stay as they are until the end of the transaction."""
    return session.scalars(select(Volume).where(Volume.group_id == group_id)
                           .order_by(Volume.number).with_for_update(),
                           execution_options={"populate_existing": True}).all()


def is_consistent(session: Session, group_type_id: str) -> bool:
    """Whether snapshots of groups of that type are of one moment."""
    specs = session.scalar(select(GroupType.group_specs).where(GroupType.id == group_type_id))
    return (specs or {}).get(CONSISTENT) == TRUE


def create(cinder: Cinder, ctx: Context, order: Order) -> str:
    """A group without volumes; its id. Raises GroupTypeNotFound, TypeNotFound, InvalidInput,
    OverLimit."""
    unified = quotas.of_keystone(cinder, ctx, ctx.project)

    def add(session: Session) -> str:
        kind = group_types.find_named(session, ctx, order.group_type)
        ids = [types.find(session, ctx, name).id for name in order.volume_types]
        zone = order.zone or cinder.api.default_zone
        if order.zone is not None and not services.zones(session).get(zone):
            if not cinder.api.allow_availability_zone_fallback:
                raise InvalidInput(reason=f"Availability zone '{zone}' is invalid.")
            zone = cinder.api.default_zone
        row = _add(session, cinder, ctx, unified, Group(
            name=order.name, description=order.description, status="available",
            group_type_id=kind.id, volume_type_ids=list(dict.fromkeys(ids)),
            availability_zone=zone))
        events.record_group(session, ctx, "group.create.end", row)
        return row.id

    return cinder.db.write(add)


def _add(
    session: Session, cinder: Cinder, ctx: Context, unified: dict[str, int], row: Group
) -> Group:
    quotas.claim(session, cinder, ctx.project, {"groups": 1}, unified=unified)
    row.project_id, row.user_id = ctx.project, ctx.user_id
    session.add(row)
    session.flush()
    events.record_group(session, ctx, "group.create.start", row)
    return row


def copy(cinder: Cinder, ctx: Context, order: Copy) -> str:
    """A group, whose volumes begin to be made from another's, or from a snapshot of one; its id.
    Raises GroupNotFound, GroupSnapshotNotFound, InvalidGroup, InvalidVolume, OverLimit."""
    unified = quotas.of_keystone(cinder, ctx, ctx.project)

    def add(session: Session) -> tuple[str, set[str]]:
        source, orders = _sources(session, ctx, order)
        if not orders:
            raise InvalidGroup(reason="There is no volume to make the group's from.")
        row = _add(session, cinder, ctx, unified, Group(
            id=new_id(), name=order.name, description=order.description, status="creating",
            group_type_id=source.group_type_id, volume_type_ids=source.volume_type_ids,
            availability_zone=source.availability_zone,
            group_snapshot_id=order.group_snapshot_id, source_group_id=order.source_group_id))
        runners = {volumes.add(session, cinder, ctx, volumes.Order(group_id=row.id, **each), None,
                               unified)[1] for each in orders}
        return row.id, runners

    id_, runners = cinder.db.write(add)
    for runner in runners:
        cinder.ring(ctx, runner)
    return id_


def _sources(
    session: Session, ctx: Context, order: Copy
) -> tuple[Group, list[dict[str, Any]]]:
    """The group that the new one is like, and what each of the new volumes is made from."""
    if order.source_group_id is not None:
        source = find(session, ctx, order.source_group_id, held=True)
        _need(source, "available")
        return source, [{"source_volid": each.id, "type": each.type_id}
                        for each in members(session, source.id)]
    query = select(GroupSnapshot).where(GroupSnapshot.id == order.group_snapshot_id)
    if not ctx.is_admin:
        query = query.where(GroupSnapshot.project_id == ctx.project)
    taken = session.scalar(query.with_for_update())
    if taken is None:
        raise GroupSnapshotNotFound(order.group_snapshot_id)
    if taken.status != "available":
        raise InvalidInput(reason=f"The group snapshot {taken.id} must be available, it is "
                                  f"{taken.status}.")
    parts = session.scalars(select(Snapshot).where(
        Snapshot.group_snapshot_id == taken.id).order_by(Snapshot.number)).all()
    return find(session, ctx, taken.group_id), [
        {"snapshot_id": each.id, "type": each.type_id} for each in parts]


def _need(row: Group, *statuses: str) -> None:
    if row.status not in statuses:
        raise InvalidGroup(reason=f"Group {row.id} status must be {' or '.join(statuses)}, but "
                                  f"current status is: {row.status}.")


def update(
    cinder: Cinder, ctx: Context, group_id: str, values: dict[str, Any], add: Sequence[str],
    drop: Sequence[str],
) -> None:
    """Set these columns; volumes join and leave. Raises GroupNotFound, InvalidGroup,
    InvalidVolume."""
    if both := set(add) & set(drop):
        raise InvalidVolume(reason=f"{', '.join(sorted(both))} can not be in add_volumes and in "
                                   "remove_volumes.")

    def change(session: Session) -> None:
        row = find(session, ctx, group_id, held=True)
        _need(row, "available")
        events.record_group(session, ctx, "group.update.start", row)
        for name, value in values.items():
            setattr(row, name, value)
        for id_ in drop:
            _drop(session, ctx, row, id_)
        for id_ in add:
            _join(session, ctx, row, id_)
        session.flush()
        events.record_group(session, ctx, "group.update.end", row)

    cinder.db.write(change)


def _named(session: Session, ctx: Context, row: Group, field: str, id_: str) -> Volume:
    """A volume of the group's own project."""
    try:
        volume = volumes.locked(session, ctx, id_)
    except VolumeNotFound:
        volume = None
    if volume is None or volume.project_id != row.project_id:
        raise InvalidVolume(reason=f"{field}: volume {id_} could not be found.")
    return volume


def _drop(session: Session, ctx: Context, row: Group, id_: str) -> None:
    volume = _named(session, ctx, row, "remove_volumes", id_)
    if volume.group_id != row.id:
        raise InvalidVolume(reason=f"remove_volumes: volume {id_} is not in group {row.id}.")
    if volume.status not in ("available", "in-use", "error", "error_deleting"):
        raise InvalidVolume(reason=f"remove_volumes: volume {id_} is {volume.status}.")
    volume.group_id = None
    session.flush()


def _join(session: Session, ctx: Context, row: Group, id_: str) -> None:
    volume = _named(session, ctx, row, "add_volumes", id_)
    if volume.group_id == row.id:
        return
    if volume.group_id is not None:
        raise InvalidVolume(reason=f"add_volumes: volume {id_} is in group {volume.group_id}.")
    if volume.type_id not in row.volume_type_ids:
        raise InvalidVolume(reason=f"add_volumes: the type of volume {id_} is not one of those of "
                                   f"group {row.id}.")
    if volume.status not in ("available", "in-use") or volumes.is_migrating(volume):
        raise InvalidVolume(reason=f"add_volumes: volume {id_} must be available or in-use and "
                                   f"not migrating, it is {volume.status}.")
    here = group_members.backend(session, row.id)
    if here is not None and backend_of(volume.host or "") != here:
        raise InvalidVolume(reason=f"add_volumes: volume {id_} is on another backend than those "
                                   f"of group {row.id}.")
    volume.group_id = row.id
    session.flush()


def delete(cinder: Cinder, ctx: Context, group_id: str, *, with_volumes: bool) -> None:
    """Delete a group, and `with_volumes` begin to delete these; it is gone with the last of them.
    Raises GroupNotFound, InvalidGroup."""

    def begin(session: Session) -> set[str]:
        row = find(session, ctx, group_id, held=True)
        _need(row, "available", "error", "error_deleting")
        if session.scalar(select(GroupSnapshot.id).where(
                GroupSnapshot.group_id == row.id).limit(1)) is not None:
            raise InvalidGroup(reason=f"Group {row.id} has snapshots: delete them first.")
        inside = members(session, row.id)
        if inside and not with_volumes:
            raise InvalidGroup(reason=f"Group {row.id} is not empty: delete-volumes says that its "
                                      "volumes are to be deleted, too.")
        events.record_group(session, ctx, "group.delete.start", row)
        if not inside:
            group_members.remove(session, ctx, row)
            return set()
        row.status = "deleting"
        session.flush()
        return {_delete(session, ctx, row, each) for each in inside}

    for runner in cinder.db.write(begin):
        cinder.ring(ctx, runner)


def _delete(session: Session, ctx: Context, row: Group, volume: Volume) -> str:
    made = select(Volume.id).where(Volume.source_volid == volume.id, Volume.status == "creating")
    if session.scalar(made.limit(1)) is not None or not works.claim(
            session, "volume", volume.id, delete_flow.ACTION, None,
            ~exists().where(Attachment.volume_id == volume.id),
            ~exists().where(Snapshot.volume_id == volume.id)):
        raise InvalidGroup(reason=(
            f"Volume {volume.id} of group {row.id} is {volume.status}: it must not be used, nor "
            "have snapshots, nor be what another volume is made from."))
    session.refresh(volume)
    events.record(session, ctx, "volume.delete.start", volume)
    return works.add(session, ctx, delete_flow.ACTION, volume, {"cascade": False})


def reset_status(cinder: Cinder, ctx: Context, group_id: str, status: str) -> None:
    """Say what it is, whatever it was. Raises GroupNotFound."""

    def change(session: Session) -> None:
        row = find(session, ctx, group_id, held=True)
        row.status, row.previous_status = status, None
        session.flush()
        events.record_group(session, ctx, "group.reset_status.end", row)

    cinder.db.write(change)


def refuse_replication(cinder: Cinder, ctx: Context, group_id: str) -> None:
    """No group is of a type that replicates: no driver does. Raises GroupNotFound,
    InvalidGroupType."""
    with cinder.db.reading() as session:
        row = find(session, ctx, group_id)
    raise InvalidGroupType(reason=f"Group {row.id} is not of a type that is replicated.")
