"""POST /volumes/{id}/action: what its owner and administrators do to a volume."""

from cairn.cinder.api.schemas import BOOLEAN, METADATA, SIZE, UUID, closed, is_true, wrapped
from cairn.cinder.component import Cinder
from cairn.cinder.core import (
    contents,
    extending,
    managing,
    migrations,
    volume_changes,
    volume_lists,
    volumes,
)
from cairn.cinder.core.values import stamp
from cairn.cinder.policy import RULES
from cairn.common.api import Api, Document
from cairn.common.context import Context

api = Api(RULES)

ACTION = "/volumes/<volume_id>/action"
NOTHING = {"type": ["object", "null"]}


@api.post(ACTION, action="os-extend", policy="volume:extend", status=202,
          body=wrapped("os-extend", closed(["new_size"], new_size=SIZE)), event="volume.resize")
def extend(cinder: Cinder, ctx: Context, volume_id: str, body: Document) -> None:
    """Begin to make a volume larger; its servers see it when that is done."""
    extending.extend(cinder, ctx, volume_id, int(body["os-extend"]["new_size"]))


@api.post(ACTION, action="os-extend_volume_completion", status=202, since="3.71",
          policy="volume_extension:volume_admin_actions:extend_volume_completion",
          body=wrapped("os-extend_volume_completion", closed(error=BOOLEAN)),
          changes_nothing="No volume waits for its servers to grow: it only refuses.")
def complete_extension(cinder: Cinder, ctx: Context, volume_id: str, body: Document) -> None:
    """Would end an extension that waits for the server's host: backends of ours grow volumes in use
    by themselves."""
    extending.refuse_completion(cinder, ctx, volume_id)


@api.post(ACTION, action="os-set_bootable", policy="volume:update", event="volume.update",
          body=wrapped("os-set_bootable", closed(["bootable"], bootable=BOOLEAN)))
def set_bootable(cinder: Cinder, ctx: Context, volume_id: str, body: Document) -> None:
    """Say whether servers may boot from a volume."""
    volume_changes.update(cinder, ctx, volume_id, {
        "bootable": is_true(body["os-set_bootable"]["bootable"])})


@api.post(ACTION, action="os-update_readonly_flag", policy="volume:update_readonly_flag",
          status=202, event="volume.update",
          body=wrapped("os-update_readonly_flag", closed(["readonly"], readonly=BOOLEAN)))
def set_readonly(cinder: Cinder, ctx: Context, volume_id: str, body: Document) -> None:
    """Say whether servers may only read a volume."""
    volume_changes.set_readonly(cinder, ctx, volume_id,
                                is_true(body["os-update_readonly_flag"]["readonly"]))


@api.post(ACTION, action="os-reset_status", status=202, event="volume.update",
          policy="volume_extension:volume_admin_actions:reset_status",
          body=wrapped("os-reset_status", closed(
              status={"enum": [None, *volume_changes.STATUSES]},
              attach_status={"enum": [None, *volume_changes.ATTACH_STATUSES]},
              migration_status={"enum": [None, *volume_changes.MIGRATION_STATUSES]},
          ) | {"minProperties": 1}))
def reset_status(cinder: Cinder, ctx: Context, volume_id: str, body: Document) -> None:
    """Say what status a volume has, whatever it had."""
    asked = body["os-reset_status"]
    volume_changes.reset_status(cinder, ctx, volume_id, asked.get("status"),
                                asked.get("attach_status"), asked.get("migration_status"))


@api.post(ACTION, action="os-force_delete", status=202, event="volume.delete",
          policy="volume_extension:volume_admin_actions:force_delete",
          body=wrapped("os-force_delete", NOTHING))
def force_delete(cinder: Cinder, ctx: Context, volume_id: str, body: Document) -> None:
    """Begin to delete a volume in whatever status it is."""
    volumes.delete(cinder, ctx, volume_id, force=True)


@api.post(ACTION, action="os-set_image_metadata", event="volume.update",
          policy="volume_extension:volume_image_metadata:set",
          body=wrapped("os-set_image_metadata", closed(["metadata"], metadata=METADATA)))
def set_image_metadata(cinder: Cinder, ctx: Context, volume_id: str, body: Document) -> Document:
    """Add to what a volume remembers of its image."""
    return {"metadata": volume_changes.set_image_metadata(
        cinder, ctx, volume_id, body["os-set_image_metadata"]["metadata"])}


@api.post(ACTION, action="os-unset_image_metadata", event="volume.update",
          policy="volume_extension:volume_image_metadata:remove",
          body=wrapped("os-unset_image_metadata", closed(
              ["key"], key={"type": "string", "minLength": 1, "maxLength": 255})))
def unset_image_metadata(cinder: Cinder, ctx: Context, volume_id: str, body: Document) -> None:
    """Forget one key of what a volume remembers of its image."""
    volume_changes.unset_image_metadata(cinder, ctx, volume_id,
                                        body["os-unset_image_metadata"]["key"])


@api.post(ACTION, action="os-show_image_metadata",
          policy="volume_extension:volume_image_metadata:show",
          body=wrapped("os-show_image_metadata", NOTHING), changes_nothing="it only shows")
def show_image_metadata(cinder: Cinder, ctx: Context, volume_id: str, body: Document) -> Document:
    """Show what a volume remembers of its image."""
    row, _ = volume_lists.one(cinder, ctx, volume_id)
    return {"metadata": row.image_meta}


