"""/floatingips"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.neutron.api import common
from cairn.neutron.api.schemas import FLOATINGIP_CREATE, FLOATINGIP_UPDATE, QUERY
from cairn.neutron.component import Neutron
from cairn.neutron.core import floatingips
from cairn.neutron.core.kinds import FLOATINGIP, claim, find
from cairn.neutron.core.write import Write
from cairn.neutron.policy import RULES

api = Api(RULES)


def view(row: Any, port: Any) -> Document:
    document = common.standard(row)
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


def views(session: Session, rows: Iterable[Any]) -> list[Document]:
    rows = list(rows)
    ports = floatingips.ports_of(session, [row.port_id for row in rows if row.port_id])
    return [view(row, ports.get(row.port_id)) for row in rows]


@api.get("/floatingips", policy="get_floatingip", query=QUERY, raw=True)
def index(neutron: Neutron, ctx: Context, query: Any, request: Any) -> Document:
    return common.index(neutron, ctx, FLOATINGIP, views, query, request)


@api.get("/floatingips/<floatingip_id>", policy="get_floatingip", query=QUERY)
def show(neutron: Neutron, ctx: Context, floatingip_id: str, query: Any) -> Document:
    return common.show(neutron, ctx, FLOATINGIP, floatingip_id, views, query)


@api.post("/floatingips", policy="create_floatingip", body=FLOATINGIP_CREATE, status=201)
def create(neutron: Neutron, ctx: Context, body: Document) -> Document:
    def make(w: Write, item: dict[str, Any]) -> Any:
        common.may_create(neutron, ctx, FLOATINGIP, item)
        return find(w.session, ctx, FLOATINGIP, floatingips.create(w, item))

    return common.create(neutron, ctx, FLOATINGIP, body, make, views)


@api.put("/floatingips/<floatingip_id>", policy="update_floatingip", body=FLOATINGIP_UPDATE)
def change(neutron: Neutron, ctx: Context, floatingip_id: str, body: Document) -> Document:
    """A port_id of null disassociates it."""

    def alter(w: Write, row: Row[Any], wanted: dict[str, Any]) -> None:
        floatingips.change(w, claim(w.session, ctx, FLOATINGIP, floatingip_id), wanted)

    return common.change(neutron, ctx, FLOATINGIP, floatingip_id, body, alter, views)


@api.delete("/floatingips/<floatingip_id>", policy="delete_floatingip", status=204)
def delete(neutron: Neutron, ctx: Context, floatingip_id: str) -> None:
    common.remove(neutron, ctx, FLOATINGIP, floatingip_id, floatingips.delete)
