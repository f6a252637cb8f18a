"""POST /volumes/{id}/action: what its owner and administrators do to a volume."""

from cairn.cinder.api.schemas import BOOLEAN, METADATA, SIZE, closed, is_true, wrapped
from cairn.cinder.component import Cinder
from cairn.cinder.core import extending, volume_changes, volume_lists, volumes
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
