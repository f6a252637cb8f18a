"""/subnetpools"""

from typing import Any

import flask

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.neutron.api import views
from cairn.neutron.api.queries import ONE, listed
from cairn.neutron.api.schemas import SUBNETPOOL_CREATE, SUBNETPOOL_UPDATE
from cairn.neutron.component import Neutron
from cairn.neutron.core.listing import Query
from cairn.neutron.core.subnetpools import RESOURCE
from cairn.neutron.policy import RULES

api = Api(RULES)


def view(row: Any, related: None) -> Document:
    return {
        **views.standard(row),
        "prefixes": row.prefixes, "ip_version": row.ip_version,
        "default_prefixlen": str(row.default_prefixlen), "min_prefixlen": str(row.min_prefixlen),
        "max_prefixlen": str(row.max_prefixlen), "default_quota": row.default_quota,
        "shared": row.shared, "is_default": row.is_default, "address_scope_id": None,
    }


@api.get("/subnetpools", policy="get_subnetpool", query=listed(RESOURCE.kind), raw=True)
def index(neutron: Neutron, ctx: Context, query: Query, request: flask.Request) -> Document:
    """List the project's subnet pools, and those shared with everybody."""
    return views.index(neutron, ctx, RESOURCE, view, query, request)


@api.get("/subnetpools/<subnetpool_id>", policy="get_subnetpool", query=ONE)
def show(neutron: Neutron, ctx: Context, subnetpool_id: str, query: Query) -> Document:
    """Show one subnet pool."""
    return views.show_one(neutron, ctx, RESOURCE, view, subnetpool_id, query)


@api.post("/subnetpools", policy="create_subnetpool", body=SUBNETPOOL_CREATE, status=201,
          event="subnetpool.create")
def create(neutron: Neutron, ctx: Context, body: Document) -> Document:
    """Create one pool of prefixes, or several, for subnets to be cut from."""
    return views.create(neutron, ctx, RESOURCE, view, body)


@api.put("/subnetpools/<subnetpool_id>", policy="update_subnetpool", body=SUBNETPOOL_UPDATE,
         event="subnetpool.update")
def change(neutron: Neutron, ctx: Context, subnetpool_id: str, body: Document) -> Document:
    """Change a subnet pool; prefixes may be added to it, not taken from it."""
    return views.change(neutron, ctx, RESOURCE, view, subnetpool_id, body)


@api.delete("/subnetpools/<subnetpool_id>", policy="delete_subnetpool", status=204,
            event="subnetpool.delete")
def delete(neutron: Neutron, ctx: Context, subnetpool_id: str) -> None:
    """Delete a subnet pool; refused while there are subnets of it."""
    views.delete(neutron, ctx, RESOURCE, subnetpool_id)
