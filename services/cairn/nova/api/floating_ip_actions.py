"""POST /servers/{id}/action: floating IPs of a server, in the words of 2.1 to 2.43."""

import ipaddress

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.nova.api.floating_ips import NEUTRONS
from cairn.nova.api.schemas import closed
from cairn.nova.api.server_actions import PATH
from cairn.nova.component import Nova
from cairn.nova.core import floating_ips
from cairn.nova.policy import RULES

api = Api(RULES)

LAST = "2.43"
_ADDRESS = {"type": "string", "minLength": 1, "maxLength": 45}


def _address(asked: Document, name: str) -> str:
    """Raises Invalid naming the field."""
    try:
        return str(ipaddress.ip_address(asked[name]))
    except ValueError:
        raise Invalid(reason=f"{name}: {asked[name]} is no IP address.") from None


@api.post(PATH, action="addFloatingIp", policy="os_compute_api:os-floating-ips:add", status=202,
          until=LAST, body=closed(["addFloatingIp"], addFloatingIp=closed(
              ["address"], address=_ADDRESS,
              fixed_address={**_ADDRESS, "type": ["string", "null"]})),
          changes_nothing=NEUTRONS)
def add(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    """Lead a floating IP to the server; from another one it is taken."""
    asked = body["addFloatingIp"]
    fixed = _address(asked, "fixed_address") if asked.get("fixed_address") else None
    floating_ips.associate(nova, ctx, server_id, _address(asked, "address"), fixed)


@api.post(PATH, action="removeFloatingIp", policy="os_compute_api:os-floating-ips:remove",
          status=202, until=LAST, body=closed(["removeFloatingIp"], removeFloatingIp=closed(
              ["address"], address=_ADDRESS)),
          changes_nothing=NEUTRONS)
def remove(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    """Lead a floating IP to the server no more; the project keeps it."""
    floating_ips.disassociate(
        nova, ctx, server_id, _address(body["removeFloatingIp"], "address"))
