"""/os-networks: Neutron's, in the words of 2.1 to 2.35."""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import NotFound, Problem
from cairn.nova.component import Nova
from cairn.nova.core.values import neighbours_id
from cairn.nova.policy import RULES

api = Api(RULES)

LAST = "2.35"
# What networks of Compute's own had; of Neutron's nothing of it is known here.
_EMPTY = dict.fromkeys((
    "cidr", "netmask", "gateway", "broadcast", "dns1", "dns2", "cidr_v6", "gateway_v6",
    "netmask_v6"))
_EMPTY_FOR_ADMINS = dict.fromkeys((
    "created_at", "updated_at", "deleted_at", "deleted", "injected", "bridge", "vlan",
    "vpn_public_address", "vpn_public_port", "vpn_private_address", "dhcp_start", "project_id",
    "host", "bridge_interface", "multi_host", "priority", "rxtx_base", "mtu", "dhcp_server",
    "enable_dhcp", "share_address"))


def view(ctx: Context, network: Document) -> Document:
    shown = _EMPTY | {"id": network["id"], "label": network["name"]}
    if ctx.is_admin:
        shown |= _EMPTY_FOR_ADMINS | {"project_id": network.get("project_id"),
                                      "mtu": network.get("mtu")}
    return shown


def list_networks(nova: Nova, ctx: Context) -> list[Document]:
    """All that Neutron shows to the caller, the project's own first, those of the outside too."""
    listed = nova.cloud.network.list_networks(ctx, own=True)
    return sorted(listed, key=lambda network: network.get("project_id") != ctx.project)


def find(nova: Nova, ctx: Context, network_id: str) -> Document:
    """A network as Neutron shows it to the caller. Raises NotFound."""
    own = neighbours_id("Network", network_id)
    try:
        return nova.cloud.network.forward(ctx, "GET", f"/networks/{own}")["network"]  # type: ignore[no-any-return]
    except Problem as problem:
        if problem.code == 404:
            raise NotFound("Network", network_id) from None
        raise


@api.get("/os-networks", policy="os_compute_api:os-networks:list", until=LAST)
def index(nova: Nova, ctx: Context) -> Document:
    """List the networks that the caller sees."""
    return {"networks": [view(ctx, network) for network in list_networks(nova, ctx)]}


@api.get("/os-networks/<network_id>", policy="os_compute_api:os-networks:show", until=LAST)
def show(nova: Nova, ctx: Context, network_id: str) -> Document:
    """Show a network of Neutron's, by id and name."""
    return {"network": view(ctx, find(nova, ctx, network_id))}
