"""Endpoints of the catalog: where a service is, for whom, in which region."""

from sqlalchemy import select

from cairn.common.api import Document
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.common.listing import Part, Query
from cairn.keystone.component import Keystone
from cairn.keystone.core import rows
from cairn.keystone.core.attributes import merge_extra, refuse_new_id
from cairn.keystone.core.changes import Change, changing
from cairn.keystone.core.listing import fetch_page, filters
from cairn.keystone.db.models import Endpoint, Region, Service
from cairn.keystone.providers.directory import CATALOG, address

OWN = {"id", "service_id", "region", "region_id", "interface", "url", "enabled", "links"}
COLUMNS = {"interface": Endpoint.interface, "service_id": Endpoint.service_id,
           "region_id": Endpoint.region_id, "region": Endpoint.region_id,
           "enabled": Endpoint.enabled, "id": Endpoint.id}
QUERY = filters(COLUMNS)


def _write(change: Change, endpoint: Endpoint, request: Document) -> None:
    session = change.session
    region_id = request.get("region_id", request.get("region"))
    if region_id is not None and session.get(Region, region_id) is None:
        if "region_id" in request:
            raise Invalid(reason=f"Invalid input for field/attribute region_id. There is no region "
                                 f"{region_id}.")
        # The older word `region` makes the region it names.
        change.add("region", Region(id=region_id))
    if "service_id" in request and session.get(Service, request["service_id"]) is None:
        raise Invalid(reason=f"Invalid input for field/attribute service_id. There is no service "
                             f"{request['service_id']}.")
    if "url" in request:
        rest = address(request["url"], "p", "u") or ""
        if "$(" in rest or "%(" in rest:
            raise Invalid(reason=f"Malformed endpoint URL ({request['url']}), it may hold "
                                 "$(project_id)s, $(tenant_id)s and $(user_id)s.")
    for name in ("service_id", "interface", "url", "enabled"):
        if name in request:
            setattr(endpoint, name, request[name])
    if "region_id" in request or "region" in request:
        endpoint.region_id = region_id
    endpoint.extra = merge_extra(endpoint.extra or {}, request, OWN)
    change.touch(CATALOG)


def create(keystone: Keystone, ctx: Context, request: Document) -> Endpoint:
    """Add an endpoint to the catalog. Raises Invalid."""
    with changing(keystone, ctx) as change:
        endpoint = Endpoint(enabled=True, region_id=None)
        _write(change, endpoint, request)
        change.add("endpoint", endpoint)
    return endpoint


def list_page(keystone: Keystone, query: Query) -> Part:
    """A page of endpoints. Raises Invalid, NotKnown."""
    with keystone.db.reading() as session:
        return fetch_page(session, select(Endpoint), query, COLUMNS, Endpoint.id)


def get(keystone: Keystone, endpoint_id: str) -> Endpoint:
    """An endpoint. Raises NotKnown."""
    with keystone.db.reading() as session:
        return rows.get(session, Endpoint, endpoint_id)


def update(keystone: Keystone, ctx: Context, endpoint_id: str, request: Document) -> Endpoint:
    """Change an endpoint. Raises NotKnown, Invalid."""
    with changing(keystone, ctx) as change:
        endpoint = rows.lock(change.session, Endpoint, endpoint_id)
        refuse_new_id(request, endpoint_id)
        _write(change, endpoint, request)
        change.record("endpoint", "updated", endpoint_id)
    return endpoint


def delete(keystone: Keystone, ctx: Context, endpoint_id: str) -> None:
    """Take an endpoint from the catalog. Raises NotKnown."""
    with changing(keystone, ctx) as change:
        change.session.delete(rows.get(change.session, Endpoint, endpoint_id))
        change.record("endpoint", "deleted", endpoint_id)
        change.touch(CATALOG)
