"""Who has what, by any filter: as it was granted, or as it comes out."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.common.api import Document
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.common.listing import Query, read_value
from cairn.keystone.component import Keystone
from cairn.keystone.core import assignments
from cairn.keystone.core.assignments import Held
from cairn.keystone.core.listing import read_only, read_truth
from cairn.keystone.db.models import Assignment, Group, Project, Role, User

QUERY = read_only(
    "user.id", "group.id", "role.id", "scope.project.id", "scope.domain.id", "scope.system",
    "scope.OS-INHERIT:inherited_to", "effective", "include_names", "include_subtree",
)


def list_held(keystone: Keystone, ctx: Context, query: Query) -> tuple[list[Held], "Names | None"]:
    """What the filters of `query` let through, and the names of all it mentions where they are
    asked for. Raises Forbidden, Invalid."""
    project_id = read_value(query, "scope.project.id")
    subtree = read_truth(query, "include_subtree")
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
        held = _read_held(keystone, session, query, subtree)
        if ctx.domain_id:
            held = _keep_of_domain(session, ctx.domain_id, held)
        named = read_truth(query, "include_names")
        return held, Names(session, held, ctx.domain_id) if named else None


def _refuse_contradictions(query: Query) -> None:
    scopes = [name for name in ("scope.project.id", "scope.domain.id", "scope.system")
              if read_value(query, name)]
    if len(scopes) > 1:
        raise Invalid(reason=f"Specify {' or '.join(scopes)}, not both")
    if read_value(query, "user.id") and read_value(query, "group.id"):
        raise Invalid(reason="Specify a user or group, not both")
    if read_truth(query, "effective") and read_value(query, "group.id"):
        raise Invalid(reason="Combining effective and group filter will always result in an "
                             "empty list.")
    inherited = read_value(query, "scope.OS-INHERIT:inherited_to") is not None
    if read_truth(query, "effective") and read_value(query, "scope.domain.id") and inherited:
        raise Invalid(reason="Combining effective, domain and inherited filters will always result "
                             "in an empty list.")


def _read_held(
    keystone: Keystone, session: Session, query: Query, subtree: bool
) -> list[Held]:
    project_id = read_value(query, "scope.project.id")
    domain_id = read_value(query, "scope.domain.id")
    user_id = read_value(query, "user.id")
    effective = read_truth(query, "effective")
    inherited = read_value(query, "scope.OS-INHERIT:inherited_to") is not None
    places = {project_id} if project_id else set()
    if subtree and project_id:
        places |= assignments.below(session, "project", project_id)
    conditions: list[Any] = []
    if not effective:
        if inherited:
            conditions.append(Assignment.inherited)
        for name, column in (("user.id", Assignment.actor_id), ("group.id", Assignment.actor_id),
                             ("role.id", Assignment.role_id)):
            if read_value(query, name):
                conditions.append(column == read_value(query, name))
        conditions += _at(places, domain_id, read_value(query, "scope.system"))
        return assignments.granted(session, *conditions)
    # What comes out of a grant may be elsewhere than the grant: look at all that could reach here.
    keystone.directory.refresh(session)
    if user_id:
        conditions.append(assignments.held_by(user_id))
    if places:
        reach = set(places)
        for place in places:
            reach |= _above(session, place)
        conditions.append(Assignment.target_id.in_(reach))
    elif domain_id or read_value(query, "scope.system"):
        conditions += _at(places, domain_id, read_value(query, "scope.system"))
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
    ancestors: set[str] = set()
    project = session.get(Project, project_id)
    while project is not None and project.parent_id is not None:
        ancestors |= {project.parent_id, project.domain_id}
        project = session.get(Project, project.parent_id)
    return ancestors


def _fits(held: Held, query: Query) -> bool:
    return (
        read_value(query, "user.id") in (None, "", held.actor_id)
        and read_value(query, "group.id") in (None, "", held.actor_id)
        and read_value(query, "role.id") in (None, "", held.role_id)
    )


def _keep_of_domain(session: Session, domain_id: str, every: list[Held]) -> list[Held]:
    """Those at the domain or its projects: a domain's people see no other's."""
    mine = assignments.below(session, "domain", domain_id) | {domain_id}
    return [held for held in every if held.target_id in mine]


class Names:
    """Names and domains of everything that a list mentions, read at once. A domain's people
    learn of other domains no more than their ids, whoever of them has a role here."""

    def __init__(self, session: Session, assignments: list[Held], only: str | None) -> None:
        places = {h.target_id for h in assignments} | {h.from_[1] for h in assignments if h.from_}
        actors = {h.actor_id for h in assignments} | {h.group_id for h in assignments if h.group_id}
        role_ids = {h.role_id for h in assignments} | {
            h.prior_id for h in assignments if h.prior_id}
        self._named: dict[str, tuple[str, str | None]] = {}
        for kind, ids in ((Project, places), (User, actors), (Group, actors), (Role, role_ids)):
            rows: Any = session.execute(
                select(kind.id, kind.name, kind.domain_id).where(kind.id.in_(ids))
            )
            self._named |= {id_: (name, domain_id) for id_, name, domain_id in rows}
        domains = {domain_id for _, domain_id in self._named.values()
                   if domain_id and only in (None, domain_id)}
        self.domains: dict[str, str] = dict(session.execute(
            select(Project.id, Project.name).where(Project.id.in_(domains))
        ).all())

    def reference(self, id_: str) -> Document:
        name, domain_id = self._named.get(id_, ("", None))
        document: Document = {"id": id_, "name": name}
        if domain_id:
            document["domain"] = {"id": domain_id, "name": self.domains.get(domain_id, domain_id)}
        return document
