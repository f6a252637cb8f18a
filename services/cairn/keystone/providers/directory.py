"""What every login needs and hardly anything changes: the catalog and what roles imply.

Kept in the process, and read again when its stamp in the database has moved on: a change is
seen by the next request of whichever process.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from cairn.common.db import changed
from cairn.keystone.db.endpoints import EndpointGroup, ProjectEndpoint, ProjectEndpointGroup
from cairn.keystone.db.models import ROOT, Endpoint, ImpliedRole, Role, Service, Stamp

CATALOG, ROLES = "catalog", "roles"

_STAMPS = select(Stamp.__table__.c.name, Stamp.__table__.c.number)
_ROLES = select(Role.id, Role.name, Role.domain_id)
_IMPLIED = select(ImpliedRole.prior_id, ImpliedRole.implied_id)
_ENDPOINTS = (
    select(Service.id, Service.type, Service.name, Endpoint.id.label("endpoint_id"),
           Endpoint.interface, Endpoint.url, Endpoint.region_id)
    .outerjoin_from(Service, Endpoint,
                    (Endpoint.service_id == Service.id) & Endpoint.enabled.is_(True))
    .where(Service.enabled.is_(True))
    .order_by(Service.type, Service.id, Endpoint.interface, Endpoint.id)
)
_TIES = select(ProjectEndpoint.project_id, ProjectEndpoint.endpoint_id)
_GROUP_TIES = select(ProjectEndpointGroup.project_id, ProjectEndpointGroup.endpoint_group_id)
_GROUPS = select(EndpointGroup.id, EndpointGroup.filters)
_EVERY_ENDPOINT = select(Endpoint.id, Endpoint.service_id, Endpoint.region_id, Endpoint.interface)
_BUMP = (
    update(Stamp).where(Stamp.name == bindparam("which")).values(number=Stamp.number + 1)
    .execution_options(synchronize_session=False)
)


def touch(session: Session, name: str) -> None:
    """The caller's transaction changes `name`; everybody's copy of it is old once it commits."""
    if not changed(session.execute(_BUMP, {"which": name})):
        session.add(Stamp(name=name, number=1))
        session.flush()


@dataclass(frozen=True)
class Graph:
    """Roles by id, and of each those it implies, itself included, to the last."""

    names: Mapping[str, str]
    domains: Mapping[str, str]
    closure: Mapping[str, frozenset[str]]

    def expand(self, role_ids: set[str]) -> list[dict[str, str]]:
        """The roles a token carries: the global ones among these and all they imply."""
        every: set[str] = set()
        for role_id in role_ids:
            every |= self.closure.get(role_id, frozenset())
        roles = [{"id": i, "name": self.names[i]} for i in every if self.domains[i] == ROOT]
        return sorted(roles, key=lambda role: role["name"])


class Directory:
    """One per process; safe from any thread."""

    def __init__(self, all_if_unfiltered: bool = True) -> None:
        # Whether a project that is tied to no endpoint sees every one, or none.
        self.all_if_unfiltered = all_if_unfiltered
        self._only: dict[str, frozenset[str]] = {}
        self._lock = threading.Lock()
        self._numbers: dict[str, int] = {}
        self._catalog: list[dict[str, Any]] = []
        self._graph = Graph({}, {}, {})
        self._loaded: set[str] = set()

    def refresh(self, session: Session) -> None:
        """Read again what has changed since it was read. One small query when nothing has."""
        # The stamps first: a change that comes between is then read again, never missed.
        numbers: dict[str, int] = dict(session.execute(_STAMPS).all())
        for name, load in ((CATALOG, self._load_catalog), (ROLES, self._load_roles)):
            number = numbers.get(name, 0)
            if name not in self._loaded or self._numbers.get(name) != number:
                with self._lock:
                    load(session)
                    self._numbers[name] = number
                    self._loaded.add(name)

    @property
    def roles(self) -> Graph:
        return self._graph

    def catalog(self, project_id: str | None, user_id: str | None) -> list[dict[str, Any]]:
        """The catalog for one caller: addresses that need a project are left out without one, and
        of a project that is tied to some endpoints (OS-EP-FILTER) all others."""
        only = self._only.get(project_id) if project_id is not None else None
        if only is not None:
            return self._filtered(only, project_id, user_id)
        if not self.all_if_unfiltered:
            return []
        return [
            {**service, "endpoints": [
                endpoint if "(" not in endpoint["url"] else {**endpoint, "url": url}
                for endpoint in service["endpoints"]
                if (url := address(endpoint["url"], project_id, user_id)) is not None
            ]}
            for service in self._catalog
        ]

    def _filtered(
        self, only: frozenset[str], project_id: str | None, user_id: str | None
    ) -> list[dict[str, Any]]:
        catalog = []
        for service in self._catalog:
            endpoints = [
                {**endpoint, "url": url} for endpoint in service["endpoints"]
                if endpoint["id"] in only
                and (url := address(endpoint["url"], project_id, user_id)) is not None
            ]
            if endpoints:
                catalog.append({**service, "endpoints": endpoints})
        return catalog

    def _load_catalog(self, session: Session) -> None:
        self._only = self._load_filters(session)
        services: dict[str, dict[str, Any]] = {}
        for row in session.execute(_ENDPOINTS):
            service = services.setdefault(row.id, {
                "id": row.id, "type": row.type, "name": row.name or "", "endpoints": [],
            })
            if row.endpoint_id is not None:
                service["endpoints"].append({
                    "id": row.endpoint_id, "interface": row.interface, "url": row.url,
                    "region": row.region_id, "region_id": row.region_id,
                })
        self._catalog = list(services.values())

    def _load_filters(self, session: Session) -> dict[str, frozenset[str]]:
        """By project, the endpoints it was tied to, directly or by a group."""
        only: dict[str, set[str]] = {}
        for project_id, endpoint_id in session.execute(_TIES):
            only.setdefault(project_id, set()).add(endpoint_id)
        groups: dict[str, list[str]] = {}
        for project_id, group_id in session.execute(_GROUP_TIES):
            groups.setdefault(group_id, []).append(project_id)
        if groups:
            every = session.execute(_EVERY_ENDPOINT).all()
            for group_id, filters in session.execute(_GROUPS):
                members = {row.id for row in every if all(
                    getattr(row, key, None) == value for key, value in filters.items()
                )}
                for project_id in groups.get(group_id, ()) if members else ():
                    only.setdefault(project_id, set()).update(members)
        return {project_id: frozenset(ids) for project_id, ids in only.items()}

    def _load_roles(self, session: Session) -> None:
        names, domains = {}, {}
        for role_id, name, domain_id in session.execute(_ROLES):
            names[role_id], domains[role_id] = name, domain_id
        implied: dict[str, set[str]] = {}
        for prior, follows in session.execute(_IMPLIED):
            implied.setdefault(prior, set()).add(follows)
        closure = {}
        for role_id in names:
            reached, open_ = {role_id}, [role_id]
            while open_:
                for follows in implied.get(open_.pop(), set()) - reached:
                    reached.add(follows)
                    open_.append(follows)
            closure[role_id] = frozenset(reached)
        self._graph = Graph(names, domains, closure)


def address(template: str, project_id: str | None, user_id: str | None) -> str | None:
    """An endpoint's URL for one caller, or None where the template asks for what there is not.

    Both spellings of a placeholder are in use: $(project_id)s and %(project_id)s.
    """
    if "(" not in template:
        return template
    values = {"project_id": project_id, "tenant_id": project_id, "user_id": user_id}
    for name, value in values.items():
        for mark in ("$", "%"):
            placeholder = f"{mark}({name})s"
            if placeholder in template:
                if value is None:
                    return None
                template = template.replace(placeholder, value)
    return template
