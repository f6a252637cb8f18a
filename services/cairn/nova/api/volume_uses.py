"""/os-volume-uses: ours, for the block storage service, which compares what it knows with it."""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import Unavailable
from cairn.nova.component import Nova
from cairn.nova.core import volume_uses
from cairn.nova.errors import HostDown
from cairn.nova.policy import RULES

api = Api(RULES)

RULE = "os_compute_api:os-volume-uses:index"


@api.get("/os-volume-uses", policy=RULE)
def index(nova: Nova, ctx: Context) -> Document:
    """List the volumes of all servers, and the hosts that servers may be on. Only services may
    ask."""
    return {"volume_uses": volume_uses.list_all(nova), "hosts": volume_uses.list_hosts(nova)}


@api.get("/os-volume-uses/<host>/guests", policy=RULE)
def guests(nova: Nova, ctx: Context, host: str) -> Document:
    """Ask a host which volumes its guests really have. Only services may ask."""
    volume_uses.check_host(nova, host)
    try:
        told = nova.compute.guest_volumes(ctx, host=host)
    except Unavailable:
        raise HostDown(host=host, action="guest volumes") from None
    return {"guests": [{"server_id": server_id, "volumes": volumes}
                       for server_id, volumes in sorted(told.items())]}
