"""/servers/{id}/topology"""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.nova.component import Nova
from cairn.nova.core import servers
from cairn.nova.policy import RULES

api = Api(RULES)


@api.get("/servers/<server_id>/topology", policy="compute:server:topology:index", since="2.78")
def index(nova: Nova, ctx: Context, server_id: str) -> Document:
    """Show the NUMA nodes that a server was given: none, for what asks for such is refused (see
    core/guest_features.py), and hosts place memory as they like."""
    servers.get(nova, ctx, server_id)
    return {"nodes": [], "pagesize_kb": None}
