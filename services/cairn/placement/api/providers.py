"""/resource_providers"""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from cairn.common.api import Api, Document, Reply
from cairn.common.context import Context
from cairn.placement.api.schemas import PROVIDER_1_0, PROVIDER_1_14, PROVIDERS_QUERY
from cairn.placement.component import Placement
from cairn.placement.core import providers, queries
from cairn.placement.core.candidates import Group
from cairn.placement.db.models import (
    Inventory,
    Provider,
    ProviderAggregate,
    ProviderTrait,
)
from cairn.placement.policy import RULES

api = Api(RULES)


def view(ctx: Context, provider: Provider, parent: str | None, root: str | None) -> Document:
    url = f"/placement/resource_providers/{provider.uuid}"
    rels = ["inventories", "usages"]
    rels += ["aggregates"] if ctx.version >= (1, 1) else []
    rels += ["traits"] if ctx.version >= (1, 6) else []
    rels += ["allocations"] if ctx.version >= (1, 11) else []
    document: Document = {
        "uuid": provider.uuid, "name": provider.name, "generation": provider.generation,
        "links": [{"rel": "self", "href": url},
                  *({"rel": rel, "href": f"{url}/{rel}"} for rel in rels)],
    }
    if ctx.version >= (1, 14):
        document |= {"parent_provider_uuid": parent, "root_provider_uuid": root}
    return document


def _view(session: Session, ctx: Context, provider: Provider) -> Document:
    ids = [i for i in (provider.parent_id, provider.root_id) if i]
    known = session.execute(select(Provider.id, Provider.uuid).where(Provider.id.in_(ids)))
    uuids = {row.id: row.uuid for row in known}
    return view(ctx, provider, uuids.get(provider.parent_id or 0), uuids.get(provider.root_id or 0))


@api.get("/resource_providers", policy="placement:resource_providers:list",
         query=PROVIDERS_QUERY)
def index(placement: Placement, ctx: Context, query: Any) -> Document:
    group = Group()
    if "resources" in query:
        queries.add_resources(group, placement.names, query["resources"])
    queries.add_required(group, placement.names, query.getlist("required"))
    queries.add_member_of(group, query.getlist("member_of"))
    parent, root = aliased(Provider), aliased(Provider)
    wanted = select(Provider, parent.uuid, root.uuid).outerjoin(
        parent, parent.id == Provider.parent_id).outerjoin(root, root.id == Provider.root_id)
    if "name" in query:
        wanted = wanted.where(Provider.name == query["name"])
    if "uuid" in query:
        wanted = wanted.where(Provider.uuid == query["uuid"])
    if "in_tree" in query:
        tree = select(Provider.root_id).where(Provider.uuid == query["in_tree"])
        wanted = wanted.where(Provider.root_id.in_(tree.scalar_subquery()))
    for class_id, amount in group.resources.items():
        wanted = wanted.where(Provider.id.in_(select(Inventory.provider_id).where(
            Inventory.class_id == class_id, Inventory.min_unit <= amount,
            Inventory.max_unit >= amount, Inventory.used + amount
            <= (Inventory.total - Inventory.reserved) * Inventory.allocation_ratio)))
    carried = select(ProviderTrait.provider_id)
    for any_of in group.required:
        wanted = wanted.where(Provider.id.in_(carried.where(ProviderTrait.trait_id.in_(any_of))))
    if group.forbidden:
        wanted = wanted.where(
            Provider.id.not_in(carried.where(ProviderTrait.trait_id.in_(group.forbidden))))
    member = select(ProviderAggregate.provider_id)
    for aggregates in group.member_of:
        wanted = wanted.where(
            Provider.id.in_(member.where(ProviderAggregate.aggregate.in_(aggregates))))
    if group.not_member_of:
        wanted = wanted.where(Provider.id.not_in(
            member.where(ProviderAggregate.aggregate.in_(group.not_member_of))))
    with placement.db.reading() as session:
        rows = session.execute(wanted).all()
    return {"resource_providers": [view(ctx, *row) for row in rows]}


@api.post("/resource_providers", policy="placement:resource_providers:create", status=201,
          body=PROVIDER_1_0, until="1.13")
@api.post("/resource_providers", policy="placement:resource_providers:create", status=201,
          body=PROVIDER_1_14, since="1.14")
def create(placement: Placement, ctx: Context, body: Document) -> Reply:
    with placement.db.writing() as session:
        provider = providers.create(
            session, body["name"], body.get("uuid"), body.get("parent_provider_uuid"))
        document = _view(session, ctx, provider)
    headers = {"Location": f"/placement/resource_providers/{provider.uuid}"}
    if ctx.version >= (1, 20):
        return Reply(document, 200, headers)
    return Reply(None, 201, headers)


@api.get("/resource_providers/<uuid>", policy="placement:resource_providers:show")
def show(placement: Placement, ctx: Context, uuid: str) -> Document:
    with placement.db.reading() as session:
        return _view(session, ctx, providers.find(session, uuid))


@api.put("/resource_providers/<uuid>", policy="placement:resource_providers:update",
         body=PROVIDER_1_0, until="1.13")
@api.put("/resource_providers/<uuid>", policy="placement:resource_providers:update",
         body=PROVIDER_1_14, since="1.14")
def update(placement: Placement, ctx: Context, uuid: str, body: Document) -> Document:
    with placement.db.writing() as session:
        provider = providers.find(session, uuid)
        current = _view(session, ctx, provider).get("parent_provider_uuid")
        parent = body.get("parent_provider_uuid", current)
        providers.change(session, provider, body["name"], parent,
                         may_move=ctx.version >= (1, 37))
        return _view(session, ctx, provider)


@api.delete("/resource_providers/<uuid>", policy="placement:resource_providers:delete",
            status=204)
def delete(placement: Placement, ctx: Context, uuid: str) -> None:
    with placement.db.writing() as session:
        providers.remove(session, providers.find(session, uuid))
