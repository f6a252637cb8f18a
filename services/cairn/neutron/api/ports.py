"""/ports"""

from functools import partial
from typing import Any

import flask

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.neutron.api import views
from cairn.neutron.api.queries import ONE, listed
from cairn.neutron.api.schemas import PORT_CREATE, PORT_UPDATE
from cairn.neutron.component import Neutron
from cairn.neutron.core import names
from cairn.neutron.core.listing import Query
from cairn.neutron.core.ports import RESOURCE
from cairn.neutron.policy import RULES

api = Api(RULES)


def view(domain: str, row: Any, related: None) -> Document:
    return {
        "id": row.id, "name": row.name, "description": row.description,
        "project_id": row.project_id, "tenant_id": row.project_id, "tags": row.tags,
        "created_at": views.moment(row.created_at), "updated_at": views.moment(row.updated_at),
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


def _view(neutron: Neutron) -> views.View:
    return partial(view, neutron.settings.dns_domain)


@api.get("/ports", policy="get_port", query=listed(RESOURCE.kind), raw=True)
def index(neutron: Neutron, ctx: Context, query: Query, request: flask.Request) -> Document:
    """List the project's ports, and those of others on its networks."""
    return views.index(neutron, ctx, RESOURCE, _view(neutron), query, request)


@api.get("/ports/<port_id>", policy="get_port", query=ONE)
def show(neutron: Neutron, ctx: Context, port_id: str, query: Query) -> Document:
    """Show one port; how and where it is bound is for administrators and services only."""
    return views.show_one(neutron, ctx, RESOURCE, _view(neutron), port_id, query)


@api.post("/ports", policy="create_port", body=PORT_CREATE, status=201, event="port.create")
def create(neutron: Neutron, ctx: Context, body: Document) -> Document:
    """Create one port or several, with an address of each IP version unless told otherwise."""
    return views.create(neutron, ctx, RESOURCE, _view(neutron), body)


@api.put("/ports/<port_id>", policy="update_port", body=PORT_UPDATE, event="port.update")
def change(neutron: Neutron, ctx: Context, port_id: str, body: Document) -> Document:
    """Change a port; fixed_ips are all that it shall have, not those to add."""
    return views.change(neutron, ctx, RESOURCE, _view(neutron), port_id, body)


@api.delete("/ports/<port_id>", policy="delete_port", status=204, event="port.delete")
def delete(neutron: Neutron, ctx: Context, port_id: str) -> None:
    """Delete a port; a floating IP of it is kept, and leads nowhere."""
    views.delete(neutron, ctx, RESOURCE, port_id)
