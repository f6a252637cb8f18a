"""/networks"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy.orm import Session

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.neutron.api import common
from cairn.neutron.api.schemas import NETWORK_CREATE, NETWORK_UPDATE, QUERY
from cairn.neutron.component import Neutron
from cairn.neutron.core import networks
from cairn.neutron.core.kinds import NETWORK, find, network_target
from cairn.neutron.core.write import Write
from cairn.neutron.policy import RULES

api = Api(RULES)


def views(session: Session, rows: Iterable[Any]) -> list[Document]:
    rows = list(rows)
    subnets = networks.subnets_of(session, [row.id for row in rows])
    return [{
        **common.standard(row),
        "admin_state_up": row.admin_state_up, "status": row.status, "shared": row.shared,
        "subnets": subnets[row.id], "router:external": row.external, "is_default": row.is_default,
        "mtu": row.mtu, "port_security_enabled": row.port_security_enabled,
        "provider:network_type": row.network_type,
        "provider:physical_network": row.physical_network or None,
        "provider:segmentation_id": row.segmentation_id or None,
        "ipv4_address_scope": None, "ipv6_address_scope": None, "dns_domain": row.dns_domain,
        "availability_zone_hints": row.availability_zone_hints, "availability_zones": [],
        "l2_adjacency": True,
    } for row in rows]


@api.get("/networks", policy="get_network", query=QUERY, raw=True)
def index(neutron: Neutron, ctx: Context, query: Any, request: Any) -> Document:
    """The project's own networks, and those shared with everybody."""
    return common.index(neutron, ctx, NETWORK, views, query, request, network_target)


@api.get("/networks/<network_id>", policy="get_network", query=QUERY)
def show(neutron: Neutron, ctx: Context, network_id: str, query: Any) -> Document:
    return common.show(neutron, ctx, NETWORK, network_id, views, query, network_target)


@api.post("/networks", policy="create_network", body=NETWORK_CREATE, status=201)
def create(neutron: Neutron, ctx: Context, body: Document) -> Document:
    def make(w: Write, item: dict[str, Any]) -> Any:
        common.may_create(neutron, ctx, NETWORK, item)
        return find(w.session, ctx, NETWORK, networks.create(w, item))

    return common.create(neutron, ctx, NETWORK, body, make, views, network_target)


@api.put("/networks/<network_id>", policy="update_network", body=NETWORK_UPDATE)
def change(neutron: Neutron, ctx: Context, network_id: str, body: Document) -> Document:
    return common.change(
        neutron, ctx, NETWORK, network_id, body, networks.change, views, network_target
    )


@api.delete("/networks/<network_id>", policy="delete_network", status=204)
def delete(neutron: Neutron, ctx: Context, network_id: str) -> None:
    """With its subnets; refused while ports use it."""
    common.remove(neutron, ctx, NETWORK, network_id, networks.delete, network_target)
