"""/networks"""

from typing import Any

import flask

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.neutron.api import views
from cairn.neutron.api.queries import ONE, listed
from cairn.neutron.api.schemas import NETWORK_CREATE, NETWORK_UPDATE
from cairn.neutron.component import Neutron
from cairn.neutron.core.listing import Query
from cairn.neutron.core.networks import RESOURCE
from cairn.neutron.policy import RULES

api = Api(RULES)


def view(row: Any, subnets: list[str]) -> Document:
    return {
        **views.standard(row),
        "admin_state_up": row.admin_state_up, "status": row.status, "shared": row.shared,
        "subnets": subnets, "router:external": row.external, "is_default": row.is_default,
        "mtu": row.mtu, "port_security_enabled": row.port_security_enabled,
        "provider:network_type": row.network_type,
        "provider:physical_network": row.physical_network or None,
        "provider:segmentation_id": row.segmentation_id or None,
        "ipv4_address_scope": None, "ipv6_address_scope": None, "dns_domain": row.dns_domain,
        "availability_zone_hints": row.availability_zone_hints, "availability_zones": [],
        "l2_adjacency": True,
    }


@api.get("/networks", policy="get_network", query=listed(RESOURCE.kind), raw=True)
def index(neutron: Neutron, ctx: Context, query: Query, request: flask.Request) -> Document:
    """List the project's networks, those shared with everybody, and the external ones."""
    return views.index(neutron, ctx, RESOURCE, view, query, request)


@api.get("/networks/<network_id>", policy="get_network", query=ONE)
def show(neutron: Neutron, ctx: Context, network_id: str, query: Query) -> Document:
    """Show one network, with the ids of its subnets."""
    return views.show_one(neutron, ctx, RESOURCE, view, network_id, query)


@api.post("/networks", policy="create_network", body=NETWORK_CREATE, status=201,
          event="network.create")
def create(neutron: Neutron, ctx: Context, body: Document) -> Document:
    """Create one network or several; its VNI or VLAN is chosen where none is named."""
    return views.create(neutron, ctx, RESOURCE, view, body)


@api.put("/networks/<network_id>", policy="update_network", body=NETWORK_UPDATE,
         event="network.update")
def change(neutron: Neutron, ctx: Context, network_id: str, body: Document) -> Document:
    """Change a network; its type, physical network and segment stay what they are."""
    return views.change(neutron, ctx, RESOURCE, view, network_id, body)


@api.delete("/networks/<network_id>", policy="delete_network", status=204, event="network.delete")
def delete(neutron: Neutron, ctx: Context, network_id: str) -> None:
    """Delete a network with its subnets; refused while ports use it."""
    views.delete(neutron, ctx, RESOURCE, network_id)
