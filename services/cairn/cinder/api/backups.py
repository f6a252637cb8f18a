"""/backups"""

from typing import Any

from cairn.cinder.api.schemas import (
    BOOLEAN,
    METADATA_OR_NONE,
    NAME_OR_NONE,
    UUID,
    UUID_OR_NONE,
    Query,
    closed,
    is_true,
    wrapped,
)
from cairn.cinder.api.views import links
from cairn.cinder.component import Cinder
from cairn.cinder.core import backup_lists, backup_records, backups
from cairn.cinder.core.values import stamp
from cairn.cinder.policy import RULES
from cairn.common.api import Api, Document
from cairn.common.context import Context

api = Api(RULES)

ACTION = "/backups/<backup_id>/action"
_ADMIN = "volume_extension:backup_admin_actions"
_CREATE = {"volume_id": UUID, "container": NAME_OR_NONE, "description": NAME_OR_NONE,
           "incremental": BOOLEAN, "force": BOOLEAN, "name": NAME_OR_NONE,
           "snapshot_id": UUID_OR_NONE}
CREATE = wrapped("backup", closed(["volume_id"], **_CREATE))
CREATE_3_43 = wrapped("backup", closed(["volume_id"], **_CREATE, metadata=METADATA_OR_NONE))
CREATE_3_51 = wrapped("backup", closed(["volume_id"], **_CREATE, metadata=METADATA_OR_NONE,
                                       availability_zone=NAME_OR_NONE))
_UPDATE = {"name": NAME_OR_NONE, "description": NAME_OR_NONE}
UPDATE = wrapped("backup", closed(**_UPDATE) | {"minProperties": 1})
UPDATE_3_43 = wrapped("backup", closed(**_UPDATE, metadata=METADATA_OR_NONE) | {
    "minProperties": 1})
RESTORE = wrapped("restore", closed(volume_id=UUID_OR_NONE, name=NAME_OR_NONE) | {
    "type": ["object", "null"]})
RESET = wrapped("os-reset_status", closed(["status"], status={"enum": list(backups.STATUSES)}))
FORCE = wrapped("os-force_delete", {"type": ["object", "null"], "maxProperties": 0})
IMPORT = wrapped("backup-record", closed(
    ["backup_service", "backup_url"],
    backup_service={"type": "string", "minLength": 1, "maxLength": 255},
    backup_url={"type": "string", "minLength": 1, "maxLength": 1 << 20}))
ONE = {"type": "array", "items": {"type": "string", "maxLength": 255}}
NUMBER = {"type": "array", "items": {"type": "string", "pattern": "^[0-9]{1,9}$"}}
LIST = {"type": "object", "additionalProperties": {"type": "array"},
        "properties": {"offset": NUMBER} | dict.fromkeys(
            ("limit", "marker", "sort", "sort_key", "sort_dir", "page_reverse", "all_tenants",
             "project_id", "name", "status", "volume_id", "with_count"), ONE)}


def summary(row: Any) -> Document:
    """As lists without detail show it."""
    return {"id": row.id, "name": row.name, "links": links("backups", row.id)}


def view(cinder: Cinder, ctx: Context, row: Any, has_dependents: bool) -> Document:
    """As show and detailed lists do."""
    shown = summary(row) | {
        "status": row.status, "size": row.size, "object_count": row.object_count,
        "availability_zone": row.availability_zone, "container": row.container,
        "created_at": stamp(row.created_at), "updated_at": stamp(row.updated_at),
        "description": row.description, "fail_reason": row.fail_reason,
        "volume_id": row.volume_id, "is_incremental": row.parent_id is not None,
        "has_dependent_backups": has_dependents, "snapshot_id": row.snapshot_id,
        "data_timestamp": stamp(row.data_timestamp)}
    if ctx.version >= (3, 18) and cinder.policy.allows(ctx, "backup:backup_project_attribute"):
        shown["os-backup-project-attr:project_id"] = row.project_id
    if ctx.version >= (3, 43):
        shown["metadata"] = row.meta
    if ctx.version >= (3, 56):
        shown["user_id"] = row.user_id
    if ctx.version >= (3, 64) and row.encryption_key_id is not None:
        shown["encryption_key_id"] = row.encryption_key_id
    return shown


def _listed(listed: Any, shown: list[Document]) -> Document:
    return {"backups": shown} | ({"count": listed.count} if listed.count is not None else {})


@api.get("/backups", policy="backup:get_all", query=LIST)
def index(cinder: Cinder, ctx: Context, query: Query) -> Document:
    """List backups: ids and names."""
    listed = backup_lists.page(cinder, ctx, query)
    return _listed(listed, [summary(row) for row in listed.rows])


