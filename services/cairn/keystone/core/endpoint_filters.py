"""OS-EP-FILTER: which endpoints a project's catalog has."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.common.api import Document
from cairn.common.context import Context
from cairn.common.errors import Invalid, NotFound
from cairn.common.listing import Part, Query
from cairn.keystone.component import Keystone
from cairn.keystone.core import projects, rows
from cairn.keystone.core.changes import changing
from cairn.keystone.core.listing import fetch_page, filters
from cairn.keystone.core.projects import ProjectRecord
from cairn.keystone.db.endpoints import EndpointGroup, ProjectEndpoint, ProjectEndpointGroup
from cairn.keystone.db.models import Endpoint, Project
from cairn.keystone.providers.directory import CATALOG

KEYS = ("service_id", "region_id", "interface")
COLUMNS = {"name": EndpointGroup.name, "id": EndpointGroup.id}
QUERY = filters(COLUMNS)


class NotAssociated(NotFound):
    message = "Could not find {what} in project {project_id}."


def _find_group(session: Session, group_id: str) -> EndpointGroup:
    return rows.get(session, EndpointGroup, group_id, "endpoint group")


def _check_filters(filters: Document) -> None:
    if set(filters) - set(KEYS):
        raise Invalid(reason=f"Invalid input for field/attribute filters. There are: "
                             f"{', '.join(KEYS)}.")


def create_group(keystone: Keystone, ctx: Context, request: Document) -> EndpointGroup:
    """Make an endpoint group. Raises Invalid."""
    _check_filters(request["filters"])
    with changing(keystone, ctx) as change:
        group = EndpointGroup(name=request["name"], description=request.get("description"),
                              filters=request["filters"])
        change.add("endpoint_group", group)
    return group


def list_groups(keystone: Keystone, query: Query) -> Part:
    """A page of endpoint groups. Raises Invalid, NotKnown."""
    with keystone.db.reading() as session:
        return fetch_page(session, select(EndpointGroup), query, COLUMNS, EndpointGroup.id)


def get_group(keystone: Keystone, group_id: str) -> EndpointGroup:
    """An endpoint group. Raises NotKnown."""
    with keystone.db.reading() as session:
        return _find_group(session, group_id)


def update_group(
    keystone: Keystone, ctx: Context, group_id: str, request: Document
) -> EndpointGroup:
    """Change an endpoint group. Raises NotKnown, Invalid."""
    _check_filters(request.get("filters", {}))
    with changing(keystone, ctx) as change:
        group = _find_group(change.session, group_id)
        for name in ("name", "description", "filters"):
            if name in request:
                setattr(group, name, request[name])
        change.record("endpoint_group", "updated", group_id)
        change.touch(CATALOG)
    return group


def delete_group(keystone: Keystone, ctx: Context, group_id: str) -> None:
    """Delete an endpoint group, also from its projects. Raises NotKnown."""
    with changing(keystone, ctx) as change:
        change.session.delete(_find_group(change.session, group_id))
        change.record("endpoint_group", "deleted", group_id)
        change.touch(CATALOG)


def list_endpoints_of_group(keystone: Keystone, group_id: str) -> list[Endpoint]:
    """The endpoints that meet a group's filters now. Raises NotKnown."""
    with keystone.db.reading() as session:
        return _endpoints_of_group(session, _find_group(session, group_id).filters)


def _endpoints_of_group(session: Session, filters: Mapping[str, Any]) -> list[Endpoint]:
    conditions = [getattr(Endpoint, key) == value for key, value in filters.items()
                  if key in KEYS]
    return list(session.scalars(select(Endpoint).where(*conditions).order_by(Endpoint.id)))


def _groups_of_project(session: Session, project_id: str) -> list[EndpointGroup]:
    query = select(EndpointGroup).join(
        ProjectEndpointGroup, ProjectEndpointGroup.endpoint_group_id == EndpointGroup.id
    ).where(ProjectEndpointGroup.project_id == project_id)
    return list(session.scalars(query.order_by(EndpointGroup.id)))


def _list_projects(
    session: Session, kind: type[Any], column: Any, id_: str
) -> list[ProjectRecord]:
    query = select(Project).join(kind, kind.project_id == Project.id).where(column == id_)
    return projects.read_records(session, list(session.scalars(query.order_by(Project.id))))


def list_projects_of_group(keystone: Keystone, group_id: str) -> list[ProjectRecord]:
    """None for a group that is not there, as upstream has it."""
    with keystone.db.reading() as session:
        column = ProjectEndpointGroup.endpoint_group_id
        return _list_projects(session, ProjectEndpointGroup, column, group_id)


