"""POST /servers/{id}/action trigger_crash_dump: what a guest's kernel has in memory, dumped."""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.nova.api.schemas import closed
from cairn.nova.component import Nova
from cairn.nova.core import works
from cairn.nova.core.flows import trigger_crash_dump
from cairn.nova.policy import RULES

api = Api(RULES)


@api.post("/servers/<server_id>/action", action="trigger_crash_dump", since="2.17",
          policy="os_compute_api:servers:trigger_crash_dump", status=202,
          body=closed(["trigger_crash_dump"], trigger_crash_dump={"type": "null"}),
          event=trigger_crash_dump.ACTION.event)
def trigger(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    """Send the guest an interrupt that it cannot mask; what it does then is its own matter."""
    works.ask(nova, ctx, server_id, trigger_crash_dump.ACTION)