@api.get("/backups/detail", policy="backup:get_all", query=LIST)
def detail(cinder: Cinder, ctx: Context, query: Query) -> Document:
    """List backups with all that there is to know of them."""
    listed = backup_lists.page(cinder, ctx, query)
    return _listed(listed, [
        view(cinder, ctx, row, row.id in listed.parents) for row in listed.rows])


@api.get("/backups/<backup_id>", policy="backup:get")
def show(cinder: Cinder, ctx: Context, backup_id: str) -> Document:
    """Show a backup."""
    return {"backup": view(cinder, ctx, *backup_lists.one(cinder, ctx, backup_id))}


def create(cinder: Cinder, ctx: Context, body: Document) -> Document:
    """Record the backup; the volume's host makes it."""
    asked = body["backup"]
    made = backups.create(cinder, ctx, backups.Order(
        volume_id=asked["volume_id"], name=asked.get("name"),
        description=asked.get("description"), container=asked.get("container"),
        snapshot_id=asked.get("snapshot_id"), zone=asked.get("availability_zone"),
        incremental=is_true(asked.get("incremental", False)),
        force=is_true(asked.get("force", False)), metadata=asked.get("metadata")))
    return {"backup": summary(made) | _metadata(ctx, made)}


for _since, _until, _body in (("3.0", "3.42", CREATE), ("3.43", "3.50", CREATE_3_43),
                              ("3.51", None, CREATE_3_51)):
    api.post("/backups", policy="backup:create", body=_body, status=202, since=_since,
             until=_until, event="backup.create")(create)


def update(cinder: Cinder, ctx: Context, backup_id: str, body: Document) -> Document:
    """Change what a backup is called."""
    asked = body["backup"]
    changes = {name: asked[name] for name in ("name", "description") if name in asked}
    if asked.get("metadata") is not None:
        changes["meta"] = asked["metadata"]
    row = backups.update(cinder, ctx, backup_id, changes)
    return {"backup": summary(row) | _metadata(ctx, row)}


for _since, _until, _body in (("3.9", "3.42", UPDATE), ("3.43", None, UPDATE_3_43)):
    api.put("/backups/<backup_id>", policy="backup:update", body=_body, since=_since,
            until=_until, event="backup.update")(update)


@api.delete("/backups/<backup_id>", policy="backup:delete", status=202, event="backup.delete")
def delete(cinder: Cinder, ctx: Context, backup_id: str) -> None:
    """Begin to delete a backup that no other stands on."""
    backups.delete(cinder, ctx, backup_id)


@api.post("/backups/<backup_id>/restore", policy="backup:restore", body=RESTORE, status=202,
          event="backup.restore")
def restore(cinder: Cinder, ctx: Context, backup_id: str, body: Document) -> Document:
    """Begin to write a backup over a volume, or over a new one where none is named."""
    asked = body["restore"] or {}
    id_, volume = backups.restore(cinder, ctx, backup_id, asked.get("volume_id"),
                                  asked.get("name"))
    return {"restore": {"backup_id": id_, "volume_id": volume.id,
                        "volume_name": volume.name or ""}}


@api.post(ACTION, action="os-reset_status", policy=f"{_ADMIN}:reset_status", body=RESET,
          status=202, event="backup.reset_status")
def reset_status(cinder: Cinder, ctx: Context, backup_id: str, body: Document) -> None:
    """Say that a backup is in that status."""
    backups.reset_status(cinder, ctx, backup_id, body["os-reset_status"]["status"])


@api.post(ACTION, action="os-force_delete", policy=f"{_ADMIN}:force_delete", body=FORCE,
          status=202, event="backup.delete")
def force_delete(cinder: Cinder, ctx: Context, backup_id: str, body: Document) -> None:
    """Begin to delete a backup in whatever state it is."""
    backups.delete(cinder, ctx, backup_id, force=True)


@api.get("/backups/<backup_id>/export_record", policy="backup:export-import")
def export_record(cinder: Cinder, ctx: Context, backup_id: str) -> Document:
    """Show what it takes to import a backup."""
    return {"backup-record": backup_records.export(cinder, ctx, backup_id)}


@api.post("/backups/import_record", policy="backup:backup-import", body=IMPORT, status=201,
          event="backup.import_record")
def import_record(cinder: Cinder, ctx: Context, body: Document) -> Document:
    """Record a backup that is kept already."""
    record = body["backup-record"]
    row = backup_records.import_(cinder, ctx, record["backup_service"], record["backup_url"])
    return {"backup": summary(row)}


def _metadata(ctx: Context, row: Any) -> Document:
    return {"metadata": row.meta} if ctx.version >= (3, 43) else {}
