"""/subnets"""

from typing import Any

import flask

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.neutron.api import views
from cairn.neutron.api.queries import ONE, listed
from cairn.neutron.api.schemas import SUBNET_CREATE, SUBNET_UPDATE
from cairn.neutron.component import Neutron
from cairn.neutron.core.listing import Query
from cairn.neutron.core.subnets import RESOURCE
from cairn.neutron.policy import RULES

api = Api(RULES)


def view(row: Any, external: bool) -> Document:
    return {
        **views.standard(row),
        "network_id": row.network_id, "ip_version": row.ip_version, "cidr": row.cidr,
        "gateway_ip": row.gateway_ip, "enable_dhcp": row.enable_dhcp,
        "allocation_pools": row.allocation_pools, "dns_nameservers": row.dns_nameservers,
        "host_routes": row.host_routes, "ipv6_ra_mode": row.ipv6_ra_mode,
        "ipv6_address_mode": row.ipv6_address_mode, "subnetpool_id": row.subnetpool_id,
        "service_types": row.service_types, "segment_id": None, "dns_publish_fixed_ip": False,
        "router:external": external,
    }


@api.get("/subnets", policy="get_subnet", query=listed(RESOURCE.kind), raw=True)
def index(neutron: Neutron, ctx: Context, query: Query, request: flask.Request) -> Document:
    """List the subnets of the project, and of networks that are its own, shared or external."""
    return views.index(neutron, ctx, RESOURCE, view, query, request)


@api.get("/subnets/<subnet_id>", policy="get_subnet", query=ONE)
def show(neutron: Neutron, ctx: Context, subnet_id: str, query: Query) -> Document:
    """Show one subnet; whoever may see its network may see it."""
    return views.show_one(neutron, ctx, RESOURCE, view, subnet_id, query)


@api.post("/subnets", policy="create_subnet", body=SUBNET_CREATE, status=201, event="subnet.create")
def create(neutron: Neutron, ctx: Context, body: Document) -> Document:
    """Create one subnet or several, of the cidr given or of one cut from a subnet pool."""
    return views.create(neutron, ctx, RESOURCE, view, body)


@api.put("/subnets/<subnet_id>", policy="update_subnet", body=SUBNET_UPDATE, event="subnet.update")
def change(neutron: Neutron, ctx: Context, subnet_id: str, body: Document) -> Document:
    """Change a subnet; its cidr and IP version stay what they are."""
    return views.change(neutron, ctx, RESOURCE, view, subnet_id, body)


@api.delete("/subnets/<subnet_id>", policy="delete_subnet", status=204, event="subnet.delete")
def delete(neutron: Neutron, ctx: Context, subnet_id: str) -> None:
    """Delete a subnet; refused while ports have addresses of it."""
    views.delete(neutron, ctx, RESOURCE, subnet_id)
