"""/servers/{id}/diagnostics"""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import Unavailable
from cairn.nova.component import Nova
from cairn.nova.core import servers
from cairn.nova.errors import HostDown, NotOnAHost
from cairn.nova.policy import RULES

api = Api(RULES)


@api.get("/servers/<server_id>/diagnostics", policy="os_compute_api:os-server-diagnostics")
def show(nova: Nova, ctx: Context, server_id: str) -> Document:
    """What the hypervisor counts of it, in the words of 2.48 for every version."""
    row = servers.get(nova, ctx, server_id)
    if row.host is None:
        raise NotOnAHost(id=row.id)
    try:
        return nova.compute.diagnostics(ctx, host=row.host, server_id=row.id)
    except Unavailable:
        raise HostDown(host=row.host, action="diagnostics") from None
