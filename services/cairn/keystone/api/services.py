"""/v3/services"""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.listing import Query
from cairn.keystone.api import schemas
from cairn.keystone.api.views import add_link, page
from cairn.keystone.component import Keystone
from cairn.keystone.core import services
from cairn.keystone.core.records import Service
from cairn.keystone.policy import RULES

api = Api(RULES)


def view(service: Service) -> Document:
    return add_link({**service.extra, "id": service.id, "type": service.type,
                     "name": service.name or "", "enabled": service.enabled}, "services")


@api.post("/services", policy="identity:create_service", body=schemas.SERVICE_CREATE, status=201,
          event="identity.service.created")
def create(keystone: Keystone, ctx: Context, body: Document) -> Document:
    """Create a service of the catalog."""
    return {"service": view(services.create(keystone, ctx, body["service"]))}


@api.get("/services", policy="identity:list_services", query=services.QUERY)
def index(keystone: Keystone, ctx: Context, query: Query) -> Document:
    """List the services."""
    return page("services", services.list_page(keystone, query), view)


@api.get("/services/<service_id>", policy="identity:get_service")
def show(keystone: Keystone, ctx: Context, service_id: str) -> Document:
    """Show a service."""
    return {"service": view(services.get(keystone, service_id))}


@api.patch("/services/<service_id>", policy="identity:update_service",
           body=schemas.SERVICE_UPDATE, event="identity.service.updated")
def update(keystone: Keystone, ctx: Context, service_id: str, body: Document) -> Document:
    """Change a service, and so the catalog of every later token."""
    return {"service": view(services.update(keystone, ctx, service_id, body["service"]))}


@api.delete("/services/<service_id>", policy="identity:delete_service", status=204,
            event="identity.service.deleted")
def delete(keystone: Keystone, ctx: Context, service_id: str) -> None:
    """Delete a service with its endpoints and limits."""
    services.delete(keystone, ctx, service_id)
