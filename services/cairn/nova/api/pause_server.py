"""POST /servers/{id}/action: a guest stands still, and goes on."""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.nova.api.schemas import NULL_OR_OBJECT, closed
from cairn.nova.api.server_actions import PATH
from cairn.nova.component import Nova
from cairn.nova.core import works
from cairn.nova.core.flows import pause as pause_flow
from cairn.nova.core.flows import unpause as unpause_flow
from cairn.nova.policy import RULES

api = Api(RULES)


@api.post(PATH, action="pause", policy="os_compute_api:os-pause-server:pause", status=202,
          body=closed(["pause"], pause=NULL_OR_OBJECT), event=pause_flow.ACTION.event)
def pause(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    """Let the guest stand still; it keeps its memory."""
    works.ask(nova, ctx, server_id, pause_flow.ACTION)


@api.post(PATH, action="unpause", policy="os_compute_api:os-pause-server:unpause", status=202,
          body=closed(["unpause"], unpause=NULL_OR_OBJECT), event=unpause_flow.ACTION.event)
def unpause(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    """Let a paused guest go on."""
    works.ask(nova, ctx, server_id, unpause_flow.ACTION)
