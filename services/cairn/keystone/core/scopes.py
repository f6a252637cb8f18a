"""What a token is good for: a project, a domain, the system, or nothing but asking for another."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, select, union_all
from sqlalchemy.orm import Session

from cairn.common.api import Document
from cairn.common.errors import Invalid
from cairn.keystone.core import domain_names
from cairn.keystone.core.domain_names import DEFAULT
from cairn.keystone.core.refusals import refuse
from cairn.keystone.db.models import ROOT, Assignment, Membership, Project
from cairn.keystone.providers.directory import Graph

SYSTEM_ID = "system"

# Tables, not classes: every login asks this, and the ORM would take as long as the database.
_above = Project.__table__.alias("domain")
_project, _domain = Project.__table__.c, _above.c
_PROJECT = select(
    _project.id, _project.name, _project.enabled, _project.is_domain, _project.domain_id,
    _project.parent_id, _domain.name.label("domain_name"),
    _domain.enabled.label("domain_enabled"),
).select_from(Project.__table__.outerjoin(_above, _domain.id == _project.domain_id))
_PROJECT_BY_ID = _PROJECT.where(_project.id == bindparam("id"))
_PROJECT_BY_NAME = _PROJECT.where(
    _project.name == bindparam("name"), _project.domain_id == bindparam("domain")
)
_PROJECT_BY_NAMES = _PROJECT.where(
    _project.name == bindparam("name"), _domain.name == bindparam("domain"), _domain.is_domain
)
_DOMAIN_BY_ID = _PROJECT.where(_project.id == bindparam("id"), _project.is_domain)
_DOMAIN_BY_NAME = _PROJECT.where(
    _project.name == bindparam("name"), _project.domain_id == ROOT, _project.is_domain
)
_PARENT = select(_project.parent_id).where(_project.id == bindparam("id"))

_grant, _member = Assignment.__table__.c, Membership.__table__.c
_columns = (_grant.role_id, _grant.target, _grant.target_id, _grant.inherited)
_places = _grant.target_id.in_(bindparam("targets", expanding=True))
_HELD = union_all(
    select(*_columns).where(_grant.actor_id == bindparam("user"), _places),
    select(*_columns).where(
        _member.group_id == _grant.actor_id, _member.user_id == bindparam("user"), _places
    ),
)


@dataclass(frozen=True)
class Scope:
    """`document` is a token's scope, None when it is unscoped."""

    document: Document | None
    roles: list[dict[str, str]]
    is_domain: bool = False
    # For a trust or an application credential: what the token is to say of it, and its end.
    extra: Document = field(default_factory=dict)
    end: float | None = None
    # Takes one of a trust's uses, once the token is sure to be given. Raises Unauthorized.
    spend: Callable[[], None] | None = None


UNSCOPED = Scope(None, [])


def resolve(session: Session, graph: Graph, user_id: str, request: Document) -> Scope:
    """The scope that `request` means to this user. Raises Invalid, Unauthorized."""
    given = [kind for kind in ("project", "domain", "system") if kind in request]
    if len(given) != 1:
        raise Invalid(reason="Invalid input for field/attribute auth.scope. Expecting exactly one "
                             "of project, domain, system.")
    if "project" in request:
        row = project_row(session, request["project"])
        if row is None:
            raise refuse("there is no such project")
        scope = of_project(session, graph, user_id, row)
    elif "domain" in request:
        scope = _of_domain(session, graph, user_id, request["domain"])
    else:
        if not request["system"].get("all"):
            raise Invalid(reason="Invalid input for field/attribute auth.scope.system.all. "
                                 "True was expected")
        scope = Scope({"system": {"all": True}},
                      graph.expand(_held(session, user_id, [(SYSTEM_ID, "system", False)])))
    if not scope.roles:
        raise refuse(f"user {user_id} has no role on {request}")
    return scope


def project_row(session: Session, request: Document) -> Any:
    """The row of the project that {"id"} or {"name", "domain"} means, or None. Raises Invalid."""
    if "id" in request:
        return session.execute(_PROJECT_BY_ID, {"id": request["id"]}).first()
    domain = request.get("domain") or {}
    if "name" not in request or not ("id" in domain or "name" in domain):
        raise Invalid(reason="Invalid input for field/attribute auth.scope.project. Expecting id, "
                             "or name and domain.")
    if "id" in domain:
        result = session.execute(
            _PROJECT_BY_NAME, {"name": request["name"], "domain": domain["id"] or ROOT}
        )
    else:
        names = {"name": request["name"], "domain": domain["name"]}
        row = session.execute(_PROJECT_BY_NAMES, names).first()
        if row is not None or not domain_names.is_default(session, domain["name"]):
            return row
        result = session.execute(_PROJECT_BY_NAME, {"name": request["name"], "domain": DEFAULT})
    return result.first()


def of_project(session: Session, graph: Graph, user_id: str, row: Any) -> Scope:
    """The scope of a project, without roles if the user has none. Raises Unauthorized."""
    if not row.enabled or row.domain_enabled is False:
        raise refuse(f"project {row.id} or its domain is disabled")
    places = [(row.id, "project", False)]
    if not row.is_domain:
        places.append((row.domain_id, "domain", True))
        above = row.parent_id
        while above is not None and above != row.domain_id:
            places.append((above, "project", True))
            above = session.execute(_PARENT, {"id": above}).scalar()
    roles = graph.expand(_held(session, user_id, places))
    domain = {"id": row.domain_id or None, "name": row.domain_name}
    return Scope({"project": {"id": row.id, "name": row.name, "domain": domain}}, roles,
                 row.is_domain)


def _of_domain(session: Session, graph: Graph, user_id: str, request: Document) -> Scope:
    if "id" in request:
        row = session.execute(_DOMAIN_BY_ID, {"id": request["id"]}).first()
    elif "name" in request:
        row = session.execute(_DOMAIN_BY_NAME, {"name": request["name"]}).first()
        if row is None and domain_names.is_default(session, request["name"]):
            row = session.execute(_DOMAIN_BY_ID, {"id": DEFAULT}).first()
    else:
        raise Invalid(reason="Invalid input for field/attribute auth.scope.domain. Expecting id "
                             "or name.")
    if row is None or not row.enabled:
        raise refuse("there is no such domain, or it is disabled")
    roles = graph.expand(_held(session, user_id, [(row.id, "domain", False)]))
    return Scope({"domain": {"id": row.id, "name": row.name}}, roles)


def _held(session: Session, user_id: str, places: list[tuple[str, str, bool]]) -> set[str]:
    """Role ids the user has, directly or by a group, at exactly these places."""
    rows = session.execute(
        _HELD, {"user": user_id, "targets": [target_id for target_id, _, _ in places]}
    )
    return {
        role_id for role_id, target, target_id, inherited in rows
        if (target_id, target, bool(inherited)) in places
    }
