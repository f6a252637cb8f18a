"""/os-floating-ips: Neutron's, in the words of 2.1 to 2.35."""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.nova.api.schemas import closed
from cairn.nova.component import Nova
from cairn.nova.core import floating_ips
from cairn.nova.core.floating_ips import FloatingIp
from cairn.nova.policy import RULES

api = Api(RULES)

LAST = "2.35"
NEUTRONS = "the addresses are Neutron's, which records it"


def view(floating: FloatingIp) -> Document:
    return {"id": floating.id, "ip": floating.address, "pool": floating.pool,
            "fixed_ip": floating.fixed_address, "instance_id": floating.server_id}


@api.get("/os-floating-ips", policy="os_compute_api:os-floating-ips:list", until=LAST)
def index(nova: Nova, ctx: Context) -> Document:
    """List the project's floating IPs, as Neutron has them."""
    return {"floating_ips": [view(each) for each in floating_ips.list_floating_ips(nova, ctx)]}


@api.get("/os-floating-ips/<floating_ip_id>", policy="os_compute_api:os-floating-ips:show",
         until=LAST)
def show(nova: Nova, ctx: Context, floating_ip_id: str) -> Document:
    """Show a floating IP, and the server that has it."""
    return {"floating_ip": view(floating_ips.find(nova, ctx, floating_ip_id))}


@api.post("/os-floating-ips", policy="os_compute_api:os-floating-ips:create", until=LAST,
          body={**closed(pool={"type": ["string", "null"]}), "type": ["object", "null"]},
          changes_nothing=NEUTRONS)
def create(nova: Nova, ctx: Context, body: Document | None) -> Document:
    """Take a floating IP of a pool, an external network; of the only one, where none is named."""
    pool = (body or {}).get("pool")
    return {"floating_ip": view(floating_ips.allocate(nova, ctx, pool))}


@api.delete("/os-floating-ips/<floating_ip_id>", policy="os_compute_api:os-floating-ips:delete",
            until=LAST, status=202, changes_nothing=NEUTRONS)
def remove(nova: Nova, ctx: Context, floating_ip_id: str) -> None:
    """Give a floating IP back; a server that had it has it no more."""
    floating_ips.release(nova, ctx, floating_ip_id)
