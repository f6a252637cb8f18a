"""Volumes: looking them up, and what is asked of them."""

from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import exists, or_, select, update
from sqlalchemy.orm import Session, aliased

from cairn.cinder.component import Cinder
from cairn.cinder.core import events, group_members, images, keys, quotas, services, types, works
from cairn.cinder.core.flows import create as create_flow
from cairn.cinder.core.flows import delete as delete_flow
from cairn.cinder.db.models import Attachment, Snapshot, Volume
from cairn.cinder.errors import (
    InvalidInput,
    InvalidVolume,
    SnapshotNotFound,
    VolumeNotFound,
)
from cairn.common.context import Context


def find(session: Session, ctx: Context, volume_id: str) -> Volume:
    """The volume, if the caller may know of it. Raises VolumeNotFound."""
    query = select(Volume).where(Volume.id == volume_id)
    if not (ctx.is_admin or ctx.is_service):
        query = query.where(Volume.project_id == ctx.project)
    row = session.scalar(query)
    if row is None:
        raise VolumeNotFound(volume_id)
    return row


def find_any(session: Session, volume_id: str) -> Volume | None:
    """The volume, whosever it is; None when it is gone."""
    return session.scalar(select(Volume).where(Volume.id == volume_id))


def locked(session: Session, ctx: Context, volume_id: str) -> Volume:
    """The volume as it is now, and stays until the end of the transaction. Raises
    VolumeNotFound."""
    find(session, ctx, volume_id)
    row = session.scalar(select(Volume).where(Volume.id == volume_id).with_for_update(),
                         execution_options={"populate_existing": True})
    if row is None:
        raise VolumeNotFound(volume_id)
    return row


# What the migration_status of a volume begins with that another migrates to; its id follows.
TARGET = "target:"


def is_target(volume: Volume) -> bool:
    """Whether it is nobody's own: another becomes what it is."""
    return (volume.migration_status or "").startswith(TARGET)


def is_migrating(volume: Volume) -> bool:
    """Whether its bytes are on their way to another backend, or it is where another's go."""
    return volume.migration_status not in (None, "success", "error")


@dataclass(frozen=True)
class Order:
    """A volume that is asked for; `size` in GiB, None where its source says it."""

    size: int | None = None
    name: str | None = None
    description: str | None = None
    type: str | None = None
    zone: str | None = None
    snapshot_id: str | None = None
    source_volid: str | None = None
    image_id: str | None = None
    backup_id: str | None = None
    group_id: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    hints: dict[str, Any] = field(default_factory=dict)
    multiattach: bool = False


def create(
    cinder: Cinder, ctx: Context, order: Order, *, server_images: bool = True
) -> Volume:
    """Record a volume and let a backend be chosen for it. An image of a server on volumes has no
    bytes and stands for a snapshot, with `server_images`. Raises what names the field that is
    wrong, OverLimit."""
    check_sources(order)
    image = _image(cinder, ctx, order)
    if image is not None and server_images and (snapshot := images.root_snapshot(image)):
        order, image = replace(order, image_id=None, snapshot_id=snapshot), None
    unified = quotas.of_keystone(cinder, ctx, ctx.project)
    made, runner = cinder.db.write(lambda session: add(
        session, cinder, ctx, order, image, unified))
    cinder.ring(ctx, runner)
    return made


def check_sources(order: Order) -> None:
    """Raises InvalidInput for an order of more than one source."""
    sources = [order.snapshot_id, order.source_volid, order.image_id, order.backup_id]
    if sum(source is not None for source in sources) > 1:
        raise InvalidInput(reason="A volume is made from one of snapshot_id, source_volid, "
                                  "imageRef and backup_id.")


def _image(cinder: Cinder, ctx: Context, order: Order) -> dict[str, Any] | None:
    if order.image_id is None:
        return None
    if order.size is None:
        raise InvalidInput(reason="size is needed for a volume that is made from an image.")
    return images.fitting(cinder, ctx, order.image_id, order.size)


