"""/resource_providers"""

from collections.abc import Iterable
from typing import Any

from cairn.common.api import Api, Document, Reply, Version
from cairn.common.context import Context
from cairn.placement.api.schemas import (
    PROVIDER_POST_1_0,
    PROVIDER_POST_1_14,
    PROVIDER_PUT_1_0,
    PROVIDER_PUT_1_14,
    PROVIDERS_QUERY_1_0,
    PROVIDERS_QUERY_1_3,
    PROVIDERS_QUERY_1_4,
    PROVIDERS_QUERY_1_14,
    PROVIDERS_QUERY_1_18,
)
from cairn.placement.api.views import dated
from cairn.placement.component import Placement
from cairn.placement.core import providers, queries
from cairn.placement.core.names import Names
from cairn.placement.core.nodes import Node
from cairn.placement.core.requests import Group
from cairn.placement.core.snapshot import Snapshot
from cairn.placement.policy import RULES

api = Api(RULES)
LIST = "placement:resource_providers:list"
# What a provider has links to, and the microversion that each came with.
RELATED = (("inventories", (1, 0)), ("usages", (1, 0)), ("aggregates", (1, 1)),
           ("traits", (1, 6)), ("allocations", (1, 11)))


def view(
    placement: Placement, version: Version, provider: Node | Any, parent: str | None,
    root: str,
) -> Document:
    url = f"{placement.url}/resource_providers/{provider.uuid}"
    document: Document = {
        "uuid": provider.uuid, "name": provider.name, "generation": provider.generation,
        "links": [{"rel": "self", "href": url}, *(
            {"rel": rel, "href": f"{url}/{rel}"} for rel, since in RELATED if version >= since)],
    }
    if version >= (1, 14):
        document |= {"parent_provider_uuid": parent, "root_provider_uuid": root}
    return document


def _answer(
    placement: Placement, ctx: Context, row: Any, status: int = 200,
    headers: dict[str, str] | None = None,
) -> Reply:
    return dated(view(placement, ctx.version, row, row.parent, row.root), row.modified, status,
                 headers)


@api.get("/resource_providers", policy=LIST, query=PROVIDERS_QUERY_1_0, until="1.2")
@api.get("/resource_providers", policy=LIST, query=PROVIDERS_QUERY_1_3, since="1.3", until="1.3")
@api.get("/resource_providers", policy=LIST, query=PROVIDERS_QUERY_1_4, since="1.4", until="1.13")
@api.get("/resource_providers", policy=LIST, query=PROVIDERS_QUERY_1_14, since="1.14",
         until="1.17")
@api.get("/resource_providers", policy=LIST, query=PROVIDERS_QUERY_1_18, since="1.18")
def index(placement: Placement, ctx: Context, query: Any) -> Reply:
    """List the providers that match all filters; `resources` is what must be free."""
    group = _group(placement.names, ctx.version, query)
    with placement.snapshot.now() as snapshot:
        nodes = [
            node for node in _asked(snapshot, query, group)
            if group.suits(node) and query.get("name", node.name) == node.name
        ]
        documents = [
            view(placement, ctx.version, node,
                 None if node.parent is None else snapshot.nodes[node.parent].uuid,
                 snapshot.nodes[node.root].uuid)
            for node in nodes
        ]
    return dated({"resource_providers": documents},
                 max((node.modified for node in nodes), default=None))


def _group(names: Names, version: Version, query: Any) -> Group:
    group = Group()
    if "resources" in query:
        queries.add_resources(group, names, query["resources"])
    if "required" in query:
        queries.add_required(group, names, query.getlist("required"), version,
                             prefix='Invalid trait(s) in "required" parameter: ')
    queries.add_member_of(group, query.getlist("member_of"), version)
    if "in_tree" in query:
        queries.add_in_tree(group, query["in_tree"])
    return group


def _asked(snapshot: Snapshot, query: Any, group: Group) -> Iterable[Node]:
    """The providers among which to look."""
    if "uuid" in query:
        node = snapshot.find(queries.dashed(query["uuid"]))
        nodes = [node] if node else []
    else:
        nodes = list(snapshot.nodes.values())
    if group.in_tree is None:
        return nodes
    within = snapshot.find(group.in_tree)
    return [node for node in nodes if within and node.root == within.root]


@api.post("/resource_providers", policy="placement:resource_providers:create", status=201,
          body=PROVIDER_POST_1_0, until="1.13", event="resource_provider.create")
@api.post("/resource_providers", policy="placement:resource_providers:create", status=201,
          body=PROVIDER_POST_1_14, since="1.14", until="1.19", event="resource_provider.create")
@api.post("/resource_providers", policy="placement:resource_providers:create",
          body=PROVIDER_POST_1_14, since="1.20", event="resource_provider.create")
def create(placement: Placement, ctx: Context, body: Document) -> Reply:
    """Add a provider, at the top of its own tree or, from 1.14 on, below a parent."""
    row = providers.create_provider(
        placement.db, ctx, body["name"], body.get("uuid"), body.get("parent_provider_uuid"))
    headers = {"Location": f"{placement.url}/resource_providers/{row.uuid}"}
    if ctx.version >= (1, 20):
        return _answer(placement, ctx, row, 200, headers)
    return Reply(None, 201, headers)


@api.get("/resource_providers/<uuid>", policy="placement:resource_providers:show")
def show(placement: Placement, ctx: Context, uuid: str) -> Reply:
    """Show a resource provider, and from 1.14 on where it is in its tree."""
    return _answer(placement, ctx, providers.show_provider(placement.db, uuid))


@api.put("/resource_providers/<uuid>", policy="placement:resource_providers:update",
         body=PROVIDER_PUT_1_0, until="1.13", event="resource_provider.update")
@api.put("/resource_providers/<uuid>", policy="placement:resource_providers:update",
         body=PROVIDER_PUT_1_14, since="1.14", event="resource_provider.update")
def update(placement: Placement, ctx: Context, uuid: str, body: Document) -> Reply:
    """Rename a provider, and set its parent: once only before 1.37."""
    parent = body.get("parent_provider_uuid")
    row = providers.update_provider(
        placement.db, ctx, uuid, body["name"], queries.dashed(parent) if parent else None,
        keep_parent="parent_provider_uuid" not in body, may_move=ctx.version >= (1, 37))
    return _answer(placement, ctx, row)


@api.delete("/resource_providers/<uuid>", policy="placement:resource_providers:delete",
            status=204, event="resource_provider.delete")
def delete(placement: Placement, ctx: Context, uuid: str) -> None:
    """Remove a provider that has neither children nor allocations, with all that is said of it."""
    providers.delete_provider(placement.db, ctx, uuid)
