"""POST /servers/{id}/action: a server gets another flavor, for good or not."""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.nova.api.schemas import NULL_OR_OBJECT, closed
from cairn.nova.api.server_actions import PATH
from cairn.nova.component import Nova
from cairn.nova.core import moves
from cairn.nova.core.flows import confirm_resize as confirm_flow
from cairn.nova.core.flows import resize as resize_flow
from cairn.nova.core.flows import revert_resize as revert_flow
from cairn.nova.policy import RULES

api = Api(RULES)


@api.post(PATH, action="resize", policy="os_compute_api:servers:resize", status=202,
          body=closed(["resize"], resize=closed(
              ["flavorRef"], flavorRef={"type": ["string", "integer"], "minLength": 1},
              **{"OS-DCF:diskConfig": {"enum": ["AUTO", "MANUAL"]}})),
          event=resize_flow.ACTION.event)
def resize(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    """Give a server another flavor, and keep what it was until that is confirmed or reverted."""
    asked = body["resize"]
    moves.resize_server(nova, ctx, server_id, str(asked["flavorRef"]),
                        asked.get("OS-DCF:diskConfig"))


@api.post(PATH, action="confirmResize", policy="os_compute_api:servers:confirm_resize",
          status=204, body=closed(["confirmResize"], confirmResize=NULL_OR_OBJECT),
          event=confirm_flow.ACTION.event)
def confirm_resize(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    """Give up what a server was before it was resized or moved."""
    moves.confirm(nova, ctx, server_id)


@api.post(PATH, action="revertResize", policy="os_compute_api:servers:revert_resize", status=202,
          body=closed(["revertResize"], revertResize=NULL_OR_OBJECT),
          event=revert_flow.ACTION.event)
def revert_resize(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    """Make a server what it was before it was resized or moved."""
    moves.revert(nova, ctx, server_id)
