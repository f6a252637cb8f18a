"""/volumes"""

from typing import Any

from cairn.cinder.api.schemas import (
    BOOLEAN,
    METADATA_OR_NONE,
    NAME_OR_NONE,
    SIZE,
    UUID_OR_NONE,
    Query,
    closed,
    is_true,
)
from cairn.cinder.api.views import volume as view
from cairn.cinder.api.views import volume_summary
from cairn.cinder.component import Cinder
from cairn.cinder.core import volume_lists, volumes
from cairn.cinder.core.volumes import Order
from cairn.cinder.policy import RULES
from cairn.common import listing
from cairn.common.api import Api, Document
from cairn.common.context import Context

api = Api(RULES)

CREATE = {
    "type": "object", "required": ["volume"], "additionalProperties": False,
    "properties": {
        "volume": closed(
            name=NAME_OR_NONE, description={"type": ["string", "null"], "maxLength": 255},
            display_name=NAME_OR_NONE, display_description=NAME_OR_NONE,
            volume_type=NAME_OR_NONE, metadata=METADATA_OR_NONE, snapshot_id=UUID_OR_NONE,
            source_volid=UUID_OR_NONE, consistencygroup_id=UUID_OR_NONE, size=SIZE | {
                "type": ["integer", "string", "null"]},
            availability_zone=NAME_OR_NONE, multiattach=BOOLEAN, image_id=UUID_OR_NONE,
            imageRef=NAME_OR_NONE, group_id=UUID_OR_NONE, backup_id=UUID_OR_NONE,
        ),
        "OS-SCH-HNT:scheduler_hints": {"type": ["object", "null"]},
    },
}
ONE = {"type": "array", "items": {"type": "string"}}
LIST = {"type": "object", "additionalProperties": {"type": "array"},
        "properties": dict.fromkeys(
            ("limit", "marker", "sort", "sort_key", "sort_dir", "page_reverse", "all_tenants"),
            ONE)}
DELETE = {"type": "object", "additionalProperties": {"type": "array"},
          "properties": {"cascade": ONE, "force": ONE}}


@api.get("/volumes", policy="volume:get_all", query=LIST)
def index(cinder: Cinder, ctx: Context, query: Query) -> Document:
    """List volumes: ids and names."""
    page = volume_lists.page(cinder, ctx, query)
    return {"volumes": [volume_summary(ctx, row) for row in page.rows]}


@api.get("/volumes/detail", policy="volume:get_all", query=LIST)
def detail(cinder: Cinder, ctx: Context, query: Query) -> Document:
    """List volumes with all that there is to know of them."""
    page = volume_lists.page(cinder, ctx, query)
    return {"volumes": [view(cinder, ctx, row, page.attachments.get(row.id, []))
                        for row in page.rows]}


@api.get("/volumes/<volume_id>", policy="volume:get")
def show(cinder: Cinder, ctx: Context, volume_id: str) -> Document:
    """Show a volume."""
    row, attachments = volume_lists.one(cinder, ctx, volume_id)
    return {"volume": view(cinder, ctx, row, attachments)}


@api.post("/volumes", policy="volume:create", body=CREATE, status=202, event="volume.create")
def create(cinder: Cinder, ctx: Context, body: Document) -> Document:
    """Record the volume and hand it to the scheduler; it is creating until its backend has it."""
    made = volumes.create(cinder, ctx, _order(body))
    row, attachments = volume_lists.one(cinder, ctx, made.id)
    return {"volume": view(cinder, ctx, row, attachments)}


@api.delete("/volumes/<volume_id>", policy="volume:delete", status=202, query=DELETE,
            event="volume.delete")
def delete(cinder: Cinder, ctx: Context, volume_id: str, query: Query) -> None:
    """Begin to delete a volume; with `cascade` its snapshots, too."""
    force = bool(listing.read_flag(query, "force", False))
    if force:
        cinder.policy.enforce(ctx, "volume:force_delete")
    volumes.delete(cinder, ctx, volume_id, force=force,
                   cascade=bool(listing.read_flag(query, "cascade", False)))


def _order(body: Document) -> Order:
    asked: dict[str, Any] = body["volume"]
    size = asked.get("size")
    return Order(
        size=int(size) if size is not None else None,
        name=asked.get("name", asked.get("display_name")),
        description=asked.get("description", asked.get("display_description")),
        type=asked.get("volume_type"), zone=asked.get("availability_zone"),
        snapshot_id=asked.get("snapshot_id"), source_volid=asked.get("source_volid"),
        image_id=asked.get("imageRef") or asked.get("image_id"),
        backup_id=asked.get("backup_id"), group_id=asked.get("group_id"),
        metadata=asked.get("metadata") or {},
        hints=body.get("OS-SCH-HNT:scheduler_hints") or {},
        multiattach=is_true(asked.get("multiattach", False)),
    )
