"""/routers"""

from typing import Any

import flask

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.neutron.api import views
from cairn.neutron.api.queries import ONE, listed
from cairn.neutron.api.schemas import (
    EXTRA_ROUTES,
    ROUTER_CREATE,
    ROUTER_INTERFACE,
    ROUTER_UPDATE,
)
from cairn.neutron.component import Neutron
from cairn.neutron.core import routers
from cairn.neutron.core.listing import Query
from cairn.neutron.core.routers import RESOURCE
from cairn.neutron.policy import RULES

api = Api(RULES)


def view(row: Any, gateway_ips: list[dict[str, str]]) -> Document:
    return {
        **views.standard(row),
        "admin_state_up": row.admin_state_up, "status": row.status, "routes": row.routes,
        "distributed": False, "ha": False, "flavor_id": None, "service_type_id": None,
        "availability_zone_hints": row.availability_zone_hints, "availability_zones": [],
        "external_gateway_info": {
            "network_id": row.gateway_network_id, "enable_snat": row.enable_snat,
            "external_fixed_ips": gateway_ips,
        } if row.gateway_port_id else None,
    }


@api.get("/routers", policy="get_router", query=listed(RESOURCE.kind), raw=True)
def index(neutron: Neutron, ctx: Context, query: Query, request: flask.Request) -> Document:
    """List the project's routers; administrators see those of every project."""
    return views.index(neutron, ctx, RESOURCE, view, query, request)


@api.get("/routers/<router_id>", policy="get_router", query=ONE)
def show(neutron: Neutron, ctx: Context, router_id: str, query: Query) -> Document:
    """Show one router, with its gateway's addresses."""
    return views.show_one(neutron, ctx, RESOURCE, view, router_id, query)


@api.post("/routers", policy="create_router", body=ROUTER_CREATE, status=201, event="router.create")
def create(neutron: Neutron, ctx: Context, body: Document) -> Document:
    """Create one router or several, with a gateway if an external network is named."""
    return views.create(neutron, ctx, RESOURCE, view, body)


@api.put("/routers/<router_id>", policy="update_router", body=ROUTER_UPDATE, event="router.update")
def change(neutron: Neutron, ctx: Context, router_id: str, body: Document) -> Document:
    """Change a router; the routes given replace all it had."""
    return views.change(neutron, ctx, RESOURCE, view, router_id, body)


@api.delete("/routers/<router_id>", policy="delete_router", status=204, event="router.delete")
def delete(neutron: Neutron, ctx: Context, router_id: str) -> None:
    """Delete a router and its gateway; refused while it has interfaces."""
    views.delete(neutron, ctx, RESOURCE, router_id)


@api.put("/routers/<router_id>/add_router_interface", policy="add_router_interface",
         body=ROUTER_INTERFACE, event="router.interface.create")
def add_interface(neutron: Neutron, ctx: Context, router_id: str, body: Document) -> Document:
    """Connect a router to a subnet, at its gateway address, or by a port that nobody uses."""
    return routers.plug(neutron, ctx, router_id, body, views.read_revision())


@api.put("/routers/<router_id>/remove_router_interface", policy="remove_router_interface",
         body=ROUTER_INTERFACE, event="router.interface.delete")
def remove_interface(neutron: Neutron, ctx: Context, router_id: str, body: Document) -> Document:
    """Disconnect a router from a subnet or a port; the port goes with its last subnet."""
    return routers.unplug(neutron, ctx, router_id, body, views.read_revision())


@api.put("/routers/<router_id>/add_extraroutes", policy="add_extraroutes", body=EXTRA_ROUTES,
         event="router.update")
def add_extraroutes(neutron: Neutron, ctx: Context, router_id: str, body: Document) -> Document:
    """Add routes to those that a router has; one that it has already is no error."""
    return _change_routes(neutron, ctx, router_id, "add_extraroutes", body)


@api.put("/routers/<router_id>/remove_extraroutes", policy="remove_extraroutes",
         body=EXTRA_ROUTES, event="router.update")
def remove_extraroutes(neutron: Neutron, ctx: Context, router_id: str, body: Document) -> Document:
    """Take routes from those that a router has; one that it has not is no error."""
    return _change_routes(neutron, ctx, router_id, "remove_extraroutes", body)


def _change_routes(
    neutron: Neutron, ctx: Context, router_id: str, rule: str, body: Document
) -> Document:
    item = routers.change_routes(
        neutron, ctx, router_id, rule, body["router"]["routes"], views.read_revision())
    return {"router": views.show(item, view)}
