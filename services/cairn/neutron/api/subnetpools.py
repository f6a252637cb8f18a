"""/subnetpools"""

from typing import Any

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.neutron.api import common
from cairn.neutron.api.schemas import QUERY, SUBNETPOOL_CREATE, SUBNETPOOL_UPDATE
from cairn.neutron.component import Neutron
from cairn.neutron.core import subnetpools
from cairn.neutron.core.kinds import SUBNETPOOL, find, target
from cairn.neutron.core.write import Write
from cairn.neutron.policy import RULES

api = Api(RULES)


def view(row: Any) -> Document:
    return {
        **common.standard(row),
        "prefixes": row.prefixes, "ip_version": row.ip_version,
        "default_prefixlen": str(row.default_prefixlen), "min_prefixlen": str(row.min_prefixlen),
        "max_prefixlen": str(row.max_prefixlen), "default_quota": row.default_quota,
        "shared": row.shared, "is_default": row.is_default, "address_scope_id": None,
    }


views = common.each(view)


def about(row: Any) -> dict[str, Any]:
    return target(row, shared=row.shared)


@api.get("/subnetpools", policy="get_subnetpool", query=QUERY, raw=True)
def index(neutron: Neutron, ctx: Context, query: Any, request: Any) -> Document:
    return common.index(neutron, ctx, SUBNETPOOL, views, query, request, about)


@api.get("/subnetpools/<subnetpool_id>", policy="get_subnetpool", query=QUERY)
def show(neutron: Neutron, ctx: Context, subnetpool_id: str, query: Any) -> Document:
    return common.show(neutron, ctx, SUBNETPOOL, subnetpool_id, views, query, about)


@api.post("/subnetpools", policy="create_subnetpool", body=SUBNETPOOL_CREATE, status=201)
def create(neutron: Neutron, ctx: Context, body: Document) -> Document:
    def make(w: Write, item: dict[str, Any]) -> Any:
        common.may_create(neutron, ctx, SUBNETPOOL, item)
        return find(w.session, ctx, SUBNETPOOL, subnetpools.create(w, item))

    return common.create(neutron, ctx, SUBNETPOOL, body, make, views, about)


@api.put("/subnetpools/<subnetpool_id>", policy="update_subnetpool", body=SUBNETPOOL_UPDATE)
def change(neutron: Neutron, ctx: Context, subnetpool_id: str, body: Document) -> Document:
    return common.change(
        neutron, ctx, SUBNETPOOL, subnetpool_id, body, subnetpools.change, views, about
    )


@api.delete("/subnetpools/<subnetpool_id>", policy="delete_subnetpool", status=204)
def delete(neutron: Neutron, ctx: Context, subnetpool_id: str) -> None:
    common.remove(neutron, ctx, SUBNETPOOL, subnetpool_id, subnetpools.delete, about)
