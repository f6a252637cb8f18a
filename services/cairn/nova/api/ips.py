"""/servers/{id}/ips"""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import NotFound
from cairn.nova.component import Nova
from cairn.nova.core import network, servers
from cairn.nova.policy import RULES

api = Api(RULES)


@api.get("/servers/<server_id>/ips", policy="os_compute_api:ips:index")
def index(nova: Nova, ctx: Context, server_id: str) -> Document:
    """List the server's fixed and floating addresses, by network."""
    return {"addresses": _addresses(nova, ctx, server_id)}


@api.get("/servers/<server_id>/ips/<label>", policy="os_compute_api:ips:show")
def show(nova: Nova, ctx: Context, server_id: str, label: str) -> Document:
    """List the server's fixed and floating addresses on one network, by the network's name."""
    networks = _addresses(nova, ctx, server_id)
    if label not in networks:
        raise NotFound("Network", label)
    return {label: networks[label]}


def _addresses(nova: Nova, ctx: Context, server_id: str) -> Document:
    networks = network.addresses(servers.get(nova, ctx, server_id).vifs)
    return {label: [{"version": a["version"], "addr": a["addr"]} for a in addresses]
            for label, addresses in networks.items()}
