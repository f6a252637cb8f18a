"""What Compute had once, and has no more: networks of its own, cells, agents, certificates."""

from cairn.common.api import ANYONE, Api
from cairn.common.context import Context
from cairn.nova.component import Nova
from cairn.nova.errors import Gone
from cairn.nova.policy import RULES

api = Api(RULES)

# By path: the methods it had.
_PATHS = {
    "/os-agents": "GET POST", "/os-agents/<gone_id>": "PUT DELETE",
    "/os-cells": "GET POST", "/os-cells/capacities": "GET", "/os-cells/detail": "GET",
    "/os-cells/info": "GET", "/os-cells/sync_instances": "POST",
    "/os-cells/<gone_id>": "GET PUT DELETE", "/os-cells/<gone_id>/capacities": "GET",
    "/os-certificates": "POST", "/os-certificates/<gone_id>": "GET",
    "/os-cloudpipe": "GET POST", "/os-cloudpipe/<gone_id>": "PUT",
    "/os-fixed-ips/<gone_id>": "GET", "/os-fixed-ips/<gone_id>/action": "POST",
    "/os-floating-ip-dns": "GET", "/os-floating-ip-dns/<gone_id>": "PUT DELETE",
    "/os-floating-ip-dns/<gone_id>/entries/<entry_id>": "GET PUT DELETE",
    "/os-floating-ips-bulk": "GET POST", "/os-floating-ips-bulk/<gone_id>": "GET PUT",
    "/os-fping": "GET", "/os-fping/<gone_id>": "GET",
    # Networks are shown still, and changed in Neutron alone.
    "/os-networks": "POST", "/os-networks/add": "POST", "/os-networks/<gone_id>": "DELETE",
    "/os-networks/<gone_id>/action": "POST",
    "/os-tenant-networks": "POST", "/os-tenant-networks/<gone_id>": "DELETE",
    "/os-security-group-default-rules": "GET POST",
    "/os-security-group-default-rules/<gone_id>": "GET DELETE",
    "/servers/<server_id>/os-virtual-interfaces": "GET",
    "/servers/<server_id>/consoles": "GET POST",
    "/servers/<server_id>/consoles/<gone_id>": "GET DELETE",
}


def refuse(nova: Nova, ctx: Context, **names: str) -> None:
    """Nothing: it was taken out of Compute, and is 410 in every version."""
    raise Gone


for _path, _methods in _PATHS.items():
    for _method in _methods.split():
        api.on(_method, _path, policy=ANYONE, status=410,
               changes_nothing=None if _method == "GET" else "it is no more")(refuse)
