"""/resource_providers/{uuid}/inventories and /usages"""

from sqlalchemy.orm import Session

from cairn.common.api import Api, Document, Reply
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.placement.api.schemas import INVENTORIES_PUT, INVENTORY_POST, INVENTORY_PUT
from cairn.placement.component import Placement
from cairn.placement.core import inventories, providers
from cairn.placement.core.inventories import Values
from cairn.placement.db.models import Provider
from cairn.placement.errors import InventoryNotFound, MethodRefused
from cairn.placement.policy import RULES

api = Api(RULES)
BASE = "/resource_providers/<uuid>/inventories"


def _check(
    ctx: Context, provider: Provider, name: str, values: Values, verb: str = "update"
) -> None:
    inventories.check(provider, name, values, may_reserve_all=ctx.version >= (1, 26), verb=verb)


@api.get(BASE, policy="placement:resource_providers:inventories:list")
def index(placement: Placement, ctx: Context, uuid: str) -> Document:
    with placement.db.reading() as session:
        provider = providers.known(session, uuid)
        rows = inventories.of(session, placement.names, provider)
    return {"resource_provider_generation": provider.generation,
            "inventories": {name: inventories.view(row) for name, row in rows.items()}}


@api.put(BASE, policy="placement:resource_providers:inventories:update", body=INVENTORIES_PUT)
def replace(placement: Placement, ctx: Context, uuid: str, body: Document) -> Document:
    whole = {name: inventories.complete(wanted) for name, wanted in body["inventories"].items()}
    # Names first: a class that gets its row now does so outside of the transaction.
    placement.names.classes.ids(set(whole))

    def work(session: Session) -> int:
        provider = providers.find(session, uuid)
        providers.check(provider, body["resource_provider_generation"])
        for name, values in whole.items():
            _check(ctx, provider, name, values)
        inventories.replace(session, placement.names, provider, whole,
                            body["resource_provider_generation"])
        return provider.generation

    generation = placement.db.write(work)
    return {"resource_provider_generation": generation, "inventories": whole}


@api.delete(BASE, policy="placement:resource_providers:inventories:delete", status=204,
            since="1.5")
def clear(placement: Placement, ctx: Context, uuid: str) -> None:
    def work(session: Session) -> None:
        provider = providers.find(session, uuid)
        inventories.replace(session, placement.names, provider, {}, None)

    placement.db.write(work)


@api.delete(BASE, policy="placement:resource_providers:inventories:delete", until="1.4")
def clear_one_by_one(placement: Placement, ctx: Context, uuid: str) -> None:
    raise MethodRefused(method="DELETE")


@api.post(BASE, policy="placement:resource_providers:inventories:create", status=201,
          body=INVENTORY_POST)
def create(placement: Placement, ctx: Context, uuid: str, body: Document) -> Reply:
    name = body["resource_class"]
    values = inventories.complete(body)
    ids = placement.names.classes.ids({name})

    def work(session: Session) -> int:
        provider = providers.find(session, uuid)
        if name not in ids:
            raise Invalid(reason=f"Unable to create inventory for resource provider {uuid}: "
                                 f"No such resource class {name}.")
        _check(ctx, provider, name, values, "create")
        providers.bump(session, provider, body.get("resource_provider_generation"))
        inventories.add(session, placement.names, provider, ids[name], values)
        return provider.generation

    generation = placement.db.write(work)
    location = f"{placement.url}/resource_providers/{uuid}/inventories/{name}"
    return Reply(values | {"resource_provider_generation": generation}, 201,
                 {"Location": location})


@api.get(f"{BASE}/<name>", policy="placement:resource_providers:inventories:show")
def show(placement: Placement, ctx: Context, uuid: str, name: str) -> Document:
    with placement.db.reading() as session:
        provider = providers.known(session, uuid)
        rows = inventories.of(session, placement.names, provider)
    if name not in rows:
        raise InventoryNotFound(class_=name, id=uuid)
    return inventories.view(rows[name]) | {"resource_provider_generation": provider.generation}


@api.put(f"{BASE}/<name>", policy="placement:resource_providers:inventories:update",
         body=INVENTORY_PUT)
def update(
    placement: Placement, ctx: Context, uuid: str, name: str, body: Document
) -> Document:
    values = inventories.complete(body)
    ids = placement.names.classes.ids({name})

    def work(session: Session) -> int:
        provider = providers.find(session, uuid)
        providers.check(provider, body["resource_provider_generation"])
        _check(ctx, provider, name, values)
        if name not in inventories.of(session, placement.names, provider):
            raise Invalid(reason=f"No inventory record with resource class: {name}.")
        providers.bump(session, provider, body["resource_provider_generation"])
        inventories.put(session, provider, ids[name], values, new=False)
        return provider.generation

    return values | {"resource_provider_generation": placement.db.write(work)}


@api.delete(f"{BASE}/<name>", policy="placement:resource_providers:inventories:delete",
            status=204)
def delete(placement: Placement, ctx: Context, uuid: str, name: str) -> None:
    def work(session: Session) -> None:
        provider = providers.find(session, uuid)
        inventories.remove(session, placement.names, provider, name)

    placement.db.write(work)


@api.get("/resource_providers/<uuid>/usages", policy="placement:resource_providers:usages")
def usages(placement: Placement, ctx: Context, uuid: str) -> Document:
    with placement.db.reading() as session:
        provider = providers.known(session, uuid)
        rows = inventories.of(session, placement.names, provider)
    return {"resource_provider_generation": provider.generation,
            "usages": {name: row.used for name, row in rows.items()}}
