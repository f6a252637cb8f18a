"""/routers"""

from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.neutron.api import common
from cairn.neutron.api.schemas import (
    EXTRA_ROUTES,
    QUERY,
    ROUTER_CREATE,
    ROUTER_INTERFACE,
    ROUTER_UPDATE,
)
from cairn.neutron.component import Neutron
from cairn.neutron.core import routers
from cairn.neutron.core.kinds import PORTS, ROUTER, claim, find, target
from cairn.neutron.core.write import Write, write
from cairn.neutron.policy import RULES

api = Api(RULES)


def views(session: Session, rows: Iterable[Any]) -> list[Document]:
    rows = list(rows)
    gateways = [row.gateway_port_id for row in rows if row.gateway_port_id]
    fixed = {}
    if gateways:
        fixed = dict(session.execute(
            select(PORTS.c.id, PORTS.c.fixed_ips).where(PORTS.c.id.in_(gateways))
        ).all())
    return [{
        **common.standard(row),
        "admin_state_up": row.admin_state_up, "status": row.status, "routes": row.routes,
        "distributed": False, "ha": False, "flavor_id": None, "service_type_id": None,
        "availability_zone_hints": row.availability_zone_hints, "availability_zones": [],
        "external_gateway_info": {
            "network_id": row.gateway_network_id, "enable_snat": row.enable_snat,
            "external_fixed_ips": fixed.get(row.gateway_port_id, []),
        } if row.gateway_port_id else None,
    } for row in rows]


@api.get("/routers", policy="get_router", query=QUERY, raw=True)
def index(neutron: Neutron, ctx: Context, query: Any, request: Any) -> Document:
    return common.index(neutron, ctx, ROUTER, views, query, request)


@api.get("/routers/<router_id>", policy="get_router", query=QUERY)
def show(neutron: Neutron, ctx: Context, router_id: str, query: Any) -> Document:
    return common.show(neutron, ctx, ROUTER, router_id, views, query)


@api.post("/routers", policy="create_router", body=ROUTER_CREATE, status=201)
def create(neutron: Neutron, ctx: Context, body: Document) -> Document:
    def make(w: Write, item: dict[str, Any]) -> Any:
        common.may_create(neutron, ctx, ROUTER, item)
        return find(w.session, ctx, ROUTER, routers.create(w, item))

    return common.create(neutron, ctx, ROUTER, body, make, views)


@api.put("/routers/<router_id>", policy="update_router", body=ROUTER_UPDATE)
def change(neutron: Neutron, ctx: Context, router_id: str, body: Document) -> Document:
    def alter(w: Write, row: Row[Any], wanted: dict[str, Any]) -> None:
        routers.change(w, claim(w.session, ctx, ROUTER, router_id), wanted)

    return common.change(neutron, ctx, ROUTER, router_id, body, alter, views)


@api.delete("/routers/<router_id>", policy="delete_router", status=204)
def delete(neutron: Neutron, ctx: Context, router_id: str) -> None:
    """Refused while it has interfaces."""
    common.remove(neutron, ctx, ROUTER, router_id, routers.delete)


def _act(
    neutron: Neutron, ctx: Context, router_id: str, rule: str,
    act: Callable[[Write, Row[Any]], Document | None],
) -> Document:
    """`act` on the router, which the transaction holds; its answer, or the router's view."""

    def work(w: Write) -> Document:
        router = claim(w.session, ctx, ROUTER, router_id)
        neutron.policy.enforce(ctx, rule, target(router))
        answer = act(w, router)
        if answer is not None:
            return answer
        row = find(w.session, ctx, ROUTER, router_id)
        documents = common.trimmed(
            neutron, ctx, ROUTER, [row], views(w.session, [row]), target)
        return {"router": documents[0]}

    return write(neutron, ctx, work)


@api.put("/routers/<router_id>/add_router_interface", policy="add_router_interface",
         body=ROUTER_INTERFACE)
def add_interface(neutron: Neutron, ctx: Context, router_id: str, body: Document) -> Document:
    return _act(neutron, ctx, router_id, "add_router_interface",
                lambda w, router: routers.add_interface(w, router, body))


@api.put("/routers/<router_id>/remove_router_interface", policy="remove_router_interface",
         body=ROUTER_INTERFACE)
def remove_interface(neutron: Neutron, ctx: Context, router_id: str, body: Document) -> Document:
    return _act(neutron, ctx, router_id, "remove_router_interface",
                lambda w, router: routers.remove_interface(w, router, body))


@api.put("/routers/<router_id>/add_extraroutes", policy="add_extraroutes", body=EXTRA_ROUTES)
def add_extraroutes(neutron: Neutron, ctx: Context, router_id: str, body: Document) -> Document:
    return _act(neutron, ctx, router_id, "add_extraroutes",
                lambda w, router: routers.add_routes(w, router, body["router"]["routes"]))


@api.put("/routers/<router_id>/remove_extraroutes", policy="remove_extraroutes",
         body=EXTRA_ROUTES)
def remove_extraroutes(neutron: Neutron, ctx: Context, router_id: str, body: Document) -> Document:
    return _act(neutron, ctx, router_id, "remove_extraroutes",
                lambda w, router: routers.remove_routes(w, router, body["router"]["routes"]))
