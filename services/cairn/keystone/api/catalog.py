"""/v3/regions, /v3/services, /v3/endpoints: where the services are."""

from typing import Any

from sqlalchemy import exists, select

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import Conflict, Invalid
from cairn.keystone.api import schemas
from cairn.keystone.api.views import QUERY, linked, listed
from cairn.keystone.component import Keystone
from cairn.keystone.core.changes import Change, changing
from cairn.keystone.core.listing import Query
from cairn.keystone.core.projects import merged, refuse_new_id
from cairn.keystone.db.models import Endpoint, Region, RegisteredLimit, Service
from cairn.keystone.errors import NotKnown, RegionInUse
from cairn.keystone.policy import RULES
from cairn.keystone.providers.directory import CATALOG, address

api = Api(RULES)
REGION = {"id", "description", "parent_region_id", "links"}
SERVICE = {"id", "type", "name", "enabled", "links"}
ENDPOINT = {"id", "service_id", "region", "region_id", "interface", "url", "enabled", "links"}


def _region(region: Region) -> Document:
    return linked({**region.extra, "id": region.id, "description": region.description,
                   "parent_region_id": region.parent_id}, "regions")


def _service(service: Service) -> Document:
    return linked({**service.extra, "id": service.id, "type": service.type,
                   "name": service.name or "", "enabled": service.enabled}, "services")


def endpoint_view(endpoint: Endpoint) -> Document:
    return linked({
        **endpoint.extra, "id": endpoint.id, "interface": endpoint.interface,
        "service_id": endpoint.service_id, "url": endpoint.url, "enabled": endpoint.enabled,
        "region": endpoint.region_id, "region_id": endpoint.region_id,
    }, "endpoints")


def _find(session: Any, kind: type[Any], id_: str) -> Any:
    found = session.get(kind, id_)
    if found is None:
        raise NotKnown(kind.__name__.lower(), id_)
    return found


def _check_parent(session: Any, region_id: str, parent_id: str | None) -> None:
    while parent_id is not None:
        if parent_id == region_id:
            raise Invalid(reason=f"Invalid input for field/attribute parent_region_id. Region "
                                 f"{region_id} would be its own parent.")
        parent_id = _find(session, Region, parent_id).parent_id


def _make_region(keystone: Keystone, ctx: Context, wanted: Document) -> Document:
    with changing(keystone, ctx, "region", f"ID {wanted.get('id')}") as change:
        region = Region(
            description=wanted.get("description") or "", parent_id=wanted.get("parent_region_id"),
            extra=merged({}, wanted, REGION),
        )
        if wanted.get("id"):
            region.id = wanted["id"]
            if change.session.get(Region, region.id) is not None:
                raise Conflict(reason="Conflict occurred attempting to store region - Duplicate "
                                      f"ID, {region.id}.")
        _check_parent(change.session, wanted.get("id") or "", region.parent_id)
        change.session.add(region)
    return {"region": _region(region)}


@api.post("/regions", policy="identity:create_region", body=schemas.REGION_CREATE, status=201)
def create_region(keystone: Keystone, ctx: Context, body: Document) -> Document:
    return _make_region(keystone, ctx, body["region"])


@api.put("/regions/<region_id>", policy="identity:create_region", body=schemas.REGION_CREATE,
         status=201)
def put_region(keystone: Keystone, ctx: Context, region_id: str, body: Document) -> Document:
    wanted = body["region"]
    if wanted.get("id", region_id) != region_id:
        raise Invalid(reason=f"Conflicting region IDs specified: \"{region_id}\" != "
                             f"\"{wanted['id']}\"")
    return _make_region(keystone, ctx, {**wanted, "id": region_id})


@api.get("/regions", policy="identity:list_regions", query=QUERY)
def regions(keystone: Keystone, ctx: Context, query: Query) -> Document:
    columns = {"parent_region_id": Region.parent_id, "id": Region.id}
    with keystone.db.reading() as session:
        return listed(session, "regions", select(Region), query, columns, Region.id, _region)


@api.get("/regions/<region_id>", policy="identity:get_region")
def show_region(keystone: Keystone, ctx: Context, region_id: str) -> Document:
    with keystone.db.reading() as session:
        return {"region": _region(_find(session, Region, region_id))}


@api.patch("/regions/<region_id>", policy="identity:update_region", body=schemas.REGION_UPDATE)
def update_region(keystone: Keystone, ctx: Context, region_id: str, body: Document) -> Document:
    wanted = body["region"]
    with changing(keystone, ctx) as change:
        region: Region = _find(change.session, Region, region_id)
        refuse_new_id(wanted, region_id)
        if "description" in wanted:
            region.description = wanted["description"] or ""
        if "parent_region_id" in wanted:
            _check_parent(change.session, region_id, wanted["parent_region_id"])
            region.parent_id = wanted["parent_region_id"]
        region.extra = merged(region.extra, wanted, REGION)
    return {"region": _region(region)}


@api.delete("/regions/<region_id>", policy="identity:delete_region", status=204)
def delete_region(keystone: Keystone, ctx: Context, region_id: str) -> None:
    """With the regions below it; not while one of them has endpoints or limits."""
    with changing(keystone, ctx) as change:
        session = change.session
        branch = [_find(session, Region, region_id)]
        for region in branch:
            branch += session.scalars(select(Region).where(Region.parent_id == region.id))
        ids = [region.id for region in branch]
        for kind in (Endpoint, RegisteredLimit):
            if session.scalar(select(exists().where(kind.region_id.in_(ids)))):
                raise RegionInUse(id=region_id)
        for region in reversed(branch):
            session.delete(region)
            session.flush()


