"""/network-ip-availabilities"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.neutron.api.schemas import QUERY
from cairn.neutron.component import Neutron
from cairn.neutron.core.addresses import pools
from cairn.neutron.core.kinds import ALLOCATIONS, NETWORK, NETWORKS, SUBNETS, find
from cairn.neutron.policy import RULES

api = Api(RULES)


def views(session: Session, networks: Sequence[Row[Any]]) -> list[Document]:
    ids = [network.id for network in networks]
    used: dict[str, int] = dict(session.execute(
        select(ALLOCATIONS.c.subnet_id, func.count())
        .join(SUBNETS, SUBNETS.c.id == ALLOCATIONS.c.subnet_id)
        .where(SUBNETS.c.network_id.in_(ids)).group_by(ALLOCATIONS.c.subnet_id)
    ).all())
    parts: dict[str, list[Document]] = {id: [] for id in ids}
    for subnet in session.execute(select(SUBNETS).where(SUBNETS.c.network_id.in_(ids))):
        parts[subnet.network_id].append({
            "subnet_id": subnet.id, "subnet_name": subnet.name, "cidr": subnet.cidr,
            "ip_version": subnet.ip_version, "used_ips": used.get(subnet.id, 0),
            "total_ips": sum(end - start + 1 for start, end in pools(subnet)),
        })
    return [{
        "network_id": network.id, "network_name": network.name,
        "project_id": network.project_id, "tenant_id": network.project_id,
        "subnet_ip_availability": [_printable(part) for part in parts[network.id]],
        "total_ips": _number(sum(part["total_ips"] for part in parts[network.id])),
        "used_ips": sum(part["used_ips"] for part in parts[network.id]),
    } for network in networks]


def _number(value: int) -> int | float:
    """JSON's numbers end where an IPv6 subnet only begins."""
    return value if value < 2**63 else float(value)


def _printable(part: Document) -> Document:
    return {**part, "total_ips": _number(part["total_ips"])}


@api.get("/network-ip-availabilities", policy="get_network_ip_availability", query=QUERY)
def index(neutron: Neutron, ctx: Context, query: Any) -> Document:
    wanted = select(NETWORKS).order_by(NETWORKS.c.id)
    for name, column in (("network_id", NETWORKS.c.id), ("network_name", NETWORKS.c.name),
                         ("project_id", NETWORKS.c.project_id),
                         ("tenant_id", NETWORKS.c.project_id)):
        if values := query.getlist(name):
            wanted = wanted.where(column.in_(values))
    with neutron.db.reading() as session:
        documents = views(session, session.execute(wanted).all())
    if versions := query.getlist("ip_version"):
        documents = [d for d in documents if any(
            str(part["ip_version"]) in versions for part in d["subnet_ip_availability"])]
    return {"network_ip_availabilities": documents}


@api.get("/network-ip-availabilities/<network_id>", policy="get_network_ip_availability")
def show(neutron: Neutron, ctx: Context, network_id: str) -> Document:
    with neutron.db.reading() as session:
        network = find(session, ctx, NETWORK, network_id)
        return {"network_ip_availability": views(session, [network])[0]}
