"""Services of the catalog."""

from sqlalchemy import select

from cairn.common.api import Document
from cairn.common.context import Context
from cairn.common.listing import Part, Query
from cairn.keystone.component import Keystone
from cairn.keystone.core import rows
from cairn.keystone.core.attributes import merge_extra, refuse_new_id
from cairn.keystone.core.changes import changing
from cairn.keystone.core.listing import fetch_page, filters
from cairn.keystone.db.models import Service
from cairn.keystone.providers.directory import CATALOG

OWN = {"id", "type", "name", "enabled", "links"}
COLUMNS = {"name": Service.name, "type": Service.type, "enabled": Service.enabled,
           "id": Service.id}
QUERY = filters(COLUMNS)


def create(keystone: Keystone, ctx: Context, request: Document) -> Service:
    """Add a service, as yet without endpoints, to the catalog."""
    with changing(keystone, ctx) as change:
        service = Service(
            type=request["type"], name=request.get("name"), enabled=request.get("enabled", True),
            extra=merge_extra({}, request, OWN),
        )
        change.add("service", service)
        change.touch(CATALOG)
    return service


def list_page(keystone: Keystone, query: Query) -> Part:
    """A page of services. Raises Invalid, NotKnown."""
    with keystone.db.reading() as session:
        return fetch_page(session, select(Service), query, COLUMNS, Service.id)


def get(keystone: Keystone, service_id: str) -> Service:
    """A service. Raises NotKnown."""
    with keystone.db.reading() as session:
        return rows.get(session, Service, service_id)


def update(keystone: Keystone, ctx: Context, service_id: str, request: Document) -> Service:
    """Change a service. Raises NotKnown, Invalid."""
    with changing(keystone, ctx) as change:
        service = rows.lock(change.session, Service, service_id)
        refuse_new_id(request, service_id)
        for name in ("type", "name", "enabled"):
            if name in request:
                setattr(service, name, request[name])
        service.extra = merge_extra(service.extra, request, OWN)
        change.record("service", "updated", service_id)
        change.touch(CATALOG)
    return service


def delete(keystone: Keystone, ctx: Context, service_id: str) -> None:
    """And its endpoints with it. Raises NotKnown."""
    with changing(keystone, ctx) as change:
        change.session.delete(rows.get(change.session, Service, service_id))
        change.record("service", "deleted", service_id)
        change.touch(CATALOG)
