"""/v3/OS-EP-FILTER: which endpoints a project's catalog has; a project without any has all."""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.listing import Query
from cairn.keystone.api import endpoints as catalog
from cairn.keystone.api import projects, schemas
from cairn.keystone.api.views import add_link, collection, link, page
from cairn.keystone.component import Keystone
from cairn.keystone.core import endpoint_filters
from cairn.keystone.core.records import EndpointGroup
from cairn.keystone.policy import RULES

api = Api(RULES)
ROOT = "/OS-EP-FILTER"
GROUPS = f"{ROOT}/endpoint_groups"
GROUP = f"{GROUPS}/<group_id>"
OF_PROJECT = f"{ROOT}/projects/<project_id>"
ONE, ONE_GROUP = f"{OF_PROJECT}/endpoints/<endpoint_id>", f"{GROUP}/projects/<project_id>"


def view(group: EndpointGroup) -> Document:
    return add_link({
        "id": group.id, "name": group.name, "description": group.description,
        "filters": group.filters,
    }, "OS-EP-FILTER/endpoint_groups")


@api.post(GROUPS, policy="identity:create_endpoint_group", status=201,
          body=schemas.ENDPOINT_GROUP_CREATE, event="identity.endpoint_group.created")
def create(keystone: Keystone, ctx: Context, body: Document) -> Document:
    """Create an endpoint group: all endpoints that meet its filters."""
    group = endpoint_filters.create_group(keystone, ctx, body["endpoint_group"])
    return {"endpoint_group": view(group)}


@api.get(GROUPS, policy="identity:list_endpoint_groups", query=endpoint_filters.QUERY)
def index(keystone: Keystone, ctx: Context, query: Query) -> Document:
    """List the endpoint groups."""
    return page("endpoint_groups", endpoint_filters.list_groups(keystone, query), view)


@api.get(GROUP, policy="identity:get_endpoint_group")
def show(keystone: Keystone, ctx: Context, group_id: str) -> Document:
    """Show an endpoint group."""
    return {"endpoint_group": view(endpoint_filters.get_group(keystone, group_id))}


@api.patch(GROUP, policy="identity:update_endpoint_group", body=schemas.ENDPOINT_GROUP_UPDATE,
           event="identity.endpoint_group.updated")
def update(keystone: Keystone, ctx: Context, group_id: str, body: Document) -> Document:
    """Change an endpoint group, and so the catalogs of its projects."""
    request = body["endpoint_group"]
    return {"endpoint_group": view(endpoint_filters.update_group(keystone, ctx, group_id, request))}


@api.delete(GROUP, policy="identity:delete_endpoint_group", status=204,
            event="identity.endpoint_group.deleted")
def delete(keystone: Keystone, ctx: Context, group_id: str) -> None:
    """Delete an endpoint group, and so take it from its projects."""
    endpoint_filters.delete_group(keystone, ctx, group_id)


@api.get(f"{GROUP}/endpoints", policy="identity:list_endpoints_associated_with_endpoint_group")
def endpoints_of_group(keystone: Keystone, ctx: Context, group_id: str) -> Document:
    """List the endpoints that meet an endpoint group's filters."""
    endpoints = endpoint_filters.list_endpoints_of_group(keystone, group_id)
    return collection("endpoints", map(catalog.view, endpoints))


@api.get(f"{GROUP}/projects", policy="identity:list_projects_associated_with_endpoint_group")
def projects_of_group(keystone: Keystone, ctx: Context, group_id: str) -> Document:
    """List the projects of an endpoint group; empty, not 404, for no such group."""
    records = endpoint_filters.list_projects_of_group(keystone, group_id)
    return collection("projects", map(projects.view, records))


@api.get(f"{ROOT}/endpoints/<endpoint_id>/projects",
         policy="identity:list_projects_for_endpoint")
def projects_of_endpoint(keystone: Keystone, ctx: Context, endpoint_id: str) -> Document:
    """List the projects that an endpoint was added to, not those of its groups."""
    records = endpoint_filters.list_projects_of_endpoint(keystone, endpoint_id)
    return collection("projects", map(projects.view, records))


@api.get(f"{OF_PROJECT}/endpoints", policy="identity:list_endpoints_for_project")
def endpoints(keystone: Keystone, ctx: Context, project_id: str) -> Document:
    """List the endpoints that were added to a project, by themselves or by a group."""
    return collection("endpoints", map(
        catalog.view, endpoint_filters.list_endpoints(keystone, project_id)))


@api.get(f"{OF_PROJECT}/endpoint_groups", policy="identity:list_endpoint_groups_for_project")
def groups(keystone: Keystone, ctx: Context, project_id: str) -> Document:
    """List the endpoint groups that were added to a project."""
    return collection("endpoint_groups", map(
        view, endpoint_filters.list_groups_of_project(keystone, project_id)))


@api.get(ONE, policy="identity:check_endpoint_in_project", status=204)
def check(keystone: Keystone, ctx: Context, project_id: str, endpoint_id: str) -> None:
    """Check that an endpoint was added to a project; 404 if it was not."""
    endpoint_filters.check_endpoint(keystone, project_id, endpoint_id)


@api.put(ONE, policy="identity:add_endpoint_to_project", status=204,
         event="identity.project_endpoint.created")
def add(keystone: Keystone, ctx: Context, project_id: str, endpoint_id: str) -> None:
    """Add an endpoint to a project, whose catalog then has only what was added; 409 if it was."""
    endpoint_filters.add_endpoint(keystone, ctx, project_id, endpoint_id)


@api.delete(ONE, policy="identity:remove_endpoint_from_project", status=204,
            event="identity.project_endpoint.deleted")
def remove(keystone: Keystone, ctx: Context, project_id: str, endpoint_id: str) -> None:
    """Remove an endpoint from a project; 404 if it was not added to it."""
    endpoint_filters.remove_endpoint(keystone, ctx, project_id, endpoint_id)


@api.get(ONE_GROUP, policy="identity:get_endpoint_group_in_project")
def check_group(keystone: Keystone, ctx: Context, project_id: str, group_id: str) -> Document:
    """Check that an endpoint group was added to a project; 404 if it was not."""
    endpoint_filters.check_group(keystone, project_id, group_id)
    where = link(f"OS-EP-FILTER/endpoint_groups/{group_id}/projects/{project_id}")
    return {"project_endpoint_group": {
        "endpoint_group_id": group_id, "project_id": project_id, "links": {"self": where},
    }}


@api.put(ONE_GROUP, policy="identity:add_endpoint_group_to_project", status=204,
         event="identity.project_endpoint_group.created")
def add_group(keystone: Keystone, ctx: Context, project_id: str, group_id: str) -> None:
    """Add an endpoint group to a project; 409 if it was added before."""
    endpoint_filters.add_group(keystone, ctx, project_id, group_id)


@api.delete(ONE_GROUP, policy="identity:remove_endpoint_group_from_project", status=204,
            event="identity.project_endpoint_group.deleted")
def remove_group(keystone: Keystone, ctx: Context, project_id: str, group_id: str) -> None:
    """Remove an endpoint group from a project; 404 if it was not added to it."""
    endpoint_filters.remove_group(keystone, ctx, project_id, group_id)
