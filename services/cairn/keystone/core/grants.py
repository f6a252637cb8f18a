"""Roles given to users and groups: on projects, on domains, on the system, and by inheritance."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.common import events
from cairn.common.api import Document
from cairn.common.context import Context
from cairn.common.errors import Invalid, Refused
from cairn.keystone.component import Keystone
from cairn.keystone.core import assignments
from cairn.keystone.core.changes import Change, changing
from cairn.keystone.core.scopes import SYSTEM_ID
from cairn.keystone.core.targets import (
    describe_group,
    describe_project,
    describe_role,
    describe_user,
)
from cairn.keystone.db.models import Assignment, Group, Project, Role, User
from cairn.keystone.errors import NotKnown, Taken


@dataclass(frozen=True)
class Kind:
    """Where ("project", "domain", "system"), to whom ("user", "group"), and whether for what is
    below."""

    place: str
    actor: str
    inherited: bool = False

    def policy(self, verb: str) -> str:
        if self.place == "system":
            plural = "s" if verb == "list" else ""
            return f"identity:{verb}_system_grant{plural}_for_{self.actor}"
        return f"identity:{verb}_grant" + ("s" if verb == "list" else "")


def _read_actor(session: Session, actor: str, actor_id: str) -> tuple[Any, Document]:
    if actor == "user":
        user = session.get(User, actor_id)
        return user, describe_user(user)
    group = session.get(Group, actor_id)
    return group, describe_group(group)


def _read_place(session: Session, place: str, place_id: str) -> tuple[Any, Document]:
    if place == "system":
        return SYSTEM_ID, {}
    project = session.get(Project, place_id)
    if place == "domain":
        if project is not None and not project.is_domain:
            project = None
        return project, {"target.domain.id": place_id} if project is not None else {}
    return project, describe_project(project)


def _authorize(
    keystone: Keystone, ctx: Context, kind: Kind, verb: str, actor_id: str, place_id: str,
    role_id: str = "",
) -> None:
    """Raises Forbidden; NotKnown where one of the ids is nobody's."""
    with keystone.db.reading() as session:
        actor, target = _read_actor(session, kind.actor, actor_id)
        place, more = _read_place(session, kind.place, place_id)
        role = session.get(Role, role_id) if role_id else None
    keystone.policy.enforce(ctx, kind.policy(verb), {**target, **more, **describe_role(role)})
    for row, name, id_ in ((role if role_id else True, "role", role_id),
                           (place, kind.place, place_id), (actor, kind.actor, actor_id)):
        if row is None:
            # One who went before the grant did leaves it to be taken away all the same.
            if verb == "revoke" and name == kind.actor:
                continue
            raise NotKnown(name, id_)


def _conditions(kind: Kind, actor_id: str, place_id: str, role_id: str = "") -> list[Any]:
    conditions = [
        Assignment.actor_id == actor_id, Assignment.target_id == place_id,
        Assignment.target == kind.place, Assignment.inherited.is_(kind.inherited),
    ]
    return [*conditions, Assignment.role_id == role_id] if role_id else conditions


def list_roles(
    keystone: Keystone, ctx: Context, kind: Kind, actor_id: str, place_id: str = SYSTEM_ID
) -> list[Role]:
    """The roles that were granted to one actor at one place, by name. Raises Forbidden, NotKnown.
    """
    _authorize(keystone, ctx, kind, "list", actor_id, place_id)
    statement = select(Role).join(Assignment, Assignment.role_id == Role.id)
    with keystone.db.reading() as session:
        return list(session.scalars(
            statement.where(*_conditions(kind, actor_id, place_id)).order_by(Role.name)))


def check(
    keystone: Keystone, ctx: Context, kind: Kind, actor_id: str, role_id: str,
    place_id: str = SYSTEM_ID,
) -> None:
    """Whether a role was granted just so. Raises Forbidden, NotKnown."""
    _authorize(keystone, ctx, kind, "check", actor_id, place_id, role_id)
    with keystone.db.reading() as session:
        statement = select(Assignment).where(*_conditions(kind, actor_id, place_id, role_id))
        if session.scalar(statement) is None:
            raise _absent(kind, actor_id, place_id, role_id)


def create(
    keystone: Keystone, ctx: Context, kind: Kind, actor_id: str, role_id: str,
    place_id: str = SYSTEM_ID,
) -> None:
    """Grant a role. Safe to repeat. Raises Forbidden, NotKnown, Refused, Invalid."""
    _authorize(keystone, ctx, kind, "create", actor_id, place_id, role_id)
    _refuse_foreign(keystone, kind, place_id, role_id)
    try:
        with changing(keystone, ctx) as change:
            new = assignments.grant(change.session, Assignment(
                actor=kind.actor, actor_id=actor_id, target=kind.place, target_id=place_id,
                role_id=role_id, inherited=kind.inherited,
            ))
            if new:
                _record(change, "created", kind, actor_id, role_id, place_id)
            else:
                events.unchanged()
    except Taken:
        # Somebody granted the same at the same moment: it is granted.
        events.unchanged()


def revoke(
    keystone: Keystone, ctx: Context, kind: Kind, actor_id: str, role_id: str,
    place_id: str = SYSTEM_ID,
) -> None:
    """Take a grant away, and end the tokens that carry it. Raises Forbidden, NotKnown."""
    _authorize(keystone, ctx, kind, "revoke", actor_id, place_id, role_id)
    with changing(keystone, ctx) as change:
        if not assignments.ungrant(change, *_conditions(kind, actor_id, place_id, role_id)):
            raise _absent(kind, actor_id, place_id, role_id)
        _record(change, "deleted", kind, actor_id, role_id, place_id)


def _record(
    change: Change, verb: str, kind: Kind, actor_id: str, role_id: str, place_id: str
) -> None:
    change.record(
        "role_assignment", verb, role_id, project_id=place_id if kind.place == "project" else "",
        role=role_id, inherited_to_projects=kind.inherited,
        **{kind.actor: actor_id, kind.place: place_id},
    )


def _refuse_foreign(keystone: Keystone, kind: Kind, place_id: str, role_id: str) -> None:
    """A domain's role is for the projects of that domain. Raises Refused, Invalid."""
    with keystone.db.reading() as session:
        role = session.get_one(Role, role_id)
        if not role.domain_id:
            return
        if kind.place == "system":
            raise Invalid(reason=f"Role {role_id} is of a domain and cannot be granted on the "
                                 "system.")
        if kind.place == "project":
            project = session.get_one(Project, place_id)
            if (project.id if project.is_domain else project.domain_id) != role.domain_id:
                raise Refused(reason=f"Project {place_id} must be in the same domain as the "
                                     f"role {role_id} being assigned.")


def _absent(kind: Kind, actor_id: str, place_id: str, role_id: str) -> NotKnown:
    return NotKnown("role assignment", f"with role: {role_id}, {kind.actor}: {actor_id}, "
                                       f"{kind.place}: {place_id}")
