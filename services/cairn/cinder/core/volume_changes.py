"""What is changed of a volume at once: names, flags, what it remembers of its image, its status."""

from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

from cairn.cinder.component import Cinder
from cairn.cinder.core import events, volumes
from cairn.cinder.db.models import Volume
from cairn.cinder.errors import InvalidVolume
from cairn.common.context import Context
from cairn.common.errors import NotFound

STATUSES = (
    "available", "attaching", "awaiting-transfer", "backing-up", "creating", "deleting",
    "detaching", "downloading", "error", "error_backing-up", "error_deleting", "error_extending",
    "error_managing", "error_restoring", "extending", "in-use", "maintenance", "managing",
    "reserved", "restoring-backup", "retyping", "uploading")
ATTACH_STATUSES = ("attached", "detached", "attaching", "detaching", "reserved", "error_attaching",
                   "error_detaching", "deleted")
MIGRATION_STATUSES = ("migrating", "error", "success", "completing", "none", "starting")


def _change(
    cinder: Cinder, ctx: Context, volume_id: str, change: Callable[[Volume], None]
) -> None:
    def write(session: Session) -> None:
        row = volumes.locked(session, ctx, volume_id)
        change(row)
        session.flush()
        events.record(session, ctx, "volume.update.end", row)

    cinder.db.write(write)


def update(cinder: Cinder, ctx: Context, volume_id: str, values: dict[str, Any]) -> None:
    """Set these columns. Raises VolumeNotFound."""

    def change(row: Volume) -> None:
        for name, value in values.items():
            setattr(row, name, value)

    _change(cinder, ctx, volume_id, change)


def set_readonly(cinder: Cinder, ctx: Context, volume_id: str, readonly: bool) -> None:
    """Raises InvalidVolume for one that is used."""

    def change(row: Volume) -> None:
        if row.status != "available":
            raise InvalidVolume(reason=f"Volume {row.id} status must be available to update "
                                       f"readonly flag, but current status is: {row.status}.")
        row.readonly = readonly

    _change(cinder, ctx, volume_id, change)


def set_image_metadata(
    cinder: Cinder, ctx: Context, volume_id: str, more: dict[str, str]
) -> dict[str, str]:
    """What it remembers of an image, with these, too; all of it then."""
    remembered: dict[str, str] = {}

    def change(row: Volume) -> None:
        row.image_meta = {**row.image_meta, **more}
        remembered.update(row.image_meta)

    _change(cinder, ctx, volume_id, change)
    return remembered


def unset_image_metadata(cinder: Cinder, ctx: Context, volume_id: str, key: str) -> None:
    """Raises NotFound where there is no such key."""

    def change(row: Volume) -> None:
        if key not in row.image_meta:
            raise NotFound(f"Image metadata key {key} of volume", row.id)
        row.image_meta = {name: value for name, value in row.image_meta.items() if name != key}

    _change(cinder, ctx, volume_id, change)


def reset_status(
    cinder: Cinder, ctx: Context, volume_id: str, status: str | None, attach: str | None,
    migration: str | None,
) -> None:
    """Say what it is, whatever it was; None: that stays."""

    def change(row: Volume) -> None:
        if status is not None:
            row.status, row.previous_status = status, None
        if attach is not None:
            row.attach_status = attach
        if migration is not None:
            row.migration_status = None if migration == "none" else migration

    _change(cinder, ctx, volume_id, change)