def add(
    session: Session, cinder: Cinder, ctx: Context, order: Order, image: dict[str, Any] | None,
    unified: dict[str, int],
) -> tuple[Volume, str]:
    """The row of a volume, within the project's limits, and whom to ring after the commit. Raises
    as create() does."""
    if order.group_id is not None and order.type is None:
        raise InvalidInput(reason="volume_type must be provided when creating a volume in a "
                                  "group.")
    source, snapshot = _sources(session, ctx, order)
    origin: Any = source or snapshot
    size = order.size or (origin.size if origin is not None else 0)
    if origin is not None and size < origin.size:
        kind = "source volume" if source is not None else "snapshot"
        raise InvalidInput(reason=f"Invalid input for field/attribute size. {size}: it must not be "
                                  f"smaller than the {kind}'s, {origin.size}.")
    if size < 1:
        raise InvalidInput(reason="size is needed, an integer greater than 0.")
    parent = source or (find_any(session, snapshot.volume_id) if snapshot else None)
    type_ = types.choose(session, cinder, ctx, order.type, parent, image)
    if order.group_id is not None:
        group_members.admit(session, ctx, order.group_id, type_.id)
    zone = _zone(session, cinder, order, parent)
    quotas.check_size(session, cinder, ctx.project, size, unified)
    quotas.claim(session, cinder, ctx.project, {"volumes": 1, "gigabytes": size},
                 type_name=type_.name, unified=unified)
    row = Volume(
        project_id=ctx.project, user_id=ctx.user_id, name=order.name,
        description=order.description, status="creating", size=size, availability_zone=zone,
        type_id=type_.id, snapshot_id=order.snapshot_id, source_volid=order.source_volid,
        image_id=order.image_id, meta=order.metadata, group_id=order.group_id,
        multiattach=order.multiattach or types.is_multiattach(type_),
        bootable=bool(parent is not None and parent.bootable),
        image_meta=dict(parent.image_meta) if parent is not None else {},
    )
    passphrase = keys.unseal(cinder, image, ctx.project) if image is not None else None
    if passphrase is not None and type_.encryption is None:
        raise InvalidInput(reason=f"volume_type: {type_.name} makes no encrypted volumes, and "
                                  f"image {order.image_id} is of one.")
    if type_.encryption is not None or (parent is not None and parent.encryption_key_id):
        row.encryption_key_id = keys.keep(session, cinder, parent, passphrase)
    session.add(row)
    session.flush()
    events.record(session, ctx, "volume.create.start", row)
    args: dict[str, Any] = {"attempt": 1, "excluded": [], "errors": [], "hints": order.hints}
    if order.backup_id is not None:
        args["backup"] = order.backup_id
    if image is not None:
        args["image"] = images.lent(image)
    return row, works.add(session, ctx, create_flow.ACTION, row, args)


def _sources(
    session: Session, ctx: Context, order: Order
) -> tuple[Volume | None, Snapshot | None]:
    if order.source_volid is not None:
        source = locked(session, ctx, order.source_volid)
        if source.status not in ("available", "in-use"):
            raise InvalidVolume(reason=f"Source volume {source.id} must be available or in-use, "
                                       f"it is {source.status}.")
        return source, None
    if order.snapshot_id is not None:
        query = select(Snapshot).where(Snapshot.id == order.snapshot_id,
                                       Snapshot.hidden.is_(False))
        if not ctx.is_admin:
            query = query.where(Snapshot.project_id == ctx.project)
        # It stays until the volume is written: a deletion then sees that it is needed.
        snapshot = session.scalar(query.with_for_update())
        if snapshot is None:
            raise SnapshotNotFound(order.snapshot_id)
        if snapshot.status != "available":
            raise InvalidInput(reason=f"Snapshot {snapshot.id} must be available, it is "
                                      f"{snapshot.status}.")
        return None, snapshot
    return None, None


def _zone(session: Session, cinder: Cinder, order: Order, parent: Volume | None) -> str:
    if order.zone is None:
        return parent.availability_zone if parent is not None else cinder.api.default_zone
    if services.zones(session).get(order.zone):
        return order.zone
    if cinder.api.allow_availability_zone_fallback:
        return cinder.api.default_zone
    raise InvalidInput(reason=f"Availability zone '{order.zone}' is invalid.")


def delete(
    cinder: Cinder, ctx: Context, volume_id: str, *, cascade: bool = False, force: bool = False
) -> None:
    """Begin to delete the caller's volume. Raises VolumeNotFound, InvalidVolume."""

    def begin(session: Session) -> str:
        row = find(session, ctx, volume_id)
        entry = delete_flow.ACTION.entries[1 if force else 0]
        attached = exists().where(Attachment.volume_id == row.id)
        clone = aliased(Volume)
        conditions = [or_(Volume.migration_status.is_(None), Volume.migration_status.in_(
            ("success", "error")) | Volume.migration_status.like(f"{TARGET}%") & ~attached)]
        conditions.append(~select(clone.id).where(
            clone.source_volid == row.id, clone.status == "creating").exists())
        if not force:
            conditions += [~attached, Volume.group_id.is_(None)]
        if not cascade:
            conditions.append(~exists().where(Snapshot.volume_id == row.id))
        else:
            conditions.append(~select(clone.id).where(
                clone.status == "creating", clone.snapshot_id.in_(
                    select(Snapshot.id).where(Snapshot.volume_id == row.id))).exists())
            conditions.append(~exists().where(
                Snapshot.volume_id == row.id,
                Snapshot.status.not_in(("available", "error", "error_deleting", "deleting"))))
        if not works.claim(session, "volume", row.id, delete_flow.ACTION, entry, *conditions):
            raise InvalidVolume(reason=(
                "Volume status must be available or error or error_restoring or error_extending "
                "or error_managing and must not be migrating, attached, belong to a group, have "
                "snapshots, awaiting a transfer, or be disassociated from snapshots after volume "
                f"transfer. It is {row.status}."))
        # They go first: nobody uses what may be gone when this fails.
        session.execute(update(Snapshot).where(Snapshot.volume_id == row.id)
                        .values(status="deleting"))
        events.record(session, ctx, "volume.delete.start", row)
        return works.add(session, ctx, delete_flow.ACTION, row, {"cascade": cascade})

    cinder.ring(ctx, cinder.db.write(begin))
