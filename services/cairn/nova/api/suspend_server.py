"""POST /servers/{id}/action: a guest's memory goes to the disk, and comes back."""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.nova.api.schemas import NULL_OR_OBJECT, closed
from cairn.nova.api.server_actions import PATH
from cairn.nova.component import Nova
from cairn.nova.core import works
from cairn.nova.core.flows import resume as resume_flow
from cairn.nova.core.flows import suspend as suspend_flow
from cairn.nova.policy import RULES

api = Api(RULES)


@api.post(PATH, action="suspend", policy="os_compute_api:os-suspend-server:suspend", status=202,
          body=closed(["suspend"], suspend=NULL_OR_OBJECT), event=suspend_flow.ACTION.event)
def suspend(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    """Write the guest's memory to its host's disk, and power it off."""
    works.ask(nova, ctx, server_id, suspend_flow.ACTION)


@api.post(PATH, action="resume", policy="os_compute_api:os-suspend-server:resume", status=202,
          body=closed(["resume"], resume=NULL_OR_OBJECT), event=resume_flow.ACTION.event)
def resume(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    """Let a suspended guest go on."""
    works.ask(nova, ctx, server_id, resume_flow.ACTION)
