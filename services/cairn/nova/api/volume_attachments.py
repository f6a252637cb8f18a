"""/servers/{id}/os-volume_attachments: until there are volumes, no server has one."""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import NotFound
from cairn.nova.api.schemas import NUMBER, Query, queries
from cairn.nova.component import Nova
from cairn.nova.core import servers
from cairn.nova.policy import RULES

api = Api(RULES)


def index(nova: Nova, ctx: Context, server_id: str, query: Query) -> Document:
    """List a server's volumes, of which there are none yet."""
    servers.get(nova, ctx, server_id)
    return {"volumeAttachments": []}


for _since, _until, _query in queries({(2, 1): {"limit": NUMBER, "offset": NUMBER}}):
    api.get("/servers/<server_id>/os-volume_attachments",
            policy="os_compute_api:os-volumes-attachments:index", query=_query, since=_since,
            until=_until)(index)


@api.get("/servers/<server_id>/os-volume_attachments/<volume_id>",
         policy="os_compute_api:os-volumes-attachments:show")
def show(nova: Nova, ctx: Context, server_id: str, volume_id: str) -> Document:
    """Show one of a server's volumes: always 404, as there are none yet."""
    servers.get(nova, ctx, server_id)
    raise NotFound("Volume", volume_id)
