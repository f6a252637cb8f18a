"""/subnets"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy.orm import Session

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.neutron.api import common
from cairn.neutron.api.schemas import QUERY, SUBNET_CREATE, SUBNET_UPDATE
from cairn.neutron.component import Neutron
from cairn.neutron.core import networks, subnets
from cairn.neutron.core.kinds import NETWORK, SUBNET, find, target
from cairn.neutron.core.write import Write
from cairn.neutron.policy import RULES

api = Api(RULES)


def view(row: Any, external: bool) -> Document:
    return {
        **common.standard(row),
        "network_id": row.network_id, "ip_version": row.ip_version, "cidr": row.cidr,
        "gateway_ip": row.gateway_ip, "enable_dhcp": row.enable_dhcp,
        "allocation_pools": row.allocation_pools, "dns_nameservers": row.dns_nameservers,
        "host_routes": row.host_routes, "ipv6_ra_mode": row.ipv6_ra_mode,
        "ipv6_address_mode": row.ipv6_address_mode, "subnetpool_id": row.subnetpool_id,
        "service_types": row.service_types, "segment_id": None, "dns_publish_fixed_ip": False,
        "router:external": external,
    }


def views(session: Session, rows: Iterable[Any]) -> list[Document]:
    rows = list(rows)
    outside = networks.external(session, {row.network_id for row in rows})
    return [view(row, row.network_id in outside) for row in rows]


@api.get("/subnets", policy="get_subnet", query=QUERY, raw=True)
def index(neutron: Neutron, ctx: Context, query: Any, request: Any) -> Document:
    return common.index(neutron, ctx, SUBNET, views, query, request)


@api.get("/subnets/<subnet_id>", policy="get_subnet", query=QUERY)
def show(neutron: Neutron, ctx: Context, subnet_id: str, query: Any) -> Document:
    with neutron.db.reading() as session:
        # Whom the network is open to, its subnets are.
        row = find(session, ctx, SUBNET, subnet_id)
        document = common.trimmed(neutron, ctx, SUBNET, [row], views(session, [row]), target)[0]
    return {"subnet": common.chosen(document, query.getlist("fields"))}


@api.post("/subnets", policy="create_subnet", body=SUBNET_CREATE, status=201)
def create(neutron: Neutron, ctx: Context, body: Document) -> Document:
    def make(w: Write, item: dict[str, Any]) -> Any:
        network = find(w.session, ctx, NETWORK, item["network_id"])
        if "ip_version" not in item:
            item["ip_version"] = 6 if ":" in (item.get("cidr") or "") else 4
        if item.get("segment_id"):
            raise Invalid(reason="segment_id: segments are not supported")
        common.may_create(neutron, ctx, SUBNET, item, {
            "network:tenant_id": network.project_id, "network:project_id": network.project_id,
        })
        if network.project_id != item["project_id"] and not ctx.is_admin:
            neutron.policy.enforce(ctx, "create_subnet", target(network))
        return find(w.session, ctx, SUBNET, subnets.create(w, network, item))

    return common.create(neutron, ctx, SUBNET, body, make, views)


@api.put("/subnets/<subnet_id>", policy="update_subnet", body=SUBNET_UPDATE)
def change(neutron: Neutron, ctx: Context, subnet_id: str, body: Document) -> Document:
    return common.change(neutron, ctx, SUBNET, subnet_id, body, subnets.change, views)


@api.delete("/subnets/<subnet_id>", policy="delete_subnet", status=204)
def delete(neutron: Neutron, ctx: Context, subnet_id: str) -> None:
    """Refused while ports have addresses of it."""
    common.remove(neutron, ctx, SUBNET, subnet_id, subnets.delete)
