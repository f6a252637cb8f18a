"""Roles given to users and groups: on projects, on domains, on the system, and by inheritance.

The paths differ only in who gets the role and where; each is declared here by the same four verbs.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import Invalid, Refused
from cairn.keystone.api import groups, projects, roles, users
from cairn.keystone.api.views import collection
from cairn.keystone.component import Keystone
from cairn.keystone.core import assignments
from cairn.keystone.core.changes import changing
from cairn.keystone.core.scopes import SYSTEM_ID
from cairn.keystone.db.models import Assignment, Group, Project, Role, User
from cairn.keystone.errors import NotKnown, Taken
from cairn.keystone.policy import RULES

api = Api(RULES)


def _actor(session: Session, actor: str, actor_id: str) -> tuple[Any, Document]:
    if actor == "user":
        user = session.get(User, actor_id)
        return user, users.target(user)
    group = session.get(Group, actor_id)
    return group, groups.target(group)


def _place(session: Session, place: str, place_id: str) -> tuple[Any, Document]:
    if place == "system":
        return SYSTEM_ID, {}
    project = session.get(Project, place_id)
    if place == "domain":
        if project is not None and not project.is_domain:
            project = None
        return project, {"target.domain.id": place_id} if project is not None else {}
    return project, projects.target(project)


class Grants:
    """The verbs at one kind of path."""

    def __init__(self, place: str, actor: str, inherited: bool = False) -> None:
        self.place, self.actor, self.inherited = place, actor, inherited

    def policy(self, verb: str) -> str:
        if self.place == "system":
            plural = "s" if verb == "list" else ""
            return f"identity:{verb}_system_grant{plural}_for_{self.actor}"
        return f"identity:{verb}_grant" + ("s" if verb == "list" else "")

    def look(
        self, keystone: Keystone, ctx: Context, verb: str, ids: Document
    ) -> tuple[str, str, str]:
        """The ids, once the caller may and each of them is somebody's. Raises NotKnown."""
        actor_id, place_id = ids["actor_id"], ids.get("place_id", SYSTEM_ID)
        role_id = ids.get("role_id", "")
        with keystone.db.reading() as session:
            who, target = _actor(session, self.actor, actor_id)
            where, more = _place(session, self.place, place_id)
            role = session.get(Role, role_id) if role_id else None
        keystone.policy.enforce(
            ctx, self.policy(verb), {**target, **more, **roles.target(role)}
        )
        for found, kind, id_ in ((role if role_id else True, "role", role_id),
                                 (where, self.place, place_id), (who, self.actor, actor_id)):
            if found is None:
                # One who went before the grant did leaves it to be taken away all the same.
                if verb == "revoke" and kind == self.actor:
                    continue
                raise NotKnown(kind, id_)
        return actor_id, place_id, role_id

    def at(self, actor_id: str, place_id: str, role_id: str = "") -> list[Any]:
        conditions = [
            Assignment.actor_id == actor_id, Assignment.target_id == place_id,
            Assignment.target == self.place, Assignment.inherited.is_(self.inherited),
        ]
        return [*conditions, Assignment.role_id == role_id] if role_id else conditions

    def index(self, keystone: Keystone, ctx: Context, **ids: Any) -> Document:
        actor_id, place_id, _ = self.look(keystone, ctx, "list", ids)
        query = select(Role).join(Assignment, Assignment.role_id == Role.id)
        with keystone.db.reading() as session:
            found = session.scalars(query.where(*self.at(actor_id, place_id)).order_by(Role.name))
            return collection("roles", map(roles.view, found))

    def check(self, keystone: Keystone, ctx: Context, **ids: Any) -> None:
        actor_id, place_id, role_id = self.look(keystone, ctx, "check", ids)
        with keystone.db.reading() as session:
            query = select(Assignment).where(*self.at(actor_id, place_id, role_id))
            if session.scalar(query) is None:
                raise self.absent(actor_id, place_id, role_id)

    def grant(self, keystone: Keystone, ctx: Context, **ids: Any) -> None:
        actor_id, place_id, role_id = self.look(keystone, ctx, "create", ids)
        self.refuse_foreign(keystone, place_id, role_id)
        try:
            with changing(keystone, ctx) as change:
                assignments.grant(change.session, Assignment(
                    actor=self.actor, actor_id=actor_id, target=self.place, target_id=place_id,
                    role_id=role_id, inherited=self.inherited,
                ))
        except Taken:
            # Somebody granted the same at the same moment: it is granted.
            pass

    def revoke(self, keystone: Keystone, ctx: Context, **ids: Any) -> None:
        actor_id, place_id, role_id = self.look(keystone, ctx, "revoke", ids)
        with changing(keystone, ctx) as change:
            if not assignments.ungrant(change, *self.at(actor_id, place_id, role_id)):
                raise self.absent(actor_id, place_id, role_id)

    def refuse_foreign(self, keystone: Keystone, place_id: str, role_id: str) -> None:
        """A domain's role is for the projects of that domain. Raises Refused, Invalid."""
        with keystone.db.reading() as session:
            role = session.get_one(Role, role_id)
            if not role.domain_id:
                return
            if self.place == "system":
                raise Invalid(reason=f"Role {role_id} is of a domain and cannot be granted on the "
                                     "system.")
            if self.place == "project":
                project = session.get_one(Project, place_id)
                if (project.id if project.is_domain else project.domain_id) != role.domain_id:
                    raise Refused(reason=f"Project {place_id} must be in the same domain as the "
                                         f"role {role_id} being assigned.")

    def absent(self, actor_id: str, place_id: str, role_id: str) -> NotKnown:
        return NotKnown("role assignment", f"with role: {role_id}, {self.actor}: {actor_id}, "
                                           f"{self.place}: {place_id}")


def _declare(path: str, grants: Grants) -> None:
    one = f"{path}/<role_id>"
    end = ""
    if grants.inherited:
        path, one, end = f"/OS-INHERIT{path}", f"/OS-INHERIT{one}", "/inherited_to_projects"
    verbs: list[tuple[str, str, str, int, Callable[..., Any]]] = [
        ("GET", path + end, "list", 200, grants.index),
        ("GET", one + end, "check", 204, grants.check),
        ("PUT", one + end, "create", 204, grants.grant),
        ("DELETE", one + end, "revoke", 204, grants.revoke),
    ]
    for method, where, verb, status, func in verbs:
        api.on(method, where, policy=grants.policy(verb), status=status, late=True)(func)


for _who in ("user", "group"):
    _declare(f"/system/{_who}s/<actor_id>/roles", Grants("system", _who))
    for _where in ("project", "domain"):
        _path = f"/{_where}s/<place_id>/{_who}s/<actor_id>/roles"
        _declare(_path, Grants(_where, _who))
        _declare(_path, Grants(_where, _who, inherited=True))
