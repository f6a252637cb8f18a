"""/resource_providers/{uuid}/inventories and /usages"""

from cairn.common.api import Api, Document, Reply
from cairn.common.context import Context
from cairn.common.errors import Conflict, Invalid
from cairn.placement.api.schemas import INVENTORIES_PUT, INVENTORY_POST, INVENTORY_PUT
from cairn.placement.component import Placement
from cairn.placement.core import inventories, providers
from cairn.placement.errors import InventoryNotFound
from cairn.placement.policy import RULES

api = Api(RULES)
BASE = "/resource_providers/<uuid>/inventories"


def _all(ctx: Context) -> bool:
    return ctx.version >= (1, 26)


@api.get(BASE, policy="placement:resource_providers:inventories:list")
def index(placement: Placement, ctx: Context, uuid: str) -> Document:
    with placement.db.reading() as session:
        provider = providers.find(session, uuid)
        rows = inventories.of(session, placement.names, provider)
    return {"resource_provider_generation": provider.generation,
            "inventories": {name: inventories.view(row) for name, row in rows.items()}}


@api.put(BASE, policy="placement:resource_providers:inventories:update", body=INVENTORIES_PUT)
def replace(placement: Placement, ctx: Context, uuid: str, body: Document) -> Document:
    whole = {
        name: inventories.complete(name, wanted, may_reserve_all=_all(ctx))
        for name, wanted in body["inventories"].items()
    }
    placement.names.classes.ids(set(whole))
    with placement.db.writing() as session:
        provider = providers.find(session, uuid)
        inventories.replace(session, placement.names, provider, whole,
                            body["resource_provider_generation"])
    return {"resource_provider_generation": provider.generation, "inventories": whole}


@api.delete(BASE, policy="placement:resource_providers:inventories:delete", status=204,
            since="1.5")
def clear(placement: Placement, ctx: Context, uuid: str) -> None:
    with placement.db.writing() as session:
        provider = providers.find(session, uuid)
        inventories.replace(session, placement.names, provider, {}, None)


@api.post(BASE, policy="placement:resource_providers:inventories:create", status=201,
          body=INVENTORY_POST)
def create(placement: Placement, ctx: Context, uuid: str, body: Document) -> Reply:
    name = body["resource_class"]
    values = inventories.complete(name, body, may_reserve_all=_all(ctx))
    ids = placement.names.classes.ids({name})
    if name not in ids:
        raise Invalid(reason=f"No such resource class {name}.")
    with placement.db.writing() as session:
        provider = providers.find(session, uuid)
        if name in inventories.of(session, placement.names, provider):
            raise Conflict(reason=f"Inventory of {name} exists already.")
        providers.bump(session, provider, body.get("resource_provider_generation"))
        inventories.put(session, provider, ids[name], values, new=True)
    location = f"/placement/resource_providers/{uuid}/inventories/{name}"
    return Reply(values | {"resource_provider_generation": provider.generation}, 201,
                 {"Location": location})


@api.get(f"{BASE}/<name>", policy="placement:resource_providers:inventories:show")
def show(placement: Placement, ctx: Context, uuid: str, name: str) -> Document:
    with placement.db.reading() as session:
        provider = providers.find(session, uuid)
        rows = inventories.of(session, placement.names, provider)
    if name not in rows:
        raise InventoryNotFound(class_=name, id=uuid)
    return inventories.view(rows[name]) | {"resource_provider_generation": provider.generation}


@api.put(f"{BASE}/<name>", policy="placement:resource_providers:inventories:update",
         body=INVENTORY_PUT)
def update(
    placement: Placement, ctx: Context, uuid: str, name: str, body: Document
) -> Document:
    values = inventories.complete(name, body, may_reserve_all=_all(ctx))
    ids = placement.names.classes.ids({name})
    with placement.db.writing() as session:
        provider = providers.find(session, uuid)
        if name not in inventories.of(session, placement.names, provider):
            raise Invalid(reason=f"No inventory record with resource class: {name}.")
        providers.bump(session, provider, body["resource_provider_generation"])
        inventories.put(session, provider, ids[name], values, new=False)
    return values | {"resource_provider_generation": provider.generation}


@api.delete(f"{BASE}/<name>", policy="placement:resource_providers:inventories:delete",
            status=204)
def delete(placement: Placement, ctx: Context, uuid: str, name: str) -> None:
    with placement.db.writing() as session:
        provider = providers.find(session, uuid)
        inventories.remove(session, placement.names, provider, name)


@api.get("/resource_providers/<uuid>/usages", policy="placement:resource_providers:usages")
def usages(placement: Placement, ctx: Context, uuid: str) -> Document:
    with placement.db.reading() as session:
        provider = providers.find(session, uuid)
        rows = inventories.of(session, placement.names, provider)
    return {"resource_provider_generation": provider.generation,
            "usages": {name: row.used for name, row in rows.items()}}
