"""POST /servers/{id}/action restore, forceDelete: servers that are kept for a while after their
deletion."""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.nova.api.schemas import NULL_OR_OBJECT, closed
from cairn.nova.component import Nova
from cairn.nova.core import soft_deletes, works
from cairn.nova.core.flows import delete as delete_flow
from cairn.nova.core.flows import restore as restore_flow
from cairn.nova.policy import RULES

api = Api(RULES)

PATH = "/servers/<server_id>/action"


@api.post(PATH, action="restore", policy="os_compute_api:os-deferred-delete:restore", status=202,
          body=closed(["restore"], restore=NULL_OR_OBJECT), event=restore_flow.ACTION.event)
def restore(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    """Bring back a server that was deleted and is kept; one that ran is powered on."""
    soft_deletes.restore(nova, ctx, server_id)


@api.post(PATH, action="forceDelete", policy="os_compute_api:os-deferred-delete:force", status=202,
          body=closed(["forceDelete"], forceDelete=NULL_OR_OBJECT),
          event=delete_flow.ACTION.event)
def force_delete(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    """Begin to delete a server at once, be it deleted already and kept."""
    works.begin_delete(nova, ctx, server_id)
