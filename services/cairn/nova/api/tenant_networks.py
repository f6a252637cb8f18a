"""/os-tenant-networks: Neutron's, in the words of 2.1 to 2.35."""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.nova.api.networks import LAST, find, list_networks
from cairn.nova.component import Nova
from cairn.nova.policy import RULES

api = Api(RULES)


def view(network: Document) -> Document:
    # Of a network of Neutron's, clients have always been told this word for a prefix.
    return {"id": network["id"], "label": network["name"], "cidr": "None"}


@api.get("/os-tenant-networks", policy="os_compute_api:os-tenant-networks:list", until=LAST)
def index(nova: Nova, ctx: Context) -> Document:
    """List the networks that the project's servers may be plugged into."""
    return {"networks": [view(network) for network in list_networks(nova, ctx)]}


@api.get("/os-tenant-networks/<network_id>", policy="os_compute_api:os-tenant-networks:show",
         until=LAST)
def show(nova: Nova, ctx: Context, network_id: str) -> Document:
    """Show a network of Neutron's, by id and name."""
    return {"network": view(find(nova, ctx, network_id))}
