"""What a volume holds: of a snapshot again, of another image; and it becoming an image."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cairn.cinder.component import Cinder
from cairn.cinder.core import events, images, keys, snapshots, volumes, works
from cairn.cinder.core.flows import copy_volume_to_image as upload_flow
from cairn.cinder.core.flows import reimage as reimage_flow
from cairn.cinder.core.flows import revert as revert_flow
from cairn.cinder.db.models import Snapshot, Volume
from cairn.cinder.errors import InvalidInput, InvalidSnapshot, InvalidVolume
from cairn.common.context import Context
from cairn.common.db import changed, new_id
from cairn.common.errors import Problem

# What an image is made with that is not the volume's to say.
_BASIC = {"image_id", "image_name", "checksum", "container_format", "disk_format", "min_disk",
          "min_ram", "size", "signature_verified"}


def revert(cinder: Cinder, ctx: Context, volume_id: str, snapshot_id: str) -> None:
    """Begin to give a volume what its latest snapshot holds. Raises VolumeNotFound,
    SnapshotNotFound, InvalidVolume, InvalidSnapshot, InvalidInput."""

    def begin(session: Session) -> str:
        row = volumes.locked(session, ctx, volume_id)
        snapshot = snapshots.locked(session, ctx, snapshot_id)
        latest = session.scalar(
            select(Snapshot.id).where(Snapshot.volume_id == row.id)
            .order_by(Snapshot.number.desc()).limit(1))
        if snapshot.volume_id != row.id or latest != snapshot.id:
            raise InvalidInput(reason=f"Specified snapshot_id {snapshot.id} isn't the latest one "
                                      f"of volume {row.id}.")
        if snapshot.size != row.size:
            raise InvalidInput(reason=f"Can't revert volume {row.id} to its latest snapshot "
                                      f"{snapshot.id}: it was extended since.")
        if row.status != "available" or volumes.is_migrating(row):
            raise InvalidVolume(reason=f"Can't revert volume {row.id}: it must be available, it is "
                                       f"{row.status}.")
        if not changed(session.execute(
                update(Snapshot).where(Snapshot.id == snapshot.id, Snapshot.status == "available")
                .values(status="restoring"))):
            raise InvalidSnapshot(reason=f"Snapshot {snapshot.id} must be available, it is "
                                         f"{snapshot.status}.")
        works.take(session, "volume", row, revert_flow.ACTION)
        events.record(session, ctx, "volume.revert.start", row)
        return works.add(session, ctx, revert_flow.ACTION, row, {"snapshot_id": snapshot.id})

    cinder.ring(ctx, cinder.db.write(begin))


def reimage(
    cinder: Cinder, ctx: Context, volume_id: str, image_id: str, *, reserved: bool
) -> None:
    """Begin to write an image over a volume. Raises VolumeNotFound, Remote for the image,
    InvalidVolume, InvalidInput."""
    with cinder.db.reading() as session:
        size = volumes.find(session, ctx, volume_id).size
    image = images.fitting(cinder, ctx, image_id, size)
    if keys.SEALED in image:
        raise InvalidInput(reason=f"image_id: image {image_id} is of an encrypted volume, and "
                                  "makes new volumes only.")

    def begin(session: Session) -> str:
        row = volumes.locked(session, ctx, volume_id)
        entry = reimage_flow.ACTION.entries[1 if reserved else 0]
        before = row.status
        if before not in (entry.states or ()) or volumes.is_migrating(row) or row.host is None:
            raise InvalidVolume(reason=f"Volume {row.id} must be {' or '.join(entry.states or ())} "
                                       f"to get another image, it is {before}.")
        if row.size < size:
            raise InvalidVolume(reason=f"Volume {row.id} is another by now.")
        works.take(session, "volume", row, reimage_flow.ACTION, entry)
        events.record(session, ctx, "volume.reimage.start", row)
        return works.add(session, ctx, reimage_flow.ACTION, row, {
            "before": before, "image": images.lent(image)})

    cinder.ring(ctx, cinder.db.write(begin))


def upload(
    cinder: Cinder, ctx: Context, volume_id: str, image: Mapping[str, Any], *, force: bool
) -> tuple[Volume, dict[str, Any]]:
    """Begin to make an image of a volume: what is asked of Glance; the volume and the image.
    Raises VolumeNotFound, InvalidVolume, Remote for what Glance refuses."""
    with cinder.db.reading() as session:
        row = volumes.find(session, ctx, volume_id)
        _check_uploadable(row, force)
        asked = {name: str(value) for name, value in row.image_meta.items()
                 if name not in _BASIC} | {**image, "min_disk": row.size}
        if row.encryption_key_id is not None:
            asked |= _sealed(session, cinder, row, row.encryption_key_id, image)
    made = cinder.cloud.images.create(ctx, asked)

    def begin(session: Session) -> tuple[Volume, str]:
        row = volumes.locked(session, ctx, volume_id)
        _check_uploadable(row, force)
        works.take(session, "volume", row, upload_flow.ACTION,
                   upload_flow.ACTION.entries[1 if force else 0])
        events.record(session, ctx, "volume.upload.start", row, image_id=made["id"])
        return row, works.add(session, ctx, upload_flow.ACTION, row, {"image": {
            "id": made["id"], "purpose": "fill", "disk_format": image["disk_format"]}})

    try:
        row, runner = cinder.db.write(begin)
    except BaseException:
        _forget_image(cinder, ctx, made["id"])
        raise
    cinder.ring(ctx, runner)
    return row, made


def _check_uploadable(row: Volume, force: bool) -> None:
    allowed = upload_flow.ACTION.entries[1 if force else 0].states or ()
    if row.status not in allowed or volumes.is_migrating(row):
        raise InvalidVolume(reason=f"Volume {row.id} status must be {' or '.join(allowed)}, but "
                                   f"current status is: {row.status}. One that is in-use needs "
                                   "force.")


def _sealed(
    session: Session, cinder: Cinder, row: Volume, key_id: str, image: Mapping[str, Any]
) -> dict[str, Any]:
    """What is said of an image that is an encrypted volume's container as it is. Raises
    InvalidInput for a format that is more."""
    for name, only in (("disk_format", "raw"), ("container_format", "bare")):
        if image[name] != only:
            raise InvalidInput(reason=f"{name}: an encrypted volume becomes an image as it is, "
                                      f"{only}, not {image[name]}.")
    id_ = new_id()
    return {"id": id_,
            keys.SEALED: keys.seal(session, cinder, key_id, id_, row.project_id)}


def _forget_image(cinder: Cinder, ctx: Context, image_id: str) -> None:
    try:
        cinder.cloud.images.delete(ctx, image_id)
    except Problem:
        pass  # It is the owner's, and empty.
