"""/v3/projects"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import and_, exists, select
from sqlalchemy.orm import Session

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.keystone.api import limits, schemas
from cairn.keystone.api.views import QUERY, link, listed
from cairn.keystone.component import Keystone
from cairn.keystone.core import assignments, projects
from cairn.keystone.core.bootstrap import DEFAULT
from cairn.keystone.core.listing import Query, truth
from cairn.keystone.db.models import Project, ProjectTag
from cairn.keystone.errors import NotKnown
from cairn.keystone.policy import RULES

api = Api(RULES)

COLUMNS = {"name": Project.name, "enabled": Project.enabled, "domain_id": Project.domain_id,
           "parent_id": Project.parent_id, "id": Project.id, "description": Project.description}


def view(project: Project, tags: list[str]) -> Document:
    return {
        **project.extra,
        "id": project.id, "name": project.name, "description": project.description,
        "enabled": project.enabled, "is_domain": project.is_domain,
        "domain_id": project.domain_id or None, "parent_id": project.parent_id,
        "tags": tags, "options": project.options,
        "links": {"self": link(f"projects/{project.id}")},
    }


def views(session: Session, rows: list[Project]) -> Iterable[Document]:
    tags = projects.tags_of(session, [row.id for row in rows])
    return [view(row, tags.get(row.id, [])) for row in rows]


def target(project: Project | None) -> Document:
    """What policy may know of a project; of one that is not there nothing."""
    if project is None:
        return {}
    return {"target.project.id": project.id, "project_id": project.id,
            "target.project.domain_id": project.domain_id or None}


def permitted(keystone: Keystone, ctx: Context, policy: str, project_id: str) -> Project:
    """The project, if the caller may do that to it."""
    with keystone.db.reading() as session:
        return _found(keystone, session, ctx, policy, project_id)


def _found(
    keystone: Keystone, session: Session, ctx: Context, policy: str, project_id: str
) -> Project:
    project = projects.get(session, project_id)
    keystone.policy.enforce(ctx, policy, target(project))
    if project is None:
        raise NotKnown("project", project_id)
    return project


@api.post("/projects", policy="identity:create_project", body=schemas.PROJECT_CREATE, status=201,
          late=True)
def create(keystone: Keystone, ctx: Context, body: Document) -> Document:
    wanted = dict(body["project"])
    if not wanted.get("is_domain"):
        wanted["domain_id"] = wanted.get("domain_id") or default_domain(keystone, ctx, wanted)
    keystone.policy.enforce(ctx, "identity:create_project", {
        "target.project.domain_id": wanted.get("domain_id"),
    })
    project = projects.create(keystone, ctx, wanted)
    return {"project": view(project, sorted(wanted.get("tags", [])))}


def default_domain(keystone: Keystone, ctx: Context, wanted: Document) -> str:
    """Where something goes that was not said: to the parent's domain, to the one the caller is
    scoped to, or to the default one."""
    if wanted.get("parent_id"):
        with keystone.db.reading() as session:
            parent = projects.get(session, wanted["parent_id"])
            if parent is not None:
                return parent.id if parent.is_domain else parent.domain_id
    return ctx.domain_id or DEFAULT


@api.get("/projects", policy="identity:list_projects", query=QUERY, late=True)
def index(keystone: Keystone, ctx: Context, query: Query) -> Document:
    domain = ctx.domain_id or query.get("domain_id")
    keystone.policy.enforce(ctx, "identity:list_projects", {"target.domain_id": domain or ""})
    wanted = select(Project)
    if ctx.domain_id:
        wanted = wanted.where(Project.domain_id == ctx.domain_id)
    acting = query.get("is_domain")
    wanted = wanted.where(Project.is_domain.is_(acting is not None and truth(acting)))
    wanted = _tagged(wanted, query)
    with keystone.db.reading() as session:
        rows: list[Project] = []

        def kept(project: Project) -> Document:
            rows.append(project)
            return {}

        found = listed(session, "projects", wanted, query, COLUMNS, Project.id, kept)
        return {**found, "projects": list(views(session, rows[:len(found["projects"])]))}


def _tagged(wanted: Any, query: Query) -> Any:
    """?tags= all of them, ?tags-any= one of them; with not- before, the rest."""
    def has(name: str) -> Any:
        return exists().where(ProjectTag.project_id == Project.id, ProjectTag.name == name)

    for key, any_, negated in (("tags", False, False), ("tags-any", True, False),
                               ("not-tags", False, True), ("not-tags-any", True, True)):
        text = query.get(key)
        if not text:
            continue
        each = [has(name) for name in text.split(",")]
        condition = each[0]
        for more in each[1:]:
            condition = (condition | more) if any_ else and_(condition, more)
        wanted = wanted.where(~condition if negated else condition)
    return wanted


@api.get("/projects/<project_id>", policy="identity:get_project", query=QUERY, late=True)
def show(keystone: Keystone, ctx: Context, project_id: str, query: Query) -> Document:
    asked = set(query.keys())
    for way in ("parents", "subtree"):
        if {f"{way}_as_list", f"{way}_as_ids"} <= asked:
            raise Invalid(reason=f"Cannot use {way}_as_list and {way}_as_ids query params at the "
                                 "same time.")
    with keystone.db.reading() as session:
        project = _found(keystone, session, ctx, "identity:get_project", project_id)
        found = view(project, projects.tags_of(session, [project_id]).get(project_id, []))
        if asked & {"parents_as_list", "parents_as_ids"}:
            above = projects.parents(session, project)
            if "parents_as_list" in asked:
                found["parents"] = _mine(session, ctx, above, "include_limits" in asked)
            else:
                found["parents"] = _as_ids(project, above)
        if "subtree_as_list" in asked:
            below = _below(session, project_id)
            found["subtree"] = _mine(session, ctx, below, "include_limits" in asked)
        elif "subtree_as_ids" in asked:
            found["subtree"] = _tree(_below(session, project_id), project_id)
    return {"project": found}


def _mine(
    session: Session, ctx: Context, rows: list[Project], with_limits: bool
) -> list[Document]:
    """Those of them that the caller has a role on, perhaps with their limits."""
    mine = assignments.projects_of(session, ctx.user_id)
    found = list(views(session, [row for row in rows if row.id in mine]))
    if with_limits:
        of = limits.of_projects(session, [each["id"] for each in found])
        found = [{**each, "limits": of.get(each["id"], [])} for each in found]
    return [{"project": each} for each in found]


def _as_ids(project: Project, above: list[Project]) -> Document | None:
    """Each in the one below it, the domain in the last."""
    found: Document | None = {project.domain_id: None} if project.domain_id else None
    for parent in reversed(above):
        found = {parent.id: found}
    return found


def _below(session: Session, project_id: str) -> list[Project]:
    layer, every = [project_id], []
    while layer:
        rows = list(session.scalars(select(Project).where(Project.parent_id.in_(layer))))
        every += rows
        layer = [row.id for row in rows]
    return every


def _tree(rows: list[Project], project_id: str) -> Document | None:
    children: dict[str, list[str]] = {}
    for row in rows:
        children.setdefault(row.parent_id or "", []).append(row.id)

    def nested(id_: str) -> Document | None:
        return {child: nested(child) for child in children[id_]} if id_ in children else None

    return nested(project_id)


@api.patch("/projects/<project_id>", policy="identity:update_project", late=True,
           body=schemas.PROJECT_UPDATE)
def update(keystone: Keystone, ctx: Context, project_id: str, body: Document) -> Document:
    permitted(keystone, ctx, "identity:update_project", project_id)
    project = projects.update(keystone, ctx, project_id, body["project"])
    with keystone.db.reading() as session:
        return {"project": view(project, projects.tags_of(session, [project_id])
                                .get(project_id, []))}


@api.delete("/projects/<project_id>", policy="identity:delete_project", status=204, late=True)
def delete(keystone: Keystone, ctx: Context, project_id: str) -> None:
    permitted(keystone, ctx, "identity:delete_project", project_id)
    projects.delete_project(keystone, ctx, project_id)


@api.get("/projects/<project_id>/tags", policy="identity:list_project_tags", late=True)
def tags(keystone: Keystone, ctx: Context, project_id: str) -> Document:
    permitted(keystone, ctx, "identity:list_project_tags", project_id)
    return {"tags": _tags(keystone, project_id),
            "links": {"self": link(f"projects/{project_id}/tags")}}


def _tags(keystone: Keystone, project_id: str) -> list[str]:
    with keystone.db.reading() as session:
        return projects.tags_of(session, [project_id]).get(project_id, [])


@api.put("/projects/<project_id>/tags", policy="identity:update_project_tags", late=True,
         body=schemas.PROJECT_TAGS)
def set_tags(keystone: Keystone, ctx: Context, project_id: str, body: Document) -> Document:
    project = permitted(keystone, ctx, "identity:update_project_tags", project_id)
    projects.refuse_immutable(project.options, "project", project_id)
    with keystone.db.writing() as session:
        projects.set_tags(session, project_id, body["tags"])
    return {"tags": sorted(body["tags"]),
            "links": {"self": link(f"projects/{project_id}/tags")}}


@api.delete("/projects/<project_id>/tags", policy="identity:delete_project_tags", status=204,
            late=True)
def clear_tags(keystone: Keystone, ctx: Context, project_id: str) -> None:
    project = permitted(keystone, ctx, "identity:delete_project_tags", project_id)
    projects.refuse_immutable(project.options, "project", project_id)
    with keystone.db.writing() as session:
        projects.set_tags(session, project_id, [])


@api.get("/projects/<project_id>/tags/<tag>", policy="identity:get_project_tag", status=204,
         late=True)
def has_tag(keystone: Keystone, ctx: Context, project_id: str, tag: str) -> None:
    permitted(keystone, ctx, "identity:get_project_tag", project_id)
    if tag not in _tags(keystone, project_id):
        raise NotKnown("project tag", tag)


@api.put("/projects/<project_id>/tags/<tag>", policy="identity:create_project_tag", status=201,
         late=True)
def add_tag(keystone: Keystone, ctx: Context, project_id: str, tag: str) -> None:
    project = permitted(keystone, ctx, "identity:create_project_tag", project_id)
    projects.refuse_immutable(project.options, "project", project_id)
    if "," in tag or len(tag) > 255:
        raise Invalid(reason="Invalid input for field/attribute tag. It must have at most 255 "
                             "characters and no comma.")
    with keystone.db.writing() as session:
        if len(projects.tags_of(session, [project_id]).get(project_id, [])) >= 80:
            raise Invalid(reason="Invalid input for field/attribute tag. A project has at most "
                                 "80 tags.")
        session.merge(ProjectTag(project_id=project_id, name=tag))


@api.delete("/projects/<project_id>/tags/<tag>", policy="identity:delete_project_tag", status=204,
            late=True)
def remove_tag(keystone: Keystone, ctx: Context, project_id: str, tag: str) -> None:
    project = permitted(keystone, ctx, "identity:delete_project_tag", project_id)
    projects.refuse_immutable(project.options, "project", project_id)
    with keystone.db.writing() as session:
        row = session.get(ProjectTag, (project_id, tag))
        if row is None:
            raise NotKnown("project tag", tag)
        session.delete(row)
