"""/os-baremetal-nodes, of 2.1 to 2.35: machines of a service that this cloud does not have."""

from cairn.common.api import ANYONE, Api
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.nova.component import Nova
from cairn.nova.errors import NotSupported
from cairn.nova.policy import RULES

api = Api(RULES)

LAST = "2.35"
NONE = "there are no such machines"


@api.get("/os-baremetal-nodes", policy="os_compute_api:os-baremetal-nodes:list", until=LAST,
         status=501)
def index(nova: Nova, ctx: Context) -> None:
    """There is no service of bare machines here: 501."""
    raise NotSupported(reason="this cloud has no bare metal service.")


@api.get("/os-baremetal-nodes/<node_id>", policy="os_compute_api:os-baremetal-nodes:show",
         until=LAST, status=501)
def show(nova: Nova, ctx: Context, node_id: str) -> None:
    """There is no service of bare machines here: 501."""
    raise NotSupported(reason="this cloud has no bare metal service.")


def refuse(nova: Nova, ctx: Context, **names: str) -> None:
    """Bare machines were never changed through Compute since they had a service: 400."""
    raise Invalid(reason="Bare metal nodes are not changed through Compute.")


for _method, _path in (
    ("POST", "/os-baremetal-nodes"), ("DELETE", "/os-baremetal-nodes/<node_id>"),
    ("POST", "/os-baremetal-nodes/<node_id>/action"),
):
    api.on(_method, _path, policy=ANYONE, until=LAST, status=400, changes_nothing=NONE)(refuse)
