"""/snapshots"""

from typing import Any

from cairn.cinder.api.pages import ONE, following, queries
from cairn.cinder.api.schemas import (
    BOOLEAN_OR_NONE,
    DESCRIPTION_OR_NONE,
    METADATA_OR_NONE,
    NAME_OR_NONE,
    UUID_OR_NONE,
    Query,
    closed,
    is_true,
    stripped,
    wrapped,
)
from cairn.cinder.api.views import snapshot as view
from cairn.cinder.component import Cinder
from cairn.cinder.core import managing, snapshot_lists, snapshots
from cairn.cinder.policy import RULES
from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.common.listing import Part

api = Api(RULES)

ACTION = "/snapshots/<snapshot_id>/action"
CREATE = wrapped("snapshot", closed(
    # Of no volume: that one is not found.
    ["volume_id"], volume_id=UUID_OR_NONE, name=NAME_OR_NONE, display_name=NAME_OR_NONE,
    description=DESCRIPTION_OR_NONE, display_description=DESCRIPTION_OR_NONE,
    metadata=METADATA_OR_NONE, force=BOOLEAN_OR_NONE))
UPDATE = wrapped("snapshot", closed(
    name=NAME_OR_NONE, description=DESCRIPTION_OR_NONE, display_name=NAME_OR_NONE,
    display_description=DESCRIPTION_OR_NONE))
LIST = queries("all_tenants", "offset", "with_count", *snapshot_lists.FILTERS) | {
    "patternProperties": {"~$": ONE}}


@api.get("/snapshots", policy="volume:get_all_snapshots", query=LIST)
def index(cinder: Cinder, ctx: Context, query: Query) -> Document:
    """List snapshots."""
    return _listed(cinder, ctx, query, "snapshots", detailed=False)


@api.get("/snapshots/detail", policy="volume:get_all_snapshots", query=LIST)
def detail(cinder: Cinder, ctx: Context, query: Query) -> Document:
    """List snapshots with how far they are, and whose."""
    return _listed(cinder, ctx, query, "snapshots/detail", detailed=True)


def _listed(cinder: Cinder, ctx: Context, query: Query, path: str, *, detailed: bool) -> Document:
    page = snapshot_lists.page(cinder, ctx, query)
    answer: Document = {
        "snapshots": [view(ctx, row, detailed=detailed) for row in page.rows],
        **following("snapshots_links", path, query, Part(page.rows, page.more))}
    return answer if page.count is None else {**answer, "count": page.count}


@api.get("/snapshots/<snapshot_id>", policy="volume:get_snapshot")
def show(cinder: Cinder, ctx: Context, snapshot_id: str) -> Document:
    """Show a snapshot."""
    return {"snapshot": view(ctx, snapshot_lists.one(cinder, ctx, snapshot_id))}


@api.post("/snapshots", policy="volume:create_snapshot", body=CREATE, status=202,
          event="snapshot.create")
def create(cinder: Cinder, ctx: Context, body: Document) -> Document:
    """Begin to take a snapshot of a volume."""
    asked: dict[str, Any] = body["snapshot"]
    force = is_true(asked["force"]) if asked.get("force") is not None else False
    if ctx.version >= (3, 66):
        # A snapshot of a volume in use needs no word of its own any more.
        if "force" in asked and not force:
            raise Invalid(reason="Invalid input for field/attribute force. Since 3.66 it is always "
                                 "true, and need not be said.")
        force = True
    made = snapshots.create(cinder, ctx, snapshots.Order(
        asked["volume_id"], stripped(asked.get("name", asked.get("display_name"))),
        stripped(asked.get("description", asked.get("display_description"))),
        asked.get("metadata") or {}, force))
    row = snapshot_lists.one(cinder, ctx, made)
    return {"snapshot": view(ctx, row, detailed=False)}


@api.put("/snapshots/<snapshot_id>", policy="volume:update_snapshot", body=UPDATE,
         event="snapshot.update")
def update(cinder: Cinder, ctx: Context, snapshot_id: str, body: Document) -> Document:
    """Change a snapshot's name and description."""
    asked, values = body["snapshot"], {}
    for name, column in (("display_name", "name"), ("name", "name"),
                         ("display_description", "description"), ("description", "description")):
        if name in asked:
            values[column] = stripped(asked[name])
    snapshots.update(cinder, ctx, snapshot_id, values)
    return {"snapshot": view(ctx, snapshot_lists.one(cinder, ctx, snapshot_id), detailed=False)}


@api.delete("/snapshots/<snapshot_id>", policy="volume:delete_snapshot", status=202,
            event="snapshot.delete")
def delete(cinder: Cinder, ctx: Context, snapshot_id: str) -> None:
    """Begin to delete a snapshot."""
    snapshots.delete(cinder, ctx, snapshot_id)


@api.post(ACTION, action="os-reset_status", status=202, event="snapshot.update",
          policy="volume_extension:snapshot_admin_actions:reset_status",
          body=wrapped("os-reset_status", closed(
              ["status"], status={"enum": [*snapshots.STATUSES]})))
def reset_status(cinder: Cinder, ctx: Context, snapshot_id: str, body: Document) -> None:
    """Say what status a snapshot has, whatever it had."""
    snapshots.reset_status(cinder, ctx, snapshot_id, body["os-reset_status"]["status"])


@api.post(ACTION, action="os-force_delete", status=202, event="snapshot.delete",
          policy="volume_extension:snapshot_admin_actions:force_delete",
          body=wrapped("os-force_delete", {"type": ["object", "null"]}))
def force_delete(cinder: Cinder, ctx: Context, snapshot_id: str, body: Document) -> None:
    """Begin to delete a snapshot in whatever status it is."""
    snapshots.delete(cinder, ctx, snapshot_id, force=True)


@api.post(ACTION, action="os-update_snapshot_status", status=202, event="snapshot.update",
          policy="snapshot_extension:snapshot_actions:update_snapshot_status",
          body=wrapped("os-update_snapshot_status", closed(
              ["status"], status={"type": "string", "enum": [*snapshots.STATUSES]},
              progress={"type": ["string", "null"], "maxLength": 8,
                        "pattern": "^(100|[0-9]{1,2})%$"})))
def report_status(cinder: Cinder, ctx: Context, snapshot_id: str, body: Document) -> None:
    """Take what a service says of a snapshot that it takes or removes."""
    asked = body["os-update_snapshot_status"]
    snapshots.report_status(cinder, ctx, snapshot_id, asked["status"], asked.get("progress"))


@api.post(ACTION, action="os-unmanage", status=202, event="snapshot.unmanage",
          policy="snapshot_extension:snapshot_unmanage",
          body=wrapped("os-unmanage", {"type": ["object", "null"]}))
def unmanage(cinder: Cinder, ctx: Context, snapshot_id: str, body: Document) -> None:
    """Begin to leave a snapshot to itself: it is forgotten here, and stays in its backend."""
    managing.unmanage_snapshot(cinder, ctx, snapshot_id)
