"""/v3/endpoints"""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.listing import Query
from cairn.keystone.api import schemas
from cairn.keystone.api.views import add_link, page
from cairn.keystone.component import Keystone
from cairn.keystone.core import endpoints
from cairn.keystone.core.records import Endpoint
from cairn.keystone.policy import RULES

api = Api(RULES)


def view(endpoint: Endpoint) -> Document:
    return add_link({
        **endpoint.extra, "id": endpoint.id, "interface": endpoint.interface,
        "service_id": endpoint.service_id, "url": endpoint.url, "enabled": endpoint.enabled,
        "region": endpoint.region_id, "region_id": endpoint.region_id,
    }, "endpoints")


@api.post("/endpoints", policy="identity:create_endpoint", body=schemas.ENDPOINT_CREATE,
          status=201, event="identity.endpoint.created")
def create(keystone: Keystone, ctx: Context, body: Document) -> Document:
    """Create an endpoint of a service; what `region` names is made where it is not there."""
    return {"endpoint": view(endpoints.create(keystone, ctx, body["endpoint"]))}


@api.get("/endpoints", policy="identity:list_endpoints", query=endpoints.QUERY)
def index(keystone: Keystone, ctx: Context, query: Query) -> Document:
    """List the endpoints of all services."""
    return page("endpoints", endpoints.list_page(keystone, query), view)


@api.get("/endpoints/<endpoint_id>", policy="identity:get_endpoint")
def show(keystone: Keystone, ctx: Context, endpoint_id: str) -> Document:
    """Show an endpoint."""
    return {"endpoint": view(endpoints.get(keystone, endpoint_id))}


@api.patch("/endpoints/<endpoint_id>", policy="identity:update_endpoint",
           body=schemas.ENDPOINT_UPDATE, event="identity.endpoint.updated")
def update(keystone: Keystone, ctx: Context, endpoint_id: str, body: Document) -> Document:
    """Change an endpoint, and so the catalog of every later token."""
    return {"endpoint": view(endpoints.update(keystone, ctx, endpoint_id, body["endpoint"]))}


@api.delete("/endpoints/<endpoint_id>", policy="identity:delete_endpoint", status=204,
            event="identity.endpoint.deleted")
def delete(keystone: Keystone, ctx: Context, endpoint_id: str) -> None:
    """Delete an endpoint, and so take it from the catalog."""
    endpoints.delete(keystone, ctx, endpoint_id)