def list_projects_of_endpoint(keystone: Keystone, endpoint_id: str) -> list[ProjectRecord]:
    """The projects that the endpoint was added to by itself. Raises NotKnown."""
    with keystone.db.reading() as session:
        rows.get(session, Endpoint, endpoint_id)
        column = ProjectEndpoint.endpoint_id
        return _list_projects(session, ProjectEndpoint, column, endpoint_id)


def list_endpoints(keystone: Keystone, project_id: str) -> list[Endpoint]:
    """All that a project was tied to, by itself or by a group. Raises NotKnown."""
    with keystone.db.reading() as session:
        projects.find(session, project_id)
        own = select(Endpoint).join(
            ProjectEndpoint, ProjectEndpoint.endpoint_id == Endpoint.id
        ).where(ProjectEndpoint.project_id == project_id)
        endpoints = {endpoint.id: endpoint for endpoint in session.scalars(own)}
        for group in _groups_of_project(session, project_id):
            endpoints |= {endpoint.id: endpoint
                          for endpoint in _endpoints_of_group(session, group.filters)}
        return [endpoints[id_] for id_ in sorted(endpoints)]


def list_groups_of_project(keystone: Keystone, project_id: str) -> list[EndpointGroup]:
    """The endpoint groups that were added to a project. Raises NotKnown."""
    with keystone.db.reading() as session:
        projects.find(session, project_id)
        return _groups_of_project(session, project_id)


def _find_tie(session: Session, kind: type[Any], project_id: str, id_: str) -> Any:
    """The row that ties a project to an endpoint, or to a group; both must be there."""
    projects.find(session, project_id)
    if kind is ProjectEndpoint:
        rows.get(session, Endpoint, id_)
    else:
        _find_group(session, id_)
    tie = session.get(kind, (project_id, id_))
    if tie is None:
        what = "endpoint" if kind is ProjectEndpoint else "endpoint group"
        raise NotAssociated(what=f"{what} {id_}", project_id=project_id)
    return tie


def check_endpoint(keystone: Keystone, project_id: str, endpoint_id: str) -> None:
    """Whether an endpoint was added to a project. Raises NotKnown, NotAssociated."""
    with keystone.db.reading() as session:
        _find_tie(session, ProjectEndpoint, project_id, endpoint_id)


def check_group(keystone: Keystone, project_id: str, group_id: str) -> None:
    """Whether an endpoint group was added to a project. Raises NotKnown, NotAssociated."""
    with keystone.db.reading() as session:
        _find_tie(session, ProjectEndpointGroup, project_id, group_id)


def add_endpoint(keystone: Keystone, ctx: Context, project_id: str, endpoint_id: str) -> None:
    """Add an endpoint to a project. Raises NotKnown, Taken."""
    with changing(keystone, ctx, "project_endpoint", f"endpoint {endpoint_id}") as change:
        projects.find(change.session, project_id)
        rows.get(change.session, Endpoint, endpoint_id)
        change.session.add(ProjectEndpoint(project_id=project_id, endpoint_id=endpoint_id))
        change.record("project_endpoint", "created", endpoint_id, project_id=project_id)
        change.touch(CATALOG)


def add_group(keystone: Keystone, ctx: Context, project_id: str, group_id: str) -> None:
    """Add an endpoint group to a project. Raises NotKnown, Taken."""
    with changing(keystone, ctx, "project_endpoint_group", f"group {group_id}") as change:
        projects.find(change.session, project_id)
        _find_group(change.session, group_id)
        change.session.add(ProjectEndpointGroup(
            project_id=project_id, endpoint_group_id=group_id
        ))
        change.record("project_endpoint_group", "created", group_id, project_id=project_id)
        change.touch(CATALOG)


def remove_endpoint(keystone: Keystone, ctx: Context, project_id: str, endpoint_id: str) -> None:
    """Take an endpoint from a project. Raises NotKnown, NotAssociated."""
    with changing(keystone, ctx) as change:
        session = change.session
        session.delete(_find_tie(session, ProjectEndpoint, project_id, endpoint_id))
        change.record("project_endpoint", "deleted", endpoint_id, project_id=project_id)
        change.touch(CATALOG)


def remove_group(keystone: Keystone, ctx: Context, project_id: str, group_id: str) -> None:
    """Take an endpoint group from a project. Raises NotKnown, NotAssociated."""
    with changing(keystone, ctx) as change:
        session = change.session
        session.delete(_find_tie(session, ProjectEndpointGroup, project_id, group_id))
        change.record("project_endpoint_group", "deleted", group_id, project_id=project_id)
        change.touch(CATALOG)
