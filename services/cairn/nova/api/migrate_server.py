"""POST /servers/{id}/action: a server moves to another host."""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.nova.api.schemas import NULL_OR_OBJECT, closed
from cairn.nova.api.server_actions import PATH
from cairn.nova.component import Nova
from cairn.nova.core import moves
from cairn.nova.core.flows import migrate as migrate_flow
from cairn.nova.policy import RULES

api = Api(RULES)
HOST = {"type": ["string", "null"], "minLength": 1, "maxLength": 255}


@api.post(PATH, action="migrate", policy="os_compute_api:os-migrate-server:migrate", status=202,
          until="2.55", body=closed(["migrate"], migrate=NULL_OR_OBJECT),
          event=migrate_flow.ACTION.event)
def migrate(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    """Move a server to another host; it is powered off meanwhile."""
    moves.migrate_server(nova, ctx, server_id, None)


@api.post(PATH, action="migrate", policy="os_compute_api:os-migrate-server:migrate", status=202,
          since="2.56", body=closed(["migrate"], migrate={
              "type": ["object", "null"], "properties": {"host": HOST},
              "additionalProperties": False}), event=migrate_flow.ACTION.event)
def migrate_to(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    """Move a server to another host, or to the one that is named."""
    host = (body["migrate"] or {}).get("host")
    if host is not None:
        nova.policy.enforce(ctx, "os_compute_api:os-migrate-server:migrate:host")
    moves.migrate_server(nova, ctx, server_id, host)
