"""/networks/<id>/tags, and the same for what else has labels"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Row

from cairn.common.api import Api, Document, Reply
from cairn.common.context import Context
from cairn.neutron import errors
from cairn.neutron.api.schemas import TAGS_REPLACE
from cairn.neutron.component import Neutron
from cairn.neutron.core import tags
from cairn.neutron.core.kinds import (
    FLOATINGIP,
    NETWORK,
    PORT,
    ROUTER,
    SECURITY_GROUP,
    SUBNET,
    SUBNETPOOL,
    Kind,
    claim,
    find,
    network_target,
    port_target,
    target,
)
from cairn.neutron.core.write import Write, write
from cairn.neutron.policy import RULES

LABELLED: dict[str, tuple[Kind, Callable[[Any], dict[str, Any]]]] = {
    "networks": (NETWORK, network_target), "subnets": (SUBNET, target),
    "ports": (PORT, port_target), "routers": (ROUTER, target),
    "subnetpools": (SUBNETPOOL, lambda row: target(row, shared=row.shared)),
    "floatingips": (FLOATINGIP, target), "security-groups": (SECURITY_GROUP, target),
}
LONGEST = 255


def _declare(collection: str, kind: Kind, about: Callable[[Any], dict[str, Any]]) -> Api:
    api = Api(RULES)
    rule = f"{kind.many}_tags"
    path = f"/{collection}/<resource_id>/tags"

    def held(
        neutron: Neutron, ctx: Context, id: str, verb: str,
        act: Callable[[Write, Row[Any]], Document | None],
    ) -> Document | None:
        def work(w: Write) -> Document | None:
            row = claim(w.session, ctx, kind, id)
            neutron.policy.enforce(ctx, f"{verb}_{rule}", about(row))
            return act(w, row)

        return write(neutron, ctx, work)

    @api.get(path, policy=f"get_{rule}")
    def index(neutron: Neutron, ctx: Context, resource_id: str) -> Document:
        with neutron.db.reading() as session:
            return {"tags": find(session, ctx, kind, resource_id).tags}

    @api.get(path + "/<tag>", policy=f"get_{rule}", status=204)
    def show(neutron: Neutron, ctx: Context, resource_id: str, tag: str) -> None:
        with neutron.db.reading() as session:
            if tag not in find(session, ctx, kind, resource_id).tags:
                raise errors.TagNotFound(tag)

    @api.put(path, policy=f"update_{rule}", body=TAGS_REPLACE)
    def replace(
        neutron: Neutron, ctx: Context, resource_id: str, body: Document
    ) -> Document | None:
        return held(neutron, ctx, resource_id, "update", lambda w, row: {
            "tags": tags.replace(w, kind, row.id, body["tags"])})

    @api.put(path + "/<tag>", policy=f"create_{rule}", status=201)
    def add(neutron: Neutron, ctx: Context, resource_id: str, tag: str) -> Reply:
        if len(tag) > LONGEST:
            raise errors.BadAttribute(name="tag", reason=f"'{tag}' is longer than {LONGEST}.")

        def act(w: Write, row: Row[Any]) -> None:
            if tag not in row.tags:
                tags.replace(w, kind, row.id, [*row.tags, tag])

        held(neutron, ctx, resource_id, "create", act)
        return Reply(None, 201)

    @api.delete(path + "/<tag>", policy=f"delete_{rule}", status=204)
    def remove(neutron: Neutron, ctx: Context, resource_id: str, tag: str) -> None:
        held(neutron, ctx, resource_id, "delete",
             lambda w, row: tags.remove(w, kind, row.id, row.tags, tag))

    @api.delete(path, policy=f"delete_{rule}", status=204)
    def clear(neutron: Neutron, ctx: Context, resource_id: str) -> None:
        def act(w: Write, row: Row[Any]) -> None:
            tags.replace(w, kind, row.id, [])

        held(neutron, ctx, resource_id, "delete", act)

    return api


apis = [_declare(collection, kind, about) for collection, (kind, about) in LABELLED.items()]
