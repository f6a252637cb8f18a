"""Who has which role where: granted, and as it comes out (groups, inheritance, implied roles)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from cairn.keystone.core import delegations
from cairn.keystone.core.changes import Change
from cairn.keystone.core.scopes import SYSTEM_ID
from cairn.keystone.db.models import (
    ROOT,
    Assignment,
    ImpliedRole,
    Membership,
    Project,
    Role,
    Trust,
)
from cairn.keystone.providers.directory import Graph


def held_by(user_id: str) -> Any:
    """The condition on assignments that a user has, directly or as a member of a group."""
    groups = select(Membership.group_id).where(Membership.user_id == user_id)
    return or_(Assignment.actor_id == user_id, Assignment.actor_id.in_(groups))


def projects_of(session: Session, user_id: str) -> set[str]:
    """Ids of the projects the user has a role on, in whatever way."""
    held = session.execute(
        select(Assignment.target, Assignment.target_id, Assignment.inherited)
        .where(held_by(user_id), Assignment.target != "system")
    ).all()
    projects = {target_id for target, target_id, inherited in held
             if target == "project" and not inherited}
    for target, target_id, inherited in held:
        if inherited:
            projects |= below(session, target, target_id)
    return projects


def domains_of(session: Session, user_id: str) -> set[str]:
    """Ids of the domains the user has a role on itself, not on its projects only."""
    return set(session.scalars(
        select(Assignment.target_id).where(
            held_by(user_id), Assignment.target == "domain", Assignment.inherited.is_(False)
        )
    ))


def on_system(session: Session, user_id: str) -> bool:
    """Whether the user has any role on the system."""
    query = select(Assignment.role_id).where(held_by(user_id), Assignment.target == "system")
    return session.execute(query.limit(1)).first() is not None


def below(session: Session, target: str, target_id: str) -> set[str]:
    """Ids of all projects of a domain, or under a project (without itself)."""
    if target == "domain":
        return set(session.scalars(select(Project.id).where(Project.domain_id == target_id)))
    projects: set[str] = set()
    layer = {target_id}
    while layer:
        children = session.scalars(select(Project.id).where(Project.parent_id.in_(layer)))
        layer = set(children) - projects
        projects |= layer
    return projects


@dataclass(frozen=True)
class Held:
    """A row of a role assignment list; where it was not granted so, with what it comes from."""

    actor: str
    actor_id: str
    target: str
    target_id: str
    role_id: str
    inherited: bool = False
    group_id: str | None = None
    prior_id: str | None = None
    from_: tuple[str, str] | None = None


def granted(session: Session, *conditions: Any) -> list[Held]:
    """The assignments that meet these conditions, as they were granted."""
    rows = session.scalars(select(Assignment).where(*conditions))
    return [Held(a.actor, a.actor_id, a.target, a.target_id, a.role_id, a.inherited) for a in rows]


def effective(session: Session, graph: Graph, held: Iterable[Held]) -> list[Held]:
    """What these grants come to: members for groups, projects for inheritance, implied roles."""
    rows = list(held)
    members = _members(session, {each.actor_id for each in rows if each.actor == "group"})
    by_users: list[Held] = []
    for each in rows:
        if each.actor == "user":
            by_users.append(each)
            continue
        by_users.extend(
            replace(each, actor="user", actor_id=user_id, group_id=each.actor_id)
            for user_id in members.get(each.actor_id, ())
        )
    places = {(each.target, each.target_id) for each in by_users if each.inherited}
    under = {place: sorted(below(session, *place)) for place in places}
    placed: list[Held] = []
    for each in by_users:
        if not each.inherited:
            placed.append(each)
            continue
        placed.extend(
            replace(each, target="project", target_id=project_id, inherited=True,
                    from_=(each.target, each.target_id))
            for project_id in under[each.target, each.target_id]
        )
    assignments: list[Held] = []
    for each in placed:
        for role_id in sorted(graph.closure.get(each.role_id, {each.role_id})):
            prior = each.role_id if role_id != each.role_id else None
            if graph.domains.get(role_id) != ROOT:
                continue  # A domain's role is only what it implies.
            assignments.append(replace(each, role_id=role_id, prior_id=prior))
    return assignments


def _members(session: Session, groups: set[str]) -> dict[str, list[str]]:
    """Ids of the users of each of these groups."""
    query = select(Membership.group_id, Membership.user_id).where(Membership.group_id.in_(groups))
    members: dict[str, list[str]] = {}
    for group_id, user_id in session.execute(query) if groups else ():
        members.setdefault(group_id, []).append(user_id)
    return members


def grant(session: Session, assignment: Assignment) -> bool:
    """Whether it was not granted before: it is safe to repeat."""
    return session.merge(assignment) in session.new


def ungrant(change: Change, *conditions: Any) -> int:
    """Take grants away and end the tokens that carry them; how many there were."""
    rows = list(change.session.scalars(select(Assignment).where(*conditions)))
    for row in rows:
        for user_id in _users(change.session, row):
            _end(change, row, user_id)
        change.session.delete(row)
    return len(rows)


def end_tokens_of_group(change: Change, group_id: str, user_ids: Iterable[str]) -> None:
    """These users lose what the group has."""
    users = list(user_ids)
    rows = change.session.scalars(select(Assignment).where(Assignment.actor_id == group_id))
    for row in rows:
        for user_id in users:
            _end(change, row, user_id)


def forget(session: Session, *, actor_id: str | None = None, target_id: str | None = None) -> None:
    """Drop the grants of somebody, or at a place, that is going away."""
    query = delete(Assignment)
    if actor_id is not None:
        query = query.where(Assignment.actor_id == actor_id)
    if target_id is not None:
        query = query.where(Assignment.target_id == target_id)
    session.execute(query)


def _users(session: Session, row: Assignment) -> list[str]:
    if row.actor == "user":
        return [row.actor_id]
    query = select(Membership.user_id).where(Membership.group_id == row.actor_id)
    return list(session.scalars(query))


def _end(change: Change, row: Assignment, user_id: str) -> None:
    place: dict[str, str] = {}
    if row.target_id != SYSTEM_ID and not row.inherited:
        place = {f"{row.target}_id": row.target_id}
    # A token may have what the role implies and not the role.
    for role_id in reached(change.session, row.role_id):
        change.revoke(user_id=user_id, role_id=role_id, **place)
    # What the user let others do with it ends as well.
    delegations.end_trusts(change, Trust.trustor_user_id == user_id)


def end_tokens_of_role(change: Change, role_id: str) -> None:
    """End what has the role, and what has anything by it."""
    session = change.session
    change.revoke(role_id=role_id)
    delegations.end_carrying(change, reached(session, role_id) - {role_id})
    if session.get_one(Role, role_id).domain_id == ROOT:
        return
    # A domain's role is in no token, only what it implies.
    priors = reached(session, role_id, back=True)
    rows = session.scalars(select(Assignment).where(Assignment.role_id.in_(priors)))
    for user_id in {user_id for row in rows for user_id in _users(session, row)}:
        change.revoke(user_id=user_id)
        delegations.end_trusts(change, Trust.trustor_user_id == user_id)


def reached(session: Session, role_id: str, *, back: bool = False) -> set[str]:
    """The role, and all it implies; or all that imply it."""
    before, after = ImpliedRole.prior_id, ImpliedRole.implied_id
    if back:
        before, after = after, before
    roles = layer = {role_id}
    while layer:
        layer = set(session.scalars(select(after).where(before.in_(layer)))) - roles
        roles = roles | layer
    return roles
