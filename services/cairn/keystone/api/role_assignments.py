"""/v3/role_assignments: who has what, by any filter."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.keystone.api.views import QUERY, collection, link
from cairn.keystone.component import Keystone
from cairn.keystone.core import assignments
from cairn.keystone.core.assignments import Held
from cairn.keystone.core.listing import Query, truth
from cairn.keystone.db.models import Assignment, Group, Project, Role, User
from cairn.keystone.policy import RULES

api = Api(RULES)


@api.get("/role_assignments", policy="identity:list_role_assignments", query=QUERY, late=True)
def index(keystone: Keystone, ctx: Context, query: Query) -> Document:
    project_id = query.get("scope.project.id")
    subtree = _flag(query, "include_subtree")
    with keystone.db.reading() as session:
        project = session.get(Project, project_id) if project_id else None
        if subtree:
            if not project_id:
                raise Invalid(reason="scope.project.id must be specified if include_subtree is "
                                     "also specified")
            keystone.policy.enforce(ctx, "identity:list_role_assignments_for_tree", {
                "target.domain_id": project.domain_id if project is not None else ""
            })
        else:
            keystone.policy.enforce(ctx, "identity:list_role_assignments", {
                "target.domain_id": ctx.domain_id or ""
            })
        _refuse_contradictions(query)
        found = _wanted(keystone, session, query, subtree)
        if ctx.domain_id:
            found = _of_domain(session, ctx.domain_id, found)
        names = _Names(session, found, ctx.domain_id) if _flag(query, "include_names") else None
        return collection("role_assignments", [_view(each, names) for each in found])


def _flag(query: Query, name: str) -> bool:
    value = query.get(name)
    return value is not None and truth(value)


def _refuse_contradictions(query: Query) -> None:
    scopes = [s for s in ("scope.project.id", "scope.domain.id", "scope.system") if query.get(s)]
    if len(scopes) > 1:
        raise Invalid(reason=f"Specify {' or '.join(scopes)}, not both")
    if query.get("user.id") and query.get("group.id"):
        raise Invalid(reason="Specify a user or group, not both")
    if _flag(query, "effective") and query.get("group.id"):
        raise Invalid(reason="Combining effective and group filter will always result in an "
                             "empty list.")
    inherited = query.get("scope.OS-INHERIT:inherited_to") is not None
    if _flag(query, "effective") and query.get("scope.domain.id") and inherited:
        raise Invalid(reason="Combining effective, domain and inherited filters will always result "
                             "in an empty list.")


def _wanted(
    keystone: Keystone, session: Session, query: Query, subtree: bool
) -> list[Held]:
    project_id, domain_id = query.get("scope.project.id"), query.get("scope.domain.id")
    effective = _flag(query, "effective")
    inherited = query.get("scope.OS-INHERIT:inherited_to") is not None
    places = {project_id} if project_id else set()
    if subtree:
        places |= assignments.below(session, "project", project_id)
    conditions: list[Any] = []
    if not effective:
        if inherited:
            conditions.append(Assignment.inherited)
        for name, column in (("user.id", Assignment.actor_id), ("group.id", Assignment.actor_id),
                             ("role.id", Assignment.role_id)):
            if query.get(name):
                conditions.append(column == query.get(name))
        conditions += _at(places, domain_id, query.get("scope.system"))
        return assignments.granted(session, *conditions)
    # What comes out of a grant may be elsewhere than the grant: look at all that could reach here.
    keystone.directory.refresh(session)
    if query.get("user.id"):
        conditions.append(assignments.held_by(query.get("user.id")))
    if places:
        reach = set(places)
        for place in places:
            reach |= _above(session, place)
        conditions.append(Assignment.target_id.in_(reach))
    elif domain_id or query.get("scope.system"):
        conditions += _at(places, domain_id, query.get("scope.system"))
        conditions.append(Assignment.inherited.is_(False))
    every = assignments.effective(
        session, keystone.directory.roles, assignments.granted(session, *conditions)
    )
    return [
        each for each in every
        if _fits(each, query) and (not places or (each.target, each.target_id) in
                                   {("project", place) for place in places})
        and (not inherited or each.inherited)
    ]


def _at(places: set[str], domain_id: str | None, system: str | None) -> list[Any]:
    if places:
        return [Assignment.target == "project", Assignment.target_id.in_(places)]
    if domain_id:
        return [Assignment.target == "domain", Assignment.target_id == domain_id]
    return [Assignment.target == "system"] if system else []


def _above(session: Session, project_id: str) -> set[str]:
    """Ids of the projects and the domain over a project."""
    found: set[str] = set()
    project = session.get(Project, project_id)
    while project is not None and project.parent_id is not None:
        found |= {project.parent_id, project.domain_id}
        project = session.get(Project, project.parent_id)
    return found


def _fits(held: Held, query: Query) -> bool:
    return (
        query.get("user.id") in (None, "", held.actor_id)
        and query.get("group.id") in (None, "", held.actor_id)
        and query.get("role.id") in (None, "", held.role_id)
    )


def _of_domain(session: Session, domain_id: str, found: list[Held]) -> list[Held]:
    """Those at the domain or its projects: a domain's people see no other's."""
    mine = assignments.below(session, "domain", domain_id) | {domain_id}
    return [held for held in found if held.target_id in mine]


class _Names:
    """Names and domains of everything that a list mentions, read at once. A domain's people
    learn of other domains no more than their ids, whoever of them has a role here."""

    def __init__(self, session: Session, found: list[Held], only: str | None) -> None:
        places = {h.target_id for h in found} | {h.from_[1] for h in found if h.from_}
        actors = {h.actor_id for h in found} | {h.group_id for h in found if h.group_id}
        role_ids = {h.role_id for h in found} | {h.prior_id for h in found if h.prior_id}
        self.known: dict[str, tuple[str, str | None]] = {}
        for kind, ids in ((Project, places), (User, actors), (Group, actors), (Role, role_ids)):
            rows: Any = session.execute(
                select(kind.id, kind.name, kind.domain_id).where(kind.id.in_(ids))
            )
            self.known |= {id_: (name, domain_id) for id_, name, domain_id in rows}
        domains = {domain_id for _, domain_id in self.known.values()
                   if domain_id and only in (None, domain_id)}
        self.domains: dict[str, str] = dict(session.execute(
            select(Project.id, Project.name).where(Project.id.in_(domains))
        ).all())

    def reference(self, id_: str) -> Document:
        name, domain_id = self.known.get(id_, ("", None))
        found: Document = {"id": id_, "name": name}
        if domain_id:
            found["domain"] = {"id": domain_id, "name": self.domains.get(domain_id, domain_id)}
        return found


def _view(held: Held, names: _Names | None) -> Document:
    def reference(id_: str) -> Document:
        return names.reference(id_) if names is not None else {"id": id_}

    scope: Document = (
        {"system": {"all": True}} if held.target == "system"
        else {held.target: reference(held.target_id)}
    )
    if held.inherited:
        scope["OS-INHERIT:inherited_to"] = "projects"
    found = {
        "role": reference(held.role_id), held.actor: reference(held.actor_id), "scope": scope,
    }
    actor, actor_id = ("group", held.group_id) if held.group_id else (held.actor, held.actor_id)
    place, place_id = held.from_ or (held.target, held.target_id)
    where = "system" if place == "system" else f"{place}s/{place_id}"
    path = f"{where}/{actor}s/{actor_id}/roles/{held.prior_id or held.role_id}"
    if held.inherited:
        path = f"OS-INHERIT/{path}/inherited_to_projects"
    links = {"assignment": link(path)}
    if held.group_id:
        links["membership"] = link(f"groups/{held.group_id}/users/{held.actor_id}")
    if held.prior_id:
        links["prior_role"] = link(f"prior_roles/{held.prior_id}/implies/{held.role_id}")
    return {**found, "links": links}
