"""What a group and its volumes have to do with each other.

A group is made and goes with its volumes, and these come and go by works of their own, as any
volume does. So no work is the group's: whoever ends the work of one of its volumes looks, in the
same transaction, whether that was the last the group waited for. A death of anybody leaves works
that go on, and with their last the group ends.
"""

from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from cairn.cinder.core import events
from cairn.cinder.db.models import Group, GroupSnapshot, Snapshot, Volume
from cairn.cinder.errors import GroupNotFound, InvalidGroup, InvalidInput
from cairn.cinder.rpc import backend_of
from cairn.common.context import Context


def hold(session: Session, group_id: str) -> Group | None:
    """The group, which stays as it is until the end of the transaction; before any of its volumes
    is changed. None when it is gone."""
    return session.scalar(select(Group).where(Group.id == group_id).with_for_update(),
                          execution_options={"populate_existing": True})


def admit(session: Session, ctx: Context, group_id: str, type_id: str) -> None:
    """A new volume of that type may be in the group, and the group stays while it is written.
    Raises GroupNotFound, InvalidInput, InvalidGroup."""
    row = hold(session, group_id)
    if row is None or not (ctx.is_admin or row.project_id == ctx.project):
        raise GroupNotFound(group_id)
    if type_id not in row.volume_type_ids:
        raise InvalidInput(reason=f"volume_type: it is not one of those of the group {row.id}.")
    # One that is made from another is creating while its volumes are written.
    if row.status not in ("available", "creating"):
        raise InvalidGroup(reason=f"The group {row.id} must be available to have a new volume, it "
                                  f"is {row.status}.")


def backend(session: Session, group_id: str | None) -> str | None:
    """host@backend where the group's volumes are; None while it has none anywhere."""
    if group_id is None:
        return None
    host = session.scalar(select(Volume.host).where(
        Volume.group_id == group_id, Volume.host.is_not(None)).limit(1))
    return backend_of(host) if host is not None else None


def is_snapshotted() -> Any:
    """The condition that a snapshot of the volume's group is being taken: what it holds and how
    large it is belong to that moment."""
    return exists().where(Snapshot.volume_id == Volume.id, Snapshot.status == "creating",
                          Snapshot.group_snapshot_id.is_not(None))


def settle(session: Session, ctx: Context, group_id: str | None) -> None:
    """One of its volumes came to an end: the group does, too, where it waited for no other. Told
    again it is as it was."""
    if group_id is None or (row := hold(session, group_id)) is None:
        return
    waits = row.status
    if waits not in ("creating", "deleting"):
        return
    left = session.scalars(select(Volume.status).where(Volume.group_id == group_id)).all()
    if waits in left:
        return
    # Of one that was said to be going snapshots may be left: these need it.
    kept = session.scalar(select(GroupSnapshot.id).where(
        GroupSnapshot.group_id == group_id).limit(1))
    if waits == "deleting" and not left and kept is None:
        remove(session, ctx, row)
        return
    well = waits == "creating" and not any(status.startswith("error") for status in left)
    row.status, row.previous_status = "available" if well else "error", None
    session.flush()
    verb = "create" if waits == "creating" else "delete"
    events.record_group(session, ctx, f"group.{verb}.{'end' if well else 'error'}", row)


def remove(session: Session, ctx: Context, row: Group) -> None:
    """Nothing of it is left."""
    events.record_group(session, ctx, "group.delete.end", row)
    session.delete(row)
    session.flush()
