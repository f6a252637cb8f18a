"""/os-volume-manage, /os-snapshot-manage and, since 3.8, /manageable_volumes and
/manageable_snapshots: what is in backends and nobody's."""

from typing import Any

from cairn.cinder.api.pages import ONE
from cairn.cinder.api.schemas import (
    BOOLEAN_OR_NONE,
    DESCRIPTION_OR_NONE,
    METADATA_OR_NONE,
    NAME_OR_NONE,
    UUID,
    Query,
    closed,
    is_true,
    stripped,
    wrapped,
)
from cairn.cinder.api.views import snapshot as snapshot_view
from cairn.cinder.api.views import volume as volume_view
from cairn.cinder.component import Cinder
from cairn.cinder.core import filters, managing, snapshot_lists, snapshots, volume_lists
from cairn.cinder.policy import RULES
from cairn.common import listing
from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import Invalid

api = Api(RULES)

REF: dict[str, Any] = {
    "type": "object", "minProperties": 1, "maxProperties": 4, "additionalProperties": {
        "type": "string", "minLength": 1, "maxLength": 255}, "properties": {}}
HOST = {"type": "string", "minLength": 1, "maxLength": 255}
VOLUME = wrapped("volume", closed(
    ["ref"], ref=REF, host=HOST, cluster={"type": "null"}, name=NAME_OR_NONE,
    description=DESCRIPTION_OR_NONE, volume_type=NAME_OR_NONE, metadata=METADATA_OR_NONE,
    availability_zone=NAME_OR_NONE, bootable=BOOLEAN_OR_NONE))
SNAPSHOT = wrapped("snapshot", closed(
    ["volume_id", "ref"], volume_id=UUID, ref=REF, name=NAME_OR_NONE,
    description=DESCRIPTION_OR_NONE, metadata=METADATA_OR_NONE))
LIST = {"type": "object", "additionalProperties": {"type": "array"}, "properties": dict.fromkeys(
    ("host", "cluster", "limit", "marker", "offset", "sort", "sort_key", "sort_dir"), ONE)}
SORTABLE = ("size", "reference")


def _manage_volume(cinder: Cinder, ctx: Context, body: Document) -> Document:
    asked = body["volume"]
    if not asked.get("host"):
        raise Invalid(reason="Invalid input for field/attribute host. It says which backend has "
                             "it: host@backend#pool.")
    made = managing.manage(cinder, ctx, managing.Order(
        host=asked["host"], ref=asked["ref"], name=stripped(asked.get("name")),
        description=stripped(asked.get("description")), type=asked.get("volume_type"),
        zone=asked.get("availability_zone"), metadata=asked.get("metadata") or {},
        bootable=is_true(asked.get("bootable", False))))
    row, attachments = volume_lists.one(cinder, ctx, made)
    return {"volume": volume_view(cinder, ctx, row, attachments)}


def _manage_snapshot(cinder: Cinder, ctx: Context, body: Document) -> Document:
    asked = body["snapshot"]
    made = managing.manage_snapshot(cinder, ctx, snapshots.Order(
        asked["volume_id"], stripped(asked.get("name")), stripped(asked.get("description")),
        asked.get("metadata") or {}), asked["ref"])
    return {"snapshot": snapshot_view(ctx, snapshot_lists.one(cinder, ctx, made), detailed=False)}


def _manageable(cinder: Cinder, ctx: Context, query: Query, kind: str, *, detailed: bool) -> Any:
    """A part of what a backend says, in the order asked for."""
    host = listing.read_value(query, "host")
    if not host:
        raise Invalid(reason="Invalid input for field/attribute host. It says which backend is "
                             "looked into: host@backend#pool.")
    sort = listing.read_sort(query, SORTABLE, default=(("reference", "desc"),))
    limit = listing.read_limit(query, most=cinder.api.max_limit) or 0
    start = filters.offset(query)
    things = managing.manageable(cinder, ctx, host, kind)
    for name, way in reversed(sort):
        things.sort(key=lambda thing: (str(thing["reference"].get("source-name", ""))
                                       if name == "reference" else thing["size"]),
                    reverse=way == "desc")
    marker = listing.read_value(query, "marker")
    if marker:
        places = [place for place, thing in enumerate(things)
                  if marker in (str(thing["reference"]), *thing["reference"].values())]
        if not places:
            raise Invalid(reason="Invalid input for field/attribute marker. There is no such "
                                 "reference.")
        things = things[places[0] + 1:]
    names = ["reference", "size", "safe_to_manage"]
    if kind == "snapshot":
        names.append("source_reference")
    if detailed:
        names += ["reason_not_safe", "cinder_id", "extra_info"]
    return [{name: thing[name] for name in names} for thing in things[start:start + limit]]


