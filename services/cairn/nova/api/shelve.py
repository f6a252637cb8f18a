"""POST /servers/{id}/action shelve, shelveOffload, unshelve: servers that need no host for now."""

from typing import Any

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.nova.api.schemas import NAME, NULL_OR_OBJECT, closed
from cairn.nova.component import Nova
from cairn.nova.core import shelves
from cairn.nova.core.flows import shelve as shelve_flow
from cairn.nova.core.flows import shelve_offload as offload_flow
from cairn.nova.core.flows import unshelve as unshelve_flow
from cairn.nova.core.shelves import Destination
from cairn.nova.policy import RULES

api = Api(RULES)

PATH = "/servers/<server_id>/action"
_RULE = "os_compute_api:os-shelve"


@api.post(PATH, action="shelve", policy=f"{_RULE}:shelve", status=202,
          body=closed(["shelve"], shelve=NULL_OR_OBJECT), event=shelve_flow.ACTION.event)
def shelve(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    """Power a server off and keep its disk as an image; it leaves its host, sooner or later."""
    shelves.shelve(nova, ctx, server_id)


@api.post(PATH, action="shelveOffload", policy=f"{_RULE}:shelve_offload", status=202,
          body=closed(["shelveOffload"], shelveOffload=NULL_OR_OBJECT),
          event=offload_flow.ACTION.event)
def offload(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    """Take a shelved server from its host, now."""
    shelves.offload(nova, ctx, server_id)


def unshelve(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    """Let a shelved server run again; one that is on no host comes to one."""
    asked = body["unshelve"] if ctx.version >= (2, 77) else None
    asked = asked or {}
    shelves.bring_back(nova, ctx, server_id, Destination(
        pins="availability_zone" in asked, zone=asked.get("availability_zone"),
        host=asked.get("host")))


_ZONED: dict[str, Any] = closed(["availability_zone"], availability_zone=NAME)
_PLACED: dict[str, Any] = closed(
    availability_zone=NAME | {"type": ["string", "null"]}, host=NAME)
for _since, _until, _asked in (
        ("2.1", "2.76", NULL_OR_OBJECT), ("2.77", "2.90", _ZONED | {"type": ["object", "null"]}),
        ("2.91", None, _PLACED | {"type": ["object", "null"]})):
    api.post(PATH, action="unshelve", policy=f"{_RULE}:unshelve", status=202, since=_since,
             until=_until, body=closed(["unshelve"], unshelve=_asked),
             event=unshelve_flow.ACTION.event)(unshelve)
