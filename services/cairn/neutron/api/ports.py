"""/ports"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.neutron.api import common
from cairn.neutron.api.schemas import PORT_CREATE, PORT_UPDATE, QUERY
from cairn.neutron.component import Neutron
from cairn.neutron.core import names, ports
from cairn.neutron.core.kinds import NETWORK, NETWORKS, PORT, claim, find, port_target
from cairn.neutron.core.write import Write
from cairn.neutron.policy import RULES

api = Api(RULES)


def view(row: Any, domain: str) -> Document:
    return {
        "id": row.id, "name": row.name, "description": row.description,
        "project_id": row.project_id, "tenant_id": row.project_id, "tags": row.tags,
        "created_at": common.moment(row.created_at), "updated_at": common.moment(row.updated_at),
        "revision_number": row.revision, "network_id": row.network_id,
        "mac_address": row.mac_address, "admin_state_up": row.admin_state_up,
        "status": row.status, "device_id": row.device_id, "device_owner": row.device_owner,
        "fixed_ips": row.fixed_ips, "security_groups": row.security_groups,
        "port_security_enabled": row.port_security_enabled,
        "allowed_address_pairs": row.allowed_address_pairs,
        "extra_dhcp_opts": row.extra_dhcp_opts, "dns_name": row.dns_name,
        "dns_domain": row.dns_domain,
        "dns_assignment": [_assignment(row.dns_name, f["ip_address"], domain)
                           for f in row.fixed_ips],
        "binding:host_id": row.host, "binding:vnic_type": row.vnic_type,
        "binding:vif_type": row.vif_type, "binding:vif_details": row.vif_details,
        "binding:profile": row.profile,
    }


def _assignment(name: str, address: str, domain: str) -> Document:
    host = names.within(name, domain) or names.hostname(address)
    return {"ip_address": address, "hostname": host, "fqdn": f"{host}.{domain}."}


def views(neutron: Neutron) -> common.Views:
    domain = neutron.settings.dns_domain

    def make(session: Session, rows: Iterable[Any]) -> list[Document]:
        return [view(row, domain) for row in rows]

    return make


@api.get("/ports", policy="get_port", query=QUERY, raw=True)
def index(neutron: Neutron, ctx: Context, query: Any, request: Any) -> Document:
    """The project's ports, and those of others on its networks."""
    return common.index(neutron, ctx, PORT, views(neutron), query, request, port_target)


@api.get("/ports/<port_id>", policy="get_port", query=QUERY)
def show(neutron: Neutron, ctx: Context, port_id: str, query: Any) -> Document:
    return common.show(neutron, ctx, PORT, port_id, views(neutron), query, port_target)


@api.post("/ports", policy="create_port", body=PORT_CREATE, status=201)
def create(neutron: Neutron, ctx: Context, body: Document) -> Document:
    """With addresses, of every IP version the network has, where none are named."""

    def make(w: Write, item: dict[str, Any]) -> Any:
        network = find(w.session, ctx, NETWORK, item["network_id"])
        item["device_id"] = item.get("device_id") or ""
        item["device_owner"] = item.get("device_owner") or ""
        common.may_create(neutron, ctx, PORT, item, {
            "network:tenant_id": network.project_id, "network:project_id": network.project_id,
            "shared": network.shared, "router:external": network.external,
        })
        return ports.create(w, network, item)

    return common.create(neutron, ctx, PORT, body, make, views(neutron), port_target)


@api.put("/ports/<port_id>", policy="update_port", body=PORT_UPDATE)
def change(neutron: Neutron, ctx: Context, port_id: str, body: Document) -> Document:
    def alter(w: Write, row: Row[Any], wanted: dict[str, Any]) -> None:
        port = claim(w.session, ctx, PORT, port_id)
        network = w.session.execute(
            select(NETWORKS).where(NETWORKS.c.id == port.network_id)).one()
        ports.change(w, port, network, wanted)

    return common.change(neutron, ctx, PORT, port_id, body, alter, views(neutron), port_target)


@api.delete("/ports/<port_id>", policy="delete_port", status=204)
def delete(neutron: Neutron, ctx: Context, port_id: str) -> None:
    """A floating IP of the port is kept, and leads nowhere."""
    common.remove(neutron, ctx, PORT, port_id, ports.erase, port_target)