@api.post(ACTION, action="os-retype", policy="volume:retype", status=202, event="volume.retype",
          body=wrapped("os-retype", closed(["new_type"], new_type={
              "type": "string", "minLength": 1, "maxLength": 255},
              migration_policy={"enum": [None, "never", "on-demand"]})))
def retype(cinder: Cinder, ctx: Context, volume_id: str, body: Document) -> None:
    """Begin to give a volume another type; with on-demand it may move for that."""
    asked = body["os-retype"]
    migrations.retype(cinder, ctx, volume_id, asked["new_type"],
                      asked.get("migration_policy") or "never")


@api.post(ACTION, action="os-migrate_volume", status=202, event="volume.migrate",
          policy="volume_extension:volume_admin_actions:migrate_volume",
          body=wrapped("os-migrate_volume", closed(
              ["host"], host={"type": "string", "minLength": 1, "maxLength": 255},
              force_host_copy=BOOLEAN, lock_volume=BOOLEAN, cluster={"type": "null"})))
def migrate(cinder: Cinder, ctx: Context, volume_id: str, body: Document) -> None:
    """Begin to move a volume to another pool. Its bytes are always copied by hosts, and one that
    nobody uses is always locked meanwhile."""
    migrations.migrate(cinder, ctx, volume_id, body["os-migrate_volume"]["host"])


@api.post(ACTION, action="os-migrate_volume_completion", event="volume.update",
          policy="volume_extension:volume_admin_actions:migrate_volume_completion",
          body=wrapped("os-migrate_volume_completion", closed(
              ["new_volume"], new_volume=UUID, error=BOOLEAN)))
def complete_migration(cinder: Cinder, ctx: Context, volume_id: str, body: Document) -> Document:
    """End a migration of a volume in use: Nova says whether the guest has moved."""
    asked = body["os-migrate_volume_completion"]
    return {"save_volume_id": migrations.complete(
        cinder, ctx, volume_id, asked["new_volume"], failed=is_true(asked.get("error", False)))}


@api.post(ACTION, action="revert", policy="volume:revert_to_snapshot", status=202, since="3.40",
          event="volume.revert", body=wrapped("revert", closed(
              ["snapshot_id"], snapshot_id=UUID)))
def revert(cinder: Cinder, ctx: Context, volume_id: str, body: Document) -> None:
    """Begin to give a volume what its latest snapshot holds."""
    contents.revert(cinder, ctx, volume_id, body["revert"]["snapshot_id"])


@api.post(ACTION, action="os-reimage", policy="volume:reimage", status=202, since="3.68",
          event="volume.reimage", body=wrapped("os-reimage", closed(
              ["image_id"], image_id=UUID, reimage_reserved=BOOLEAN)))
def reimage(cinder: Cinder, ctx: Context, volume_id: str, body: Document) -> None:
    """Begin to write an image over a volume; of one that is reserved for a server, services may."""
    asked = body["os-reimage"]
    reserved = is_true(asked.get("reimage_reserved", False))
    if reserved:
        cinder.policy.enforce(ctx, "volume:reimage_reserved")
    contents.reimage(cinder, ctx, volume_id, asked["image_id"], reserved=reserved)


UPLOAD = wrapped("os-volume_upload_image", closed(
    ["image_name"], image_name={"type": "string", "minLength": 1, "maxLength": 255},
    force=BOOLEAN, disk_format={"enum": [
        "raw", "vmdk", "vdi", "qcow2", "vhd", "vhdx", "ploop"]},
    container_format={"type": "string", "minLength": 1, "maxLength": 255},
    visibility={"enum": ["community", "public", "private", "shared"]}, protected=BOOLEAN))


@api.post(ACTION, action="os-volume_upload_image", status=202, event="volume.upload", body=UPLOAD,
          policy="volume_extension:volume_actions:upload_image")
def upload(cinder: Cinder, ctx: Context, volume_id: str, body: Document) -> Document:
    """Begin to make an image of a volume."""
    asked = body["os-volume_upload_image"]
    image = {"name": asked["image_name"], "disk_format": asked.get("disk_format", "raw"),
             "container_format": asked.get("container_format", "bare")}
    if ctx.version >= (3, 1):
        image["visibility"] = asked.get("visibility", "private")
        image["protected"] = is_true(asked.get("protected", False))
        if image["visibility"] == "public":
            cinder.policy.enforce(ctx, "volume_extension:volume_actions:upload_public")
    volume, made = contents.upload(cinder, ctx, volume_id, image,
                                   force=is_true(asked.get("force", False)))
    row, _ = volume_lists.one(cinder, ctx, volume.id)
    shown: Document = {
        "id": row.id, "updated_at": stamp(row.updated_at), "status": "uploading",
        "display_description": row.description, "size": row.size, "image_id": made["id"],
        "volume_type": {"id": row.type_id, "name": row.type_name} if row.type_id else None,
        "container_format": image["container_format"], "disk_format": image["disk_format"],
        "image_name": image["name"]}
    if ctx.version >= (3, 1):
        shown |= {"visibility": image["visibility"], "protected": image["protected"]}
    return {"os-volume_upload_image": shown}


@api.post(ACTION, action="os-unmanage", status=202, event="volume.unmanage",
          policy="volume_extension:volume_unmanage", body=wrapped("os-unmanage", NOTHING))
def unmanage(cinder: Cinder, ctx: Context, volume_id: str, body: Document) -> None:
    """Begin to leave a volume to itself: it is forgotten here, and stays in its backend."""
    managing.unmanage(cinder, ctx, volume_id)
