"""/volumes"""

from typing import Any

from cairn.cinder.api.pages import ONE, following, only, queries
from cairn.cinder.api.schemas import (
    BOOLEAN,
    DESCRIPTION_OR_NONE,
    METADATA_OR_NONE,
    NAME_OR_NONE,
    SIZE,
    UUID_OR_NONE,
    Query,
    closed,
    is_true,
    stripped,
    wrapped,
)
from cairn.cinder.api.views import PLAIN, Shown, volume_summary
from cairn.cinder.api.views import volume as view
from cairn.cinder.component import Cinder
from cairn.cinder.core import backups, volume_changes, volume_lists, volumes
from cairn.cinder.core.volumes import Order
from cairn.cinder.policy import RULES
from cairn.common import listing
from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.listing import Part

api = Api(RULES)

CREATE = {
    "type": "object", "required": ["volume"], "additionalProperties": False,
    "properties": {
        "volume": closed(
            name=NAME_OR_NONE, description=DESCRIPTION_OR_NONE,
            display_name=NAME_OR_NONE, display_description=DESCRIPTION_OR_NONE,
            volume_type=NAME_OR_NONE, metadata=METADATA_OR_NONE, snapshot_id=UUID_OR_NONE,
            source_volid=UUID_OR_NONE, consistencygroup_id=UUID_OR_NONE, size=SIZE | {
                "type": ["integer", "string", "null"]},
            availability_zone=NAME_OR_NONE, multiattach=BOOLEAN, image_id=UUID_OR_NONE,
            imageRef=NAME_OR_NONE, group_id=UUID_OR_NONE, backup_id=UUID_OR_NONE,
        ),
        "OS-SCH-HNT:scheduler_hints": {"type": ["object", "null"]},
    },
}
UPDATE = wrapped("volume", closed(
    name=NAME_OR_NONE, description=DESCRIPTION_OR_NONE, display_name=NAME_OR_NONE,
    display_description=DESCRIPTION_OR_NONE, metadata=METADATA_OR_NONE))
LIST = queries("all_tenants", "offset", "with_count", *volume_lists.FILTERS) | {
    "patternProperties": {"~$": ONE}}
SUMMARY = only("all_tenants", *volume_lists.FILTERS) | {"patternProperties": {"~$": ONE}}
DELETE = only("cascade", "force")


@api.get("/volumes", policy="volume:get_all", query=LIST)
def index(cinder: Cinder, ctx: Context, query: Query) -> Document:
    """List volumes: ids and names."""
    page = volume_lists.page(cinder, ctx, query)
    return _listed(query, "volumes", page, [volume_summary(row) for row in page.rows])


@api.get("/volumes/detail", policy="volume:get_all", query=LIST)
def detail(cinder: Cinder, ctx: Context, query: Query) -> Document:
    """List volumes with all that there is to know of them."""
    page = volume_lists.page(cinder, ctx, query)
    rules = Shown.of(cinder, ctx)
    return _listed(query, "volumes/detail", page, [
        view(cinder, ctx, row, page.attachments.get(row.id, []), rules) for row in page.rows])


def _listed(
    query: Query, path: str, page: volume_lists.Listed, shown: list[Document]
) -> Document:
    answer: Document = {"volumes": shown, **following(
        "volumes_links", path, query, Part(page.rows, page.more))}
    return answer if page.count is None else {**answer, "count": page.count}


@api.get("/volumes/summary", policy="volume:get_all", since="3.12", query=SUMMARY)
def summary(cinder: Cinder, ctx: Context, query: Query) -> Document:
    """Say how many volumes there are, how large they are together, and which metadata they have."""
    told = volume_lists.summarize(cinder, ctx, query)
    answer: Document = {"total_count": told.count, "total_size": told.size}
    if ctx.version >= (3, 36):
        answer["metadata"] = told.metadata
    return {"volume-summary": answer}


@api.get("/volumes/<volume_id>", policy="volume:get")
def show(cinder: Cinder, ctx: Context, volume_id: str) -> Document:
    """Show a volume."""
    row, attachments = volume_lists.one(cinder, ctx, volume_id)
    return {"volume": view(cinder, ctx, row, attachments)}


@api.post("/volumes", policy="volume:create", body=CREATE, status=202, event="volume.create")
def create(cinder: Cinder, ctx: Context, body: Document) -> Document:
    """Record the volume and hand it to the scheduler; it is creating until its backend has it."""
    order = _order(body)
    made = (volumes.create(cinder, ctx, order, server_images=ctx.version >= (3, 46))
            if order.backup_id is None
            else backups.create_volume(cinder, ctx, order.backup_id, order))
    row, attachments = volume_lists.one(cinder, ctx, made.id)
    return {"volume": view(cinder, ctx, row, attachments, PLAIN)}


@api.put("/volumes/<volume_id>", policy="volume:update", body=UPDATE, event="volume.update")
def update(cinder: Cinder, ctx: Context, volume_id: str, body: Document) -> Document:
    """Change a volume's name, description and metadata."""
    asked, values = body["volume"], {}
    for name, column in (("display_name", "name"), ("name", "name"),
                         ("display_description", "description"), ("description", "description")):
        if name in asked:
            values[column] = stripped(asked[name])
    if asked.get("metadata") is not None:
        values["meta"] = asked["metadata"]
    volume_changes.update(cinder, ctx, volume_id, values)
    row, attachments = volume_lists.one(cinder, ctx, volume_id)
    return {"volume": view(cinder, ctx, row, attachments, PLAIN)}


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
        name=stripped(asked.get("name", asked.get("display_name"))),
        description=stripped(asked.get("description", asked.get("display_description"))),
        type=asked.get("volume_type"), zone=asked.get("availability_zone"),
        snapshot_id=asked.get("snapshot_id"), source_volid=asked.get("source_volid"),
        image_id=asked.get("imageRef") or asked.get("image_id"),
        backup_id=asked.get("backup_id"), group_id=asked.get("group_id"),
        metadata=asked.get("metadata") or {},
        hints=body.get("OS-SCH-HNT:scheduler_hints") or {},
        multiattach=is_true(asked.get("multiattach", False)),
    )
