"""OS-EP-FILTER: which endpoints a project's catalog has."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.common.errors import NotFound
from cairn.keystone.core import projects
from cairn.keystone.db.endpoints import EndpointGroup, ProjectEndpoint, ProjectEndpointGroup
from cairn.keystone.db.models import Endpoint
from cairn.keystone.errors import NotKnown

KEYS = ("service_id", "region_id", "interface")


class NotAssociated(NotFound):
    message = "Could not find {what} in project {project_id}."


def find_endpoint(session: Session, endpoint_id: str) -> Endpoint:
    found = session.get(Endpoint, endpoint_id)
    if found is None:
        raise NotKnown("endpoint", endpoint_id)
    return found


def find_group(session: Session, group_id: str) -> EndpointGroup:
    found = session.get(EndpointGroup, group_id)
    if found is None:
        raise NotKnown("endpoint group", group_id)
    return found


def association(session: Session, kind: type[Any], project_id: str, id_: str) -> Any:
    """The row that ties a project to an endpoint, or to a group; both must be there."""
    projects.find(session, project_id)
    (find_endpoint if kind is ProjectEndpoint else find_group)(session, id_)
    found = session.get(kind, (project_id, id_))
    if found is None:
        what = "endpoint" if kind is ProjectEndpoint else "endpoint group"
        raise NotAssociated(what=f"{what} {id_}", project_id=project_id)
    return found


def in_group(session: Session, filters: Mapping[str, Any]) -> list[Endpoint]:
    conditions = [getattr(Endpoint, key) == value for key, value in filters.items()
                  if key in KEYS]
    return list(session.scalars(select(Endpoint).where(*conditions).order_by(Endpoint.id)))


def groups_of(session: Session, project_id: str) -> list[EndpointGroup]:
    query = select(EndpointGroup).join(
        ProjectEndpointGroup, ProjectEndpointGroup.endpoint_group_id == EndpointGroup.id
    ).where(ProjectEndpointGroup.project_id == project_id)
    return list(session.scalars(query.order_by(EndpointGroup.id)))


def endpoints_of(session: Session, project_id: str) -> list[Endpoint]:
    """All that a project was tied to, by itself or by a group."""
    own = select(Endpoint).join(
        ProjectEndpoint, ProjectEndpoint.endpoint_id == Endpoint.id
    ).where(ProjectEndpoint.project_id == project_id)
    found = {endpoint.id: endpoint for endpoint in session.scalars(own)}
    for group in groups_of(session, project_id):
        found |= {endpoint.id: endpoint for endpoint in in_group(session, group.filters)}
    return [found[id_] for id_ in sorted(found)]