@api.post("/os-volume-manage", policy="volume_extension:volume_manage", status=202, body=VOLUME,
          event="volume.manage")
def old_manage(cinder: Cinder, ctx: Context, body: Document) -> Document:
    """Begin to make a volume of something that is in a backend."""
    return _manage_volume(cinder, ctx, body)


@api.post("/manageable_volumes", policy="volume_extension:volume_manage", status=202, since="3.8",
          body=VOLUME, event="volume.manage")
def manage(cinder: Cinder, ctx: Context, body: Document) -> Document:
    """Begin to make a volume of something that is in a backend."""
    return _manage_volume(cinder, ctx, body)


@api.get("/os-volume-manage", policy="volume_extension:list_manageable", query=LIST)
def old_index(cinder: Cinder, ctx: Context, query: Query) -> Document:
    """List what of a backend could be volumes, and what is."""
    return {"manageable-volumes": _manageable(cinder, ctx, query, "volume", detailed=False)}


@api.get("/os-volume-manage/detail", policy="volume_extension:list_manageable", query=LIST)
def old_detail(cinder: Cinder, ctx: Context, query: Query) -> Document:
    """List what of a backend could be volumes, and why not."""
    return {"manageable-volumes": _manageable(cinder, ctx, query, "volume", detailed=True)}


@api.get("/manageable_volumes", policy="volume_extension:list_manageable", since="3.8", query=LIST)
def index(cinder: Cinder, ctx: Context, query: Query) -> Document:
    """List what of a backend could be volumes, and what is."""
    return {"manageable-volumes": _manageable(cinder, ctx, query, "volume", detailed=False)}


@api.get("/manageable_volumes/detail", policy="volume_extension:list_manageable", since="3.8",
         query=LIST)
def detail(cinder: Cinder, ctx: Context, query: Query) -> Document:
    """List what of a backend could be volumes, and why not."""
    return {"manageable-volumes": _manageable(cinder, ctx, query, "volume", detailed=True)}


@api.post("/os-snapshot-manage", policy="snapshot_extension:snapshot_manage", status=202,
          body=SNAPSHOT, event="snapshot.manage")
def old_manage_snapshot(cinder: Cinder, ctx: Context, body: Document) -> Document:
    """Begin to make a snapshot of something that is in its volume's backend."""
    return _manage_snapshot(cinder, ctx, body)


@api.post("/manageable_snapshots", policy="snapshot_extension:snapshot_manage", status=202,
          since="3.8", body=SNAPSHOT, event="snapshot.manage")
def manage_snapshot(cinder: Cinder, ctx: Context, body: Document) -> Document:
    """Begin to make a snapshot of something that is in its volume's backend."""
    return _manage_snapshot(cinder, ctx, body)


@api.get("/os-snapshot-manage", policy="snapshot_extension:list_manageable", query=LIST)
def old_snapshot_index(cinder: Cinder, ctx: Context, query: Query) -> Document:
    """List what of a backend could be snapshots, and what is."""
    return {"manageable-snapshots": _manageable(cinder, ctx, query, "snapshot", detailed=False)}


@api.get("/os-snapshot-manage/detail", policy="snapshot_extension:list_manageable", query=LIST)
def old_snapshot_detail(cinder: Cinder, ctx: Context, query: Query) -> Document:
    """List what of a backend could be snapshots, and why not."""
    return {"manageable-snapshots": _manageable(cinder, ctx, query, "snapshot", detailed=True)}


@api.get("/manageable_snapshots", policy="snapshot_extension:list_manageable", since="3.8",
         query=LIST)
def snapshot_index(cinder: Cinder, ctx: Context, query: Query) -> Document:
    """List what of a backend could be snapshots, and what is."""
    return {"manageable-snapshots": _manageable(cinder, ctx, query, "snapshot", detailed=False)}


@api.get("/manageable_snapshots/detail", policy="snapshot_extension:list_manageable", since="3.8",
         query=LIST)
def snapshot_detail(cinder: Cinder, ctx: Context, query: Query) -> Document:
    """List what of a backend could be snapshots, and why not."""
    return {"manageable-snapshots": _manageable(cinder, ctx, query, "snapshot", detailed=True)}
