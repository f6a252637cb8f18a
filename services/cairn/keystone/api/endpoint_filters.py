"""/v3/OS-EP-FILTER: which endpoints a project's catalog has; a project without any has all."""

from typing import Any

from sqlalchemy import select

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.keystone.api import catalog, projects, schemas
from cairn.keystone.api.views import QUERY, collection, link, linked, listed
from cairn.keystone.component import Keystone
from cairn.keystone.core import filters
from cairn.keystone.core.changes import changing
from cairn.keystone.core.listing import Query
from cairn.keystone.core.projects import find
from cairn.keystone.db.endpoints import EndpointGroup, ProjectEndpoint, ProjectEndpointGroup
from cairn.keystone.db.models import Project
from cairn.keystone.policy import RULES
from cairn.keystone.providers.directory import CATALOG

api = Api(RULES)
ROOT = "/OS-EP-FILTER"
GROUPS = f"{ROOT}/endpoint_groups"
GROUP = f"{GROUPS}/<group_id>"
OF_PROJECT = f"{ROOT}/projects/<project_id>"
ONE, ONE_GROUP = f"{OF_PROJECT}/endpoints/<endpoint_id>", f"{GROUP}/projects/<project_id>"


def view(group: EndpointGroup) -> Document:
    return linked({
        "id": group.id, "name": group.name, "description": group.description,
        "filters": group.filters,
    }, "OS-EP-FILTER/endpoint_groups")


def _check(wanted: Document) -> None:
    unknown = set(wanted) - set(filters.KEYS)
    if unknown:
        raise Invalid(reason=f"Invalid input for field/attribute filters. There are: "
                             f"{', '.join(filters.KEYS)}.")


@api.post(GROUPS, policy="identity:create_endpoint_group", status=201,
          body=schemas.ENDPOINT_GROUP_CREATE)
def create(keystone: Keystone, ctx: Context, body: Document) -> Document:
    wanted = body["endpoint_group"]
    _check(wanted["filters"])
    with keystone.db.writing() as session:
        group = EndpointGroup(name=wanted["name"], description=wanted.get("description"),
                              filters=wanted["filters"])
        session.add(group)
    return {"endpoint_group": view(group)}


@api.get(GROUPS, policy="identity:list_endpoint_groups", query=QUERY)
def index(keystone: Keystone, ctx: Context, query: Query) -> Document:
    with keystone.db.reading() as session:
        return listed(session, "endpoint_groups", select(EndpointGroup), query,
                      {"name": EndpointGroup.name}, EndpointGroup.id, view)


@api.get(GROUP, policy="identity:get_endpoint_group")
def show(keystone: Keystone, ctx: Context, group_id: str) -> Document:
    with keystone.db.reading() as session:
        return {"endpoint_group": view(filters.find_group(session, group_id))}


@api.patch(GROUP, policy="identity:update_endpoint_group", body=schemas.ENDPOINT_GROUP_UPDATE)
def update(keystone: Keystone, ctx: Context, group_id: str, body: Document) -> Document:
    wanted = body["endpoint_group"]
    _check(wanted.get("filters", {}))
    with changing(keystone, ctx) as change:
        group = filters.find_group(change.session, group_id)
        for name in ("name", "description", "filters"):
            if name in wanted:
                setattr(group, name, wanted[name])
        change.touch(CATALOG)
    return {"endpoint_group": view(group)}


@api.delete(GROUP, policy="identity:delete_endpoint_group", status=204)
def delete(keystone: Keystone, ctx: Context, group_id: str) -> None:
    with changing(keystone, ctx) as change:
        change.session.delete(filters.find_group(change.session, group_id))
        change.touch(CATALOG)


@api.get(f"{GROUP}/endpoints", policy="identity:list_endpoints_associated_with_endpoint_group")
def endpoints_of_group(keystone: Keystone, ctx: Context, group_id: str) -> Document:
    with keystone.db.reading() as session:
        found = filters.in_group(session, filters.find_group(session, group_id).filters)
        return collection("endpoints", map(catalog.endpoint_view, found))


def _projects_with(
    keystone: Keystone, kind: type[Any], column: Any, id_: str
) -> Document:
    query = select(Project).join(kind, kind.project_id == Project.id).where(column == id_)
    with keystone.db.reading() as session:
        rows = list(session.scalars(query.order_by(Project.id)))
        return collection("projects", projects.views(session, rows))


