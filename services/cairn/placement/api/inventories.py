"""/resource_providers/{uuid}/inventories and /usages"""

from cairn.common.api import Api, Document, Reply
from cairn.common.context import Context
from cairn.placement.api.schemas import INVENTORIES_PUT, INVENTORY_POST, INVENTORY_PUT
from cairn.placement.component import Placement
from cairn.placement.core import inventories
from cairn.placement.errors import InventoryNotFound, MethodRefused
from cairn.placement.policy import RULES

api = Api(RULES)
BASE = "/resource_providers/<uuid>/inventories"


def _may_reserve_all(ctx: Context) -> bool:
    return ctx.version >= (1, 26)


@api.get(BASE, policy="placement:resource_providers:inventories:list")
def index(placement: Placement, ctx: Context, uuid: str) -> Document:
    """List what a provider has of each resource class, with the provider's generation."""
    generation, rows = inventories.list_inventories(placement.db, placement.names, uuid)
    return {"resource_provider_generation": generation,
            "inventories": {name: inventories.view(row) for name, row in rows.items()}}


@api.put(BASE, policy="placement:resource_providers:inventories:update", body=INVENTORIES_PUT,
         event="inventory.update")
def replace(placement: Placement, ctx: Context, uuid: str, body: Document) -> Document:
    """Make these the provider's only inventories; one that is in use cannot be left out."""
    whole = {name: inventories.complete(entry) for name, entry in body["inventories"].items()}
    generation = inventories.replace_inventories(
        placement.db, ctx, placement.names, uuid, whole, body["resource_provider_generation"],
        may_reserve_all=_may_reserve_all(ctx))
    return {"resource_provider_generation": generation, "inventories": whole}


@api.delete(BASE, policy="placement:resource_providers:inventories:delete", status=204,
            since="1.5", event="inventory.delete")
def clear(placement: Placement, ctx: Context, uuid: str) -> None:
    """Remove all inventories of a provider, unless one of them is in use."""
    inventories.clear_inventories(placement.db, ctx, placement.names, uuid)


@api.delete(BASE, policy="placement:resource_providers:inventories:delete", until="1.4", status=405,
            changes_nothing="there is no such method before 1.5")
def clear_one_by_one(placement: Placement, ctx: Context, uuid: str) -> None:
    """Answer 405: all inventories are removed at once from 1.5 on only."""
    raise MethodRefused(method="DELETE")


@api.post(BASE, policy="placement:resource_providers:inventories:create", status=201,
          body=INVENTORY_POST, event="inventory.create")
def create(placement: Placement, ctx: Context, uuid: str, body: Document) -> Reply:
    """Give a provider an inventory of a resource class that it has none of."""
    name = body["resource_class"]
    values = inventories.complete(body)
    generation = inventories.create_inventory(
        placement.db, ctx, placement.names, uuid, name, values,
        body.get("resource_provider_generation"), may_reserve_all=_may_reserve_all(ctx))
    location = f"{placement.url}/resource_providers/{uuid}/inventories/{name}"
    return Reply(values | {"resource_provider_generation": generation}, 201,
                 {"Location": location})


@api.get(f"{BASE}/<name>", policy="placement:resource_providers:inventories:show")
def show(placement: Placement, ctx: Context, uuid: str, name: str) -> Document:
    """Show what a provider has of one resource class."""
    generation, rows = inventories.list_inventories(placement.db, placement.names, uuid)
    if name not in rows:
        raise InventoryNotFound(class_=name, id=uuid)
    return inventories.view(rows[name]) | {"resource_provider_generation": generation}


@api.put(f"{BASE}/<name>", policy="placement:resource_providers:inventories:update",
         body=INVENTORY_PUT, event="inventory.update")
def update(
    placement: Placement, ctx: Context, uuid: str, name: str, body: Document
) -> Document:
    """Replace a provider's inventory of one class; fields that are left out get their defaults."""
    values = inventories.complete(body)
    generation = inventories.update_inventory(
        placement.db, ctx, placement.names, uuid, name, values,
        body["resource_provider_generation"], may_reserve_all=_may_reserve_all(ctx))
    return values | {"resource_provider_generation": generation}


@api.delete(f"{BASE}/<name>", policy="placement:resource_providers:inventories:delete",
            status=204, event="inventory.delete")
def delete(placement: Placement, ctx: Context, uuid: str, name: str) -> None:
    """Remove a provider's inventory of one resource class, unless it is in use."""
    inventories.delete_inventory(placement.db, ctx, placement.names, uuid, name)


@api.get("/resource_providers/<uuid>/usages", policy="placement:resource_providers:usages")
def usages(placement: Placement, ctx: Context, uuid: str) -> Document:
    """Show how much of each of its resource classes a provider has given away."""
    generation, rows = inventories.list_inventories(placement.db, placement.names, uuid)
    return {"resource_provider_generation": generation,
            "usages": {name: row.used for name, row in rows.items()}}
