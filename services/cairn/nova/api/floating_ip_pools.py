"""/os-floating-ip-pools: Neutron's external networks, in the words of 2.1 to 2.35."""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.nova.component import Nova
from cairn.nova.core import floating_ips
from cairn.nova.policy import RULES

api = Api(RULES)


@api.get("/os-floating-ip-pools", policy="os_compute_api:os-floating-ip-pools", until="2.35")
def index(nova: Nova, ctx: Context) -> Document:
    """List where floating IPs may be taken of, by name."""
    return {"floating_ip_pools": [{"name": pool["name"] or pool["id"]}
                                  for pool in floating_ips.list_pools(nova, ctx)]}
