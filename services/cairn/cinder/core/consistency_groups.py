"""Consistency groups, which clients knew before there were groups: groups of one type, whose
snapshots are of one moment."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cairn.cinder.component import Cinder
from cairn.cinder.core import group_lists, groups
from cairn.cinder.core.filters import Condition
from cairn.cinder.db.models import Group, GroupSnapshot, GroupType
from cairn.cinder.errors import GroupNotFound, GroupSnapshotNotFound
from cairn.common.context import Context

TYPE = "default_cgsnapshot_type"


def ensure_type(cinder: Cinder) -> str:
    """The id of their type, which is there from the first of them on."""

    def ensure(session: Session) -> str:
        row = session.scalar(select(GroupType).where(GroupType.name == TYPE))
        if row is None:
            row = GroupType(name=TYPE, description="Default group type for migrating cgsnapshot",
                            group_specs={groups.CONSISTENT: groups.TRUE})
            try:
                with session.begin_nested():
                    session.add(row)
            except IntegrityError:  # Another request was first.
                row = session.scalars(select(GroupType).where(GroupType.name == TYPE)).one()
        return row.id

    return cinder.db.write(ensure)


def _types() -> Any:
    return select(GroupType.id).where(GroupType.name == TYPE)


def groups_only() -> Condition:
    """The condition for groups that are consistency groups."""
    return Group.group_type_id.in_(_types())


def snapshots_only() -> Condition:
    """The condition for snapshots of such."""
    return GroupSnapshot.group_type_id.in_(_types())


def one(cinder: Cinder, ctx: Context, group_id: str) -> Group:
    """Raises GroupNotFound, also for a group that is no consistency group."""
    row = group_lists.one(cinder, ctx, group_id)
    with cinder.db.reading() as session:
        if row.group_type_id not in session.scalars(_types()).all():
            raise GroupNotFound(group_id)
    return row


def one_snapshot(cinder: Cinder, ctx: Context, id_: str) -> GroupSnapshot:
    """Raises GroupSnapshotNotFound, also for a snapshot of a group that is no consistency group."""
    row = group_lists.one_snapshot(cinder, ctx, id_)
    with cinder.db.reading() as session:
        if row.group_type_id not in session.scalars(_types()).all():
            raise GroupSnapshotNotFound(id_)
    return row
