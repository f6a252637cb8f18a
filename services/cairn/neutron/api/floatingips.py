"""/floatingips"""

from typing import Any

import flask

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.neutron.api import views
from cairn.neutron.api.queries import ONE, listed
from cairn.neutron.api.schemas import FLOATINGIP_CREATE, FLOATINGIP_UPDATE
from cairn.neutron.component import Neutron
from cairn.neutron.core.floatingips import RESOURCE
from cairn.neutron.core.listing import Query
from cairn.neutron.policy import RULES

api = Api(RULES)


def view(row: Any, port: Any) -> Document:
    document = views.standard(row)
    del document["name"]
    return {
        **document,
        "status": row.status, "floating_network_id": row.floating_network_id,
        "floating_ip_address": row.floating_ip_address, "port_id": row.port_id,
        "fixed_ip_address": row.fixed_ip_address, "router_id": row.router_id,
        "dns_name": row.dns_name, "dns_domain": row.dns_domain,
        "port_details": None if port is None else {
            "name": port.name, "network_id": port.network_id, "mac_address": port.mac_address,
            "admin_state_up": port.admin_state_up, "status": port.status,
            "device_id": port.device_id, "device_owner": port.device_owner,
        },
    }


@api.get("/floatingips", policy="get_floatingip", query=listed(RESOURCE.kind), raw=True)
def index(neutron: Neutron, ctx: Context, query: Query, request: flask.Request) -> Document:
    """List the project's floating IPs; administrators see those of every project."""
    return views.index(neutron, ctx, RESOURCE, view, query, request)


@api.get("/floatingips/<floatingip_id>", policy="get_floatingip", query=ONE)
def show(neutron: Neutron, ctx: Context, floatingip_id: str, query: Query) -> Document:
    """Show one floating IP, with some of the port it leads to."""
    return views.show_one(neutron, ctx, RESOURCE, view, floatingip_id, query)


@api.post("/floatingips", policy="create_floatingip", body=FLOATINGIP_CREATE, status=201,
          event="floatingip.create")
def create(neutron: Neutron, ctx: Context, body: Document) -> Document:
    """Take an IPv4 address of an external network, and lead it to a port if one is named."""
    return views.create(neutron, ctx, RESOURCE, view, body)


@api.put("/floatingips/<floatingip_id>", policy="update_floatingip", body=FLOATINGIP_UPDATE,
         event="floatingip.update")
def change(neutron: Neutron, ctx: Context, floatingip_id: str, body: Document) -> Document:
    """Lead a floating IP to a port; a port_id of null takes it from the one it has."""
    return views.change(neutron, ctx, RESOURCE, view, floatingip_id, body)


@api.delete("/floatingips/<floatingip_id>", policy="delete_floatingip", status=204,
            event="floatingip.delete")
def delete(neutron: Neutron, ctx: Context, floatingip_id: str) -> None:
    """Give a floating IP's address back; its port loses it at once."""
    views.delete(neutron, ctx, RESOURCE, floatingip_id)
