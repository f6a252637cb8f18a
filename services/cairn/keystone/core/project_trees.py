"""A project with what is above and below it."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.keystone.component import Keystone
from cairn.keystone.core import assignments, limits, projects
from cairn.keystone.core.limits import Both
from cairn.keystone.core.listing import read_only
from cairn.keystone.core.projects import ProjectRecord
from cairn.keystone.db.models import Project

# What may be shown beside the project, as a query string names it, whatever it says of it.
PARTS = ("parents_as_list", "parents_as_ids", "subtree_as_list", "subtree_as_ids", "include_limits")
QUERY = read_only(*PARTS)

# Ids within ids.
Ids = dict[str, "Ids | None"]


@dataclass(frozen=True)
class Relative:
    """One above or below; its limits where they were asked for."""

    record: ProjectRecord
    limits: list[Both] | None = None


@dataclass(frozen=True)
class ProjectTree:
    """A project, and as much of its tree as was asked for: None is not asked for."""

    record: ProjectRecord
    parents: list[Relative] | Ids | None = None
    subtree: list[Relative] | Ids | None = None


def get(keystone: Keystone, ctx: Context, project_id: str, include: Collection[str]) -> ProjectTree:
    """`include` are of PARTS; of lists those the caller has a role on. Raises Forbidden, NotKnown,
    Invalid."""
    for way in ("parents", "subtree"):
        if {f"{way}_as_list", f"{way}_as_ids"} <= set(include):
            raise Invalid(reason=f"Cannot use {way}_as_list and {way}_as_ids query params at the "
                                 "same time.")
    project = projects.authorize(keystone, ctx, "identity:get_project", project_id)
    parents: list[Relative] | Ids | None = None
    subtree: list[Relative] | Ids | None = None
    with keystone.db.reading() as session:
        record = projects.read_records(session, [project])[0]
        if "parents_as_list" in include:
            above = projects.parents(session, project)
            parents = _read_relatives(session, ctx, above, "include_limits" in include)
        elif "parents_as_ids" in include:
            parents = _nest_parents(project, projects.parents(session, project))
        if "subtree_as_list" in include:
            below = _read_below(session, project_id)
            subtree = _read_relatives(session, ctx, below, "include_limits" in include)
        elif "subtree_as_ids" in include:
            subtree = _nest_children(_read_below(session, project_id), project_id)
    return ProjectTree(record, parents, subtree)


def _read_relatives(
    session: Session, ctx: Context, relatives: list[Project], with_limits: bool
) -> list[Relative]:
    mine = assignments.projects_of(session, ctx.user_id)
    records = projects.read_records(session, [row for row in relatives if row.id in mine])
    if not with_limits:
        return [Relative(record) for record in records]
    of = limits.of_projects(session, [record.id for record in records])
    return [Relative(record, of.get(record.id, [])) for record in records]


def _nest_parents(project: Project, above: list[Project]) -> Ids | None:
    """Each in the one below it, the domain in the last."""
    nested: Ids | None = {project.domain_id: None} if project.domain_id else None
    for parent in reversed(above):
        nested = {parent.id: nested}
    return nested


def _read_below(session: Session, project_id: str) -> list[Project]:
    layer, every = [project_id], []
    while layer:
        children = list(session.scalars(select(Project).where(Project.parent_id.in_(layer))))
        every += children
        layer = [child.id for child in children]
    return every


def _nest_children(below: list[Project], project_id: str) -> Ids | None:
    children: dict[str, list[str]] = {}
    for row in below:
        children.setdefault(row.parent_id or "", []).append(row.id)

    def nest(id_: str) -> Ids | None:
        return {child: nest(child) for child in children[id_]} if id_ in children else None

    return nest(project_id)
