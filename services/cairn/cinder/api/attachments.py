"""/attachments"""

from typing import Any

from cairn.cinder.api.schemas import UUID, UUID_OR_NONE, Query, closed, wrapped
from cairn.cinder.component import Cinder
from cairn.cinder.core import attachment_lists, attachments, connections
from cairn.cinder.core.values import stamp
from cairn.cinder.policy import RULES
from cairn.common.api import Api, Document
from cairn.common.context import Context

api = Api(RULES)

CONNECTOR: dict[str, Any] = {
    "type": "object", "maxProperties": 64, "additionalProperties": True,
    "properties": {
        "host": {"type": ["string", "null"], "maxLength": 255},
        "ip": {"type": ["string", "null"], "maxLength": 255},
        "initiator": {"type": ["string", "null"], "maxLength": 255},
        "mountpoint": {"type": ["string", "null"], "maxLength": 255},
        "multipath": {"type": ["boolean", "null"]},
        "mode": {"enum": ["rw", "ro", None]},
    },
}
CREATE = {"volume_uuid": UUID, "instance_uuid": UUID_OR_NONE,
          "connector": CONNECTOR | {"type": ["object", "null"]}}
CREATE_3_27 = wrapped("attachment", closed(["volume_uuid"], **CREATE))
CREATE_3_54 = wrapped("attachment", closed(
    ["volume_uuid"], **CREATE, mode={"enum": ["rw", "ro", None]}))
UPDATE = wrapped("attachment", closed(["connector"],
                                      connector=CONNECTOR | {"minProperties": 1}))
# Clients say null, or the attachment's id once more.
COMPLETE = wrapped("os-complete", {})
ONE = {"type": "array", "items": {"type": "string", "maxLength": 255}}
NUMBER = {"type": "array", "items": {"type": "string", "pattern": "^[0-9]{1,9}$"}}
LIST = {"type": "object", "additionalProperties": {"type": "array"},
        "properties": {"limit": ONE, "marker": ONE, "offset": NUMBER, "sort": ONE,
                       "sort_key": ONE, "sort_dir": ONE, "page_reverse": ONE,
                       "all_tenants": ONE, "volume_id": ONE, "instance_id": ONE, "status": ONE,
                       "attach_status": ONE}}


def summary(row: Any) -> Document:
    """As lists without detail show it."""
    return {"id": row.id, "status": row.status, "instance": row.instance_id,
            "volume_id": row.volume_id}


def view(ctx: Context, row: Any, *, told: bool = False) -> Document:
    """With how it is reached, for services and administrators, and for who has just connected it
    (`told`): what a server's host opens a disk by is not its owner's to know."""
    shown = told or ctx.is_admin or ctx.is_service or row.instance_id is None
    return summary(row) | {
        "attached_at": stamp(row.attached_at), "detached_at": stamp(row.detached_at),
        "attach_mode": row.mode, "connection_info": row.connection_info if shown else {}}


@api.get("/attachments", policy="volume:get_all", query=LIST, since="3.27")
def index(cinder: Cinder, ctx: Context, query: Query) -> Document:
    """List attachments: whose and of what."""
    rows = attachment_lists.page(cinder, ctx, query, list(query.keys()))
    return {"attachments": [summary(row) for row in rows]}


@api.get("/attachments/detail", policy="volume:get_all", query=LIST, since="3.27")
def detail(cinder: Cinder, ctx: Context, query: Query) -> Document:
    """List attachments with all that there is to know of them."""
    rows = attachment_lists.page(cinder, ctx, query, list(query.keys()))
    return {"attachments": [view(ctx, row) for row in rows]}


@api.get("/attachments/<attachment_id>", policy="volume:get", since="3.27")
def show(cinder: Cinder, ctx: Context, attachment_id: str) -> Document:
    """Show an attachment."""
    return {"attachment": view(ctx, attachments.show(cinder, ctx, attachment_id))}


def create(cinder: Cinder, ctx: Context, body: Document) -> Document:
    """Reserve a volume; with a connector it is exported to that host at once."""
    asked = body["attachment"]
    row = connections.create(
        cinder, ctx, asked["volume_uuid"], asked.get("instance_uuid"),
        connector=asked.get("connector") or None, mode=asked.get("mode"))
    return {"attachment": view(ctx, row, told=True)}


api.post("/attachments", policy="volume:attachment_create", body=CREATE_3_27, since="3.27",
         until="3.53", event="volume.reserve")(create)
api.post("/attachments", policy="volume:attachment_create", body=CREATE_3_54, since="3.54",
         event="volume.reserve")(create)


@api.put("/attachments/<attachment_id>", policy="volume:attachment_update", body=UPDATE,
         since="3.27", event="volume.attach")
def update(cinder: Cinder, ctx: Context, attachment_id: str, body: Document) -> Document:
    """Export the volume to the connector's host, and say how it is opened there."""
    row = connections.connect(cinder, ctx, attachment_id, body["attachment"]["connector"])
    return {"attachment": view(ctx, row, told=True)}


@api.post("/attachments/<attachment_id>/action", action="os-complete", status=204,
          policy="volume:attachment_complete", body=COMPLETE, since="3.44",
          event="volume.attach")
def complete(cinder: Cinder, ctx: Context, attachment_id: str, body: Document) -> None:
    """The guest has it: the volume is in use."""
    attachments.complete(cinder, ctx, attachment_id)


@api.delete("/attachments/<attachment_id>", policy="volume:attachment_delete", since="3.27",
            event="volume.detach")
def delete(cinder: Cinder, ctx: Context, attachment_id: str) -> Document:
    """End the export and forget the attachment; the answer lists the volume's others. What a server
    has is detached by Compute, unless a service asks."""
    return {"attachments": [summary(row)
                            for row in connections.delete(cinder, ctx, attachment_id)]}
