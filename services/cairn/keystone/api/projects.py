"""/v3/projects"""

from typing import Any

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.listing import Query
from cairn.keystone.api import limits, schemas
from cairn.keystone.api.views import link, page
from cairn.keystone.component import Keystone
from cairn.keystone.core import project_trees, projects
from cairn.keystone.core.project_trees import Ids, Relative
from cairn.keystone.core.projects import ProjectRecord
from cairn.keystone.policy import RULES

api = Api(RULES)


def view(record: ProjectRecord) -> Document:
    project = record.project
    return {
        **project.extra,
        "id": project.id, "name": project.name, "description": project.description,
        "enabled": project.enabled, "is_domain": project.is_domain,
        "domain_id": project.domain_id or None, "parent_id": project.parent_id,
        "tags": record.tags, "options": project.options,
        "links": {"self": link(f"projects/{project.id}")},
    }


@api.post("/projects", policy="identity:create_project", body=schemas.PROJECT_CREATE, status=201,
          late=True, event="identity.project.created")
def create(keystone: Keystone, ctx: Context, body: Document) -> Document:
    """Create a project; with is_domain, a domain."""
    return {"project": view(projects.create(keystone, ctx, body["project"]))}


@api.get("/projects", policy="identity:list_projects", query=projects.QUERY, late=True)
def index(keystone: Keystone, ctx: Context, query: Query) -> Document:
    """List the projects; with a token of a domain those of that domain."""
    return page("projects", projects.list_page(keystone, ctx, query), view)


@api.get("/projects/<project_id>", policy="identity:get_project",
         query=project_trees.QUERY, late=True)
def show(keystone: Keystone, ctx: Context, project_id: str, query: Query) -> Document:
    """Show a project, with what is above or below it where the query names that."""
    include = {name for name in project_trees.PARTS if query.getlist(name)}
    tree = project_trees.get(keystone, ctx, project_id, include)
    document = view(tree.record)
    for way, relatives in (("parents", tree.parents), ("subtree", tree.subtree)):
        if include & {f"{way}_as_list", f"{way}_as_ids"}:
            document[way] = _relatives(relatives)
    return {"project": document}


def _relatives(relatives: list[Relative] | Ids | None) -> Any:
    if not isinstance(relatives, list):
        return relatives
    return [{"project": _relative(each)} for each in relatives]


def _relative(relative: Relative) -> Document:
    document = view(relative.record)
    if relative.limits is not None:
        document["limits"] = [limits.view(*each) for each in relative.limits]
    return document


@api.patch("/projects/<project_id>", policy="identity:update_project", late=True,
           body=schemas.PROJECT_UPDATE, event="identity.project.updated")
def update(keystone: Keystone, ctx: Context, project_id: str, body: Document) -> Document:
    """Change a project; to disable it ends its tokens."""
    return {"project": view(projects.update(keystone, ctx, project_id, body["project"]))}


@api.delete("/projects/<project_id>", policy="identity:delete_project", status=204, late=True,
            event="identity.project.deleted")
def delete(keystone: Keystone, ctx: Context, project_id: str) -> None:
    """Delete a project with its credentials and limits; 403 if there are projects below it."""
    projects.delete_project(keystone, ctx, project_id)
