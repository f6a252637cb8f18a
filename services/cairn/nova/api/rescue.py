"""POST /servers/{id}/action: a server runs from another image, and from its own disk again."""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.nova.api.schemas import NULL_OR_OBJECT, UUID, closed
from cairn.nova.api.server_actions import PATH
from cairn.nova.component import Nova
from cairn.nova.core import rescues, works
from cairn.nova.core.flows import rescue as rescue_flow
from cairn.nova.core.flows import unrescue as unrescue_flow
from cairn.nova.policy import RULES

api = Api(RULES)


@api.post(PATH, action="rescue", policy="os_compute_api:os-rescue",
          body=closed(["rescue"], rescue={
              "type": ["object", "null"], "additionalProperties": False, "properties": {
                  "adminPass": {"type": "string"}, "rescue_image_ref": UUID}}),
          event=rescue_flow.ACTION.event)
def rescue(nova: Nova, ctx: Context, server_id: str, body: Document) -> Document:
    """Power a server off and start it from an image, its own disks beside."""
    return {"adminPass": rescues.begin(nova, ctx, server_id, body["rescue"] or {})}


@api.post(PATH, action="unrescue", policy="os_compute_api:os-unrescue", status=202,
          body=closed(["unrescue"], unrescue=NULL_OR_OBJECT), event=unrescue_flow.ACTION.event)
def unrescue(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    """Start a rescued server from its own disk again."""
    works.ask(nova, ctx, server_id, unrescue_flow.ACTION)