@api.post("/services", policy="identity:create_service", body=schemas.SERVICE_CREATE, status=201)
def create_service(keystone: Keystone, ctx: Context, body: Document) -> Document:
    wanted = body["service"]
    with changing(keystone, ctx) as change:
        service = Service(
            type=wanted["type"], name=wanted.get("name"), enabled=wanted.get("enabled", True),
            extra=merged({}, wanted, SERVICE),
        )
        change.session.add(service)
        change.touch(CATALOG)
    return {"service": _service(service)}


@api.get("/services", policy="identity:list_services", query=QUERY)
def services(keystone: Keystone, ctx: Context, query: Query) -> Document:
    columns = {"name": Service.name, "type": Service.type, "enabled": Service.enabled}
    with keystone.db.reading() as session:
        return listed(session, "services", select(Service), query, columns, Service.id, _service)


@api.get("/services/<service_id>", policy="identity:get_service")
def show_service(keystone: Keystone, ctx: Context, service_id: str) -> Document:
    with keystone.db.reading() as session:
        return {"service": _service(_find(session, Service, service_id))}


@api.patch("/services/<service_id>", policy="identity:update_service",
           body=schemas.SERVICE_UPDATE)
def update_service(keystone: Keystone, ctx: Context, service_id: str, body: Document) -> Document:
    wanted = body["service"]
    with changing(keystone, ctx) as change:
        service: Service = _find(change.session, Service, service_id)
        refuse_new_id(wanted, service_id)
        for name in ("type", "name", "enabled"):
            if name in wanted:
                setattr(service, name, wanted[name])
        service.extra = merged(service.extra, wanted, SERVICE)
        change.touch(CATALOG)
    return {"service": _service(service)}


@api.delete("/services/<service_id>", policy="identity:delete_service", status=204)
def delete_service(keystone: Keystone, ctx: Context, service_id: str) -> None:
    """And its endpoints with it."""
    with changing(keystone, ctx) as change:
        change.session.delete(_find(change.session, Service, service_id))
        change.touch(CATALOG)


def _write_endpoint(change: Change, endpoint: Endpoint, wanted: Document) -> None:
    session = change.session
    region_id = wanted.get("region_id", wanted.get("region"))
    if region_id is not None and session.get(Region, region_id) is None:
        if "region_id" in wanted:
            raise Invalid(reason=f"Invalid input for field/attribute region_id. There is no region "
                                 f"{region_id}.")
        # The older word `region` makes the region it names.
        session.add(Region(id=region_id))
        session.flush()
    if "service_id" in wanted and session.get(Service, wanted["service_id"]) is None:
        raise Invalid(reason=f"Invalid input for field/attribute service_id. There is no service "
                             f"{wanted['service_id']}.")
    if "url" in wanted:
        rest = address(wanted["url"], "p", "u") or ""
        if "$(" in rest or "%(" in rest:
            raise Invalid(reason=f"Malformed endpoint URL ({wanted['url']}), it may hold "
                                 "$(project_id)s, $(tenant_id)s and $(user_id)s.")
    for name in ("service_id", "interface", "url", "enabled"):
        if name in wanted:
            setattr(endpoint, name, wanted[name])
    if "region_id" in wanted or "region" in wanted:
        endpoint.region_id = region_id
    endpoint.extra = merged(endpoint.extra or {}, wanted, ENDPOINT)
    change.touch(CATALOG)


@api.post("/endpoints", policy="identity:create_endpoint", body=schemas.ENDPOINT_CREATE,
          status=201)
def create_endpoint(keystone: Keystone, ctx: Context, body: Document) -> Document:
    with changing(keystone, ctx) as change:
        endpoint = Endpoint(enabled=True, region_id=None)
        _write_endpoint(change, endpoint, body["endpoint"])
        change.session.add(endpoint)
    return {"endpoint": endpoint_view(endpoint)}


@api.get("/endpoints", policy="identity:list_endpoints", query=QUERY)
def endpoints(keystone: Keystone, ctx: Context, query: Query) -> Document:
    columns = {"interface": Endpoint.interface, "service_id": Endpoint.service_id,
               "region_id": Endpoint.region_id, "region": Endpoint.region_id,
               "enabled": Endpoint.enabled}
    with keystone.db.reading() as session:
        return listed(session, "endpoints", select(Endpoint), query, columns, Endpoint.id,
                      endpoint_view)


@api.get("/endpoints/<endpoint_id>", policy="identity:get_endpoint")
def show_endpoint(keystone: Keystone, ctx: Context, endpoint_id: str) -> Document:
    with keystone.db.reading() as session:
        return {"endpoint": endpoint_view(_find(session, Endpoint, endpoint_id))}


@api.patch("/endpoints/<endpoint_id>", policy="identity:update_endpoint",
           body=schemas.ENDPOINT_UPDATE)
def update_endpoint(keystone: Keystone, ctx: Context, endpoint_id: str, body: Document) -> Document:
    with changing(keystone, ctx) as change:
        endpoint: Endpoint = _find(change.session, Endpoint, endpoint_id)
        refuse_new_id(body["endpoint"], endpoint_id)
        _write_endpoint(change, endpoint, body["endpoint"])
    return {"endpoint": endpoint_view(endpoint)}


@api.delete("/endpoints/<endpoint_id>", policy="identity:delete_endpoint", status=204)
def delete_endpoint(keystone: Keystone, ctx: Context, endpoint_id: str) -> None:
    with changing(keystone, ctx) as change:
        change.session.delete(_find(change.session, Endpoint, endpoint_id))
        change.touch(CATALOG)
