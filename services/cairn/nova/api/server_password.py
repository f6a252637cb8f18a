"""/servers/{id}/os-server-password: what a guest made up itself and told us."""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.nova.component import Nova
from cairn.nova.core import servers
from cairn.nova.policy import RULES

api = Api(RULES)

PATH = "/servers/<server_id>/os-server-password"


@api.get(PATH, policy="os_compute_api:os-server-password:show")
def show(nova: Nova, ctx: Context, server_id: str) -> Document:
    """Show the password that the guest told, encrypted by it; empty when it told none."""
    return {"password": servers.get(nova, ctx, server_id).guest_password or ""}


@api.delete(PATH, policy="os_compute_api:os-server-password:clear", status=204,
            event="compute.instance.update")
def clear(nova: Nova, ctx: Context, server_id: str) -> None:
    """Forget the password that the guest told; inside the guest it stays."""
    servers.update_server(nova, ctx, server_id, {"guest_password": None})
