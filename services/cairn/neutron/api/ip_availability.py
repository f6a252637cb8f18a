"""/network-ip-availabilities"""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.neutron.api import views
from cairn.neutron.api.queries import filtered
from cairn.neutron.component import Neutron
from cairn.neutron.core.ip_availability import (
    Availability,
    find_availability,
    list_availabilities,
)
from cairn.neutron.core.listing import Query, check_names
from cairn.neutron.policy import RULES

api = Api(RULES)

FILTERS = ("network_id", "network_name", "project_id", "tenant_id", "ip_version")


def view(availability: Availability) -> Document:
    network, subnets = availability.network, availability.subnets
    return {
        "network_id": network.id, "network_name": network.name,
        "project_id": network.project_id, "tenant_id": network.project_id,
        "subnet_ip_availability": [{
            "subnet_id": subnet.id, "subnet_name": subnet.name, "cidr": subnet.cidr,
            "ip_version": subnet.ip_version, "used_ips": used, "total_ips": _number(total),
        } for subnet, total, used in subnets],
        "total_ips": _number(sum(total for _, total, _ in subnets)),
        "used_ips": sum(used for _, _, used in subnets),
    }


def _number(value: int) -> int | float:
    """JSON's numbers end where an IPv6 subnet only begins."""
    return value if value < 2**63 else float(value)


@api.get("/network-ip-availabilities", policy="get_network_ip_availability",
         query=filtered(*FILTERS))
def index(neutron: Neutron, ctx: Context, query: Query) -> Document:
    """List how many addresses each network's allocation pools have, and how many are taken."""
    check_names(query, FILTERS)
    documents = [view(each) for each in list_availabilities(
        neutron, query.getlist("network_id"), query.getlist("network_name"),
        [*query.getlist("project_id"), *query.getlist("tenant_id")])]
    if versions := query.getlist("ip_version"):
        documents = [d for d in documents if any(
            str(part["ip_version"]) in versions for part in d["subnet_ip_availability"])]
    fields = query.getlist("fields")
    return {"network_ip_availabilities": [views.choose(document, fields) for document in documents]}


@api.get("/network-ip-availabilities/<network_id>", policy="get_network_ip_availability")
def show(neutron: Neutron, ctx: Context, network_id: str) -> Document:
    """Show how many addresses a network's allocation pools have, and how many are taken."""
    return {"network_ip_availability": view(find_availability(neutron, ctx, network_id))}
