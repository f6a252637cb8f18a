"""/v3/registered_limits and /v3/limits: how much of what a project may have; services ask here."""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.listing import Query
from cairn.keystone.api import schemas
from cairn.keystone.api.views import add_link, page
from cairn.keystone.component import Keystone
from cairn.keystone.core import limits
from cairn.keystone.core.records import Limit, RegisteredLimit
from cairn.keystone.policy import RULES

api = Api(RULES)


def _registered_view(row: RegisteredLimit) -> Document:
    return add_link({
        "id": row.id, "service_id": row.service_id, "region_id": row.region_id,
        "resource_name": row.resource_name, "default_limit": row.default_limit,
        "description": row.description,
    }, "registered_limits")


@api.post("/registered_limits", policy="identity:create_registered_limits", status=201,
          body=schemas.REGISTERED_LIMITS_CREATE, event="identity.registered_limit.created")
def register(keystone: Keystone, ctx: Context, body: Document) -> Document:
    """Register the limits of resources that hold for every project: all of them or none."""
    made = limits.register(keystone, ctx, body["registered_limits"])
    return {"registered_limits": [_registered_view(row) for row in made]}


@api.get("/registered_limits", policy="identity:list_registered_limits",
         query=limits.REGISTERED_QUERY)
def registered(keystone: Keystone, ctx: Context, query: Query) -> Document:
    """List the registered limits."""
    return page("registered_limits", limits.list_registered(keystone, query), _registered_view)


@api.get("/registered_limits/<limit_id>", policy="identity:get_registered_limit")
def show_registered(keystone: Keystone, ctx: Context, limit_id: str) -> Document:
    """Show a registered limit."""
    return {"registered_limit": _registered_view(limits.get_registered(keystone, limit_id))}


@api.patch("/registered_limits/<limit_id>", policy="identity:update_registered_limit",
           body=schemas.REGISTERED_LIMIT_UPDATE, event="identity.registered_limit.updated")
def update_registered(keystone: Keystone, ctx: Context, limit_id: str, body: Document) -> Document:
    """Change a registered limit; 403 while a project or domain has its own."""
    row = limits.update_registered(keystone, ctx, limit_id, body["registered_limit"])
    return {"registered_limit": _registered_view(row)}


@api.delete("/registered_limits/<limit_id>", policy="identity:delete_registered_limit", status=204,
            event="identity.registered_limit.deleted")
def unregister(keystone: Keystone, ctx: Context, limit_id: str) -> None:
    """Delete a registered limit; 403 while a project or domain has its own."""
    limits.unregister(keystone, ctx, limit_id)


def view(limit: Limit, of: RegisteredLimit) -> Document:
    return add_link({
        "id": limit.id, "service_id": of.service_id, "region_id": of.region_id,
        "resource_name": of.resource_name, "resource_limit": limit.resource_limit,
        "description": limit.description,
        "project_id": None if limit.of_domain else limit.owner_id,
        "domain_id": limit.owner_id if limit.of_domain else None,
    }, "limits")


# Before /limits/<limit_id>, which it is not.
@api.get("/limits/model", policy="identity:get_limit_model")
def model(keystone: Keystone, ctx: Context) -> Document:
    """Show how limits of nested projects are held against each other."""
    name = keystone.unified_limit.enforcement_model
    return {"model": {"name": name, "description": limits.MODELS[name]}}


@api.post("/limits", policy="identity:create_limits", body=schemas.LIMITS_CREATE, status=201,
          event="identity.limit.created")
def create(keystone: Keystone, ctx: Context, body: Document) -> Document:
    """Set limits of projects and domains: all of them or none; each must be registered."""
    made = limits.create(keystone, ctx, body["limits"])
    return {"limits": [view(*each) for each in made]}


@api.get("/limits", policy="identity:list_limits", query=limits.QUERY)
def index(keystone: Keystone, ctx: Context, query: Query) -> Document:
    """List the limits of the token's project or domain; all of them for who may see those."""
    return page("limits", limits.list_page(keystone, ctx, query),
                lambda limit: view(limit, limit.registered))


@api.get("/limits/<limit_id>", policy="identity:get_limit", late=True)
def show(keystone: Keystone, ctx: Context, limit_id: str) -> Document:
    """Show a limit."""
    return {"limit": view(*limits.get(keystone, ctx, limit_id))}


@api.patch("/limits/<limit_id>", policy="identity:update_limit", body=schemas.LIMIT_UPDATE,
           event="identity.limit.updated")
def update(keystone: Keystone, ctx: Context, limit_id: str, body: Document) -> Document:
    """Change a limit's number or description."""
    return {"limit": view(*limits.update(keystone, ctx, limit_id, body["limit"]))}


@api.delete("/limits/<limit_id>", policy="identity:delete_limit", status=204,
            event="identity.limit.deleted")
def delete(keystone: Keystone, ctx: Context, limit_id: str) -> None:
    """Delete a limit; what is registered holds again."""
    limits.delete(keystone, ctx, limit_id)
