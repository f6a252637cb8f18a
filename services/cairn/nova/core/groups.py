"""Server groups."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.orm import Session

from cairn.common.context import Context
from cairn.common.db import changed
from cairn.common.errors import Invalid, NotFound
from cairn.nova.component import Nova
from cairn.nova.core import quotas
from cairn.nova.db.models import Event, Server, ServerGroup, ServerGroupMember
from cairn.nova.errors import LimitReached

_MEMBERS: Any = ServerGroupMember.__table__.c
_OF_SERVER = select(_MEMBERS.group_id).where(_MEMBERS.server_id == bindparam("id"))


@dataclass(frozen=True)
class GroupState:
    """A group and the ids of its servers that are not gone."""

    group: ServerGroup
    members: list[str]


def find(session: Session, ctx: Context, group_id: str) -> ServerGroup:
    """The caller's group (an admin's: anybody's). Raises NotFound."""
    query = select(ServerGroup).where(ServerGroup.id == group_id)
    if not ctx.is_admin:
        query = query.where(ServerGroup.project_id == ctx.project)
    group = session.scalar(query)
    if group is None:
        raise NotFound("Instance group", group_id)
    return group


def get(nova: Nova, ctx: Context, group_id: str) -> GroupState:
    """Raises NotFound."""
    with nova.db.reading() as session:
        group = find(session, ctx, group_id)
        return GroupState(group, members(session, [group.id])[group.id])


def list_groups(
    nova: Nova, project_id: str | None, limit: int, offset: int
) -> list[GroupState]:
    """A project's groups in the order in which they were made; everybody's without a project."""
    query = select(ServerGroup).order_by(ServerGroup.number).limit(limit).offset(offset)
    if project_id is not None:
        query = query.where(ServerGroup.project_id == project_id)
    with nova.db.reading() as session:
        groups = session.scalars(query).all()
        by_group = members(session, [group.id for group in groups])
    return [GroupState(group, by_group[group.id]) for group in groups]


def create(
    nova: Nova, ctx: Context, name: str, policy: str, rules: dict[str, int]
) -> GroupState:
    """Raises LimitReached."""

    def write(session: Session) -> ServerGroup:
        quotas.check_groups(session, ctx.project, ctx.user_id, nova.quota)
        group = ServerGroup(project_id=ctx.project, user_id=ctx.user_id, name=name,
                            policy=policy, rules=rules)
        session.add(group)
        session.flush()
        _record(session, ctx, "create", group)
        return group

    return GroupState(nova.db.write(write), [])


def join(session: Session, group_id: str, server_ids: Sequence[str], allowed: int) -> None:
    """Make the servers members, if there are no more than allowed then. Raises Invalid when the
    group has gone, LimitReached."""
    # Written, though nothing changes: of two who come at once the second counts the first's.
    held = session.execute(update(ServerGroup).where(ServerGroup.id == group_id)
                            .values(number=ServerGroup.number))
    if not changed(held):
        raise Invalid(reason=f"Instance group {group_id} could not be found.")
    check_room(session, group_id, len(server_ids), allowed)
    session.add_all(ServerGroupMember(server_id=server_id, group_id=group_id)
                    for server_id in server_ids)


def check_room(session: Session, group_id: str, count: int, allowed: int) -> None:
    """Raises LimitReached unless so many more may join."""
    have = session.scalar(
        select(func.count()).where(ServerGroupMember.group_id == group_id)) or 0
    if 0 <= allowed < have + count:
        raise LimitReached(what="servers in group", limit=allowed)


def remove(nova: Nova, ctx: Context, group_id: str) -> None:
    """Raises NotFound."""
    with nova.db.writing() as session:
        group = find(session, ctx, group_id)
        session.execute(delete(ServerGroupMember).where(ServerGroupMember.group_id == group.id))
        _record(session, ctx, "delete", group)
        session.delete(group)


def _record(session: Session, ctx: Context, verb: str, group: ServerGroup) -> None:
    Event.record(session, ctx, f"server_group.{verb}", "server_group", group.id, {
        "uuid": group.id, "name": group.name, "user_id": group.user_id,
        "project_id": group.project_id, "policy": group.policy, "rules": group.rules},
        project_id=group.project_id)


def members(session: Session, group_ids: Sequence[str]) -> dict[str, list[str]]:
    """Servers that are not gone, by group."""
    by_group: dict[str, list[str]] = {group_id: [] for group_id in group_ids}
    for row in session.execute(
        select(ServerGroupMember.group_id, ServerGroupMember.server_id)
        .join(Server, Server.id == ServerGroupMember.server_id)
        .where(ServerGroupMember.group_id.in_(group_ids), Server.deleted.is_(False))
        .order_by(Server.number)
    ):
        by_group[row.group_id].append(row.server_id)
    return by_group


def of_server(session: Session, server_id: str) -> str | None:
    """The id of the group that a server joined when it was made, if it joined one."""
    return session.scalar(_OF_SERVER, {"id": server_id})