@api.get(f"{GROUP}/projects", policy="identity:list_projects_associated_with_endpoint_group")
def projects_of_group(keystone: Keystone, ctx: Context, group_id: str) -> Document:
    column = ProjectEndpointGroup.endpoint_group_id
    return _projects_with(keystone, ProjectEndpointGroup, column, group_id)


@api.get(f"{ROOT}/endpoints/<endpoint_id>/projects",
         policy="identity:list_projects_for_endpoint")
def projects_of_endpoint(keystone: Keystone, ctx: Context, endpoint_id: str) -> Document:
    with keystone.db.reading() as session:
        filters.find_endpoint(session, endpoint_id)
    return _projects_with(keystone, ProjectEndpoint, ProjectEndpoint.endpoint_id, endpoint_id)


@api.get(f"{OF_PROJECT}/endpoints", policy="identity:list_endpoints_for_project")
def endpoints(keystone: Keystone, ctx: Context, project_id: str) -> Document:
    with keystone.db.reading() as session:
        find(session, project_id)
        found = filters.endpoints_of(session, project_id)
        return collection("endpoints", map(catalog.endpoint_view, found))


@api.get(f"{OF_PROJECT}/endpoint_groups", policy="identity:list_endpoint_groups_for_project")
def groups(keystone: Keystone, ctx: Context, project_id: str) -> Document:
    with keystone.db.reading() as session:
        find(session, project_id)
        return collection("endpoint_groups", map(view, filters.groups_of(session, project_id)))


@api.get(ONE, policy="identity:check_endpoint_in_project", status=204)
def check(keystone: Keystone, ctx: Context, project_id: str, endpoint_id: str) -> None:
    with keystone.db.reading() as session:
        filters.association(session, ProjectEndpoint, project_id, endpoint_id)


@api.put(ONE, policy="identity:add_endpoint_to_project", status=204)
def add(keystone: Keystone, ctx: Context, project_id: str, endpoint_id: str) -> None:
    with changing(keystone, ctx, "project_endpoint", f"endpoint {endpoint_id}") as change:
        find(change.session, project_id)
        filters.find_endpoint(change.session, endpoint_id)
        change.session.add(ProjectEndpoint(project_id=project_id, endpoint_id=endpoint_id))
        change.touch(CATALOG)


@api.delete(ONE, policy="identity:remove_endpoint_from_project", status=204)
def remove(keystone: Keystone, ctx: Context, project_id: str, endpoint_id: str) -> None:
    with changing(keystone, ctx) as change:
        change.session.delete(
            filters.association(change.session, ProjectEndpoint, project_id, endpoint_id)
        )
        change.touch(CATALOG)


@api.get(ONE_GROUP, policy="identity:get_endpoint_group_in_project")
def check_group(keystone: Keystone, ctx: Context, project_id: str, group_id: str) -> Document:
    with keystone.db.reading() as session:
        filters.association(session, ProjectEndpointGroup, project_id, group_id)
    where = link(f"OS-EP-FILTER/endpoint_groups/{group_id}/projects/{project_id}")
    return {"project_endpoint_group": {
        "endpoint_group_id": group_id, "project_id": project_id, "links": {"self": where},
    }}


@api.put(ONE_GROUP, policy="identity:add_endpoint_group_to_project", status=204)
def add_group(keystone: Keystone, ctx: Context, project_id: str, group_id: str) -> None:
    with changing(keystone, ctx, "project_endpoint_group", f"group {group_id}") as change:
        find(change.session, project_id)
        filters.find_group(change.session, group_id)
        change.session.add(ProjectEndpointGroup(
            project_id=project_id, endpoint_group_id=group_id
        ))
        change.touch(CATALOG)


@api.delete(ONE_GROUP, policy="identity:remove_endpoint_group_from_project", status=204)
def remove_group(keystone: Keystone, ctx: Context, project_id: str, group_id: str) -> None:
    with changing(keystone, ctx) as change:
        change.session.delete(
            filters.association(change.session, ProjectEndpointGroup, project_id, group_id)
        )
        change.touch(CATALOG)
