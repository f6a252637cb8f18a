"""Attachments: who uses a volume. What a volume's status is follows from them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import case, select, update
from sqlalchemy.orm import Session

from cairn.cinder.component import Cinder
from cairn.cinder.core import events, volumes
from cairn.cinder.db.models import Attachment, Volume
from cairn.cinder.errors import (
    AttachmentNotFound,
    InvalidVolume,
    UsedByServer,
    VolumeNotFound,
)
from cairn.common.context import Context
from cairn.common.db import changed, utcnow
from cairn.common.errors import Problem

RESERVED, ATTACHING, ATTACHED, DETACHING = "reserved", "attaching", "attached", "detaching"
# A volume's status by the first of these that one of its attachments has.
STATUSES = {ATTACHED: "in-use", ATTACHING: "attaching", DETACHING: "detaching",
            RESERVED: "reserved"}
FREE = ("available", *STATUSES.values())


def find(session: Session, ctx: Context, attachment_id: str, *, lock: bool = False) -> Attachment:
    """The attachment, if the caller may know of it; with `lock` its volume stays as it is until
    the transaction ends. Raises AttachmentNotFound."""
    query = select(Attachment).where(Attachment.id == attachment_id)
    if not (ctx.is_admin or ctx.is_service):
        query = query.where(Attachment.project_id == ctx.project)
    row = session.scalar(query)
    if row is not None and lock:
        hold(session, row.volume_id)
        row = session.scalar(query.execution_options(populate_existing=True))
    if row is None:
        raise AttachmentNotFound(attachment_id)
    return row


def show(cinder: Cinder, ctx: Context, attachment_id: str) -> Attachment:
    """Raises AttachmentNotFound."""
    with cinder.db.reading() as session:
        return find(session, ctx, attachment_id)


def hold(session: Session, volume_id: str) -> Volume:
    """The volume, and nobody else changes who uses it until the transaction ends. Raises
    VolumeNotFound."""
    row = session.scalar(select(Volume).where(Volume.id == volume_id).with_for_update()
                         .execution_options(populate_existing=True))
    if row is None:
        raise VolumeNotFound(volume_id)
    return row


def of_volume(session: Session, volume_id: str) -> Sequence[Attachment]:
    """In the order they were made."""
    return session.scalars(
        select(Attachment).where(Attachment.volume_id == volume_id)
        .order_by(Attachment.number)).all()


def refuse_broken(volume: Volume) -> None:
    """Raises InvalidVolume for a volume that nobody can attach as it is."""
    if "error" in volume.status:
        raise InvalidVolume(reason=(
            "Volume attachments can not be created or updated if the volume is in an error state. "
            f"The Volume {volume.id} currently has a status of: {volume.status} "))
    if volume.host is None or volume.status in ("creating", "deleting", "managing", "unmanaging"):
        raise InvalidVolume(reason=f"Volume {volume.id} is {volume.status}.")


def reserve(
    session: Session, cinder: Cinder, ctx: Context, volume: Volume, server_id: str | None,
    mode: str | None,
) -> Attachment:
    """A new attachment of a volume that is free for one; two at once cannot both have one that
    only one may use. `volume` is held. Raises InvalidVolume, Forbidden."""
    refuse_broken(volume)
    moves = ctx.is_admin or ctx.is_service
    if volumes.is_migrating(volume) and not (volumes.is_target(volume) and moves):
        raise InvalidVolume(reason=f"Volume {volume.id} is migrating: try again when that is over.")
    if volume.multiattach and volume.status == "in-use" and volume.bootable:
        cinder.policy.enforce(ctx, "volume:multiattach_bootable_volume",
                              {"project_id": volume.project_id})
    allowed = ("available", "in-use") if volume.multiattach else ("available",)
    taken = changed(session.execute(
        update(Volume).where(Volume.id == volume.id, Volume.status.in_(allowed))
        .values(status="reserved")))
    # One whose server moves to another host is used there for a while, too.
    moving = (server_id is not None and volume.status in ("in-use", "reserved")
              and any(each.instance_id == server_id for each in of_volume(session, volume.id)))
    if not taken and not moving:
        raise InvalidVolume(reason=f"Volume {volume.id} status must be "
                                   f"{' or '.join(allowed)}, it is {volume.status}.")
    row = Attachment(
        project_id=volume.project_id, volume_id=volume.id, instance_id=server_id,
        status=RESERVED, mode="ro" if volume.readonly else mode or "rw", connector={},
        connection_info={})
    session.add(row)
    session.flush()
    session.expire(volume)
    events.record(session, ctx, "volume.reserve", volume, **describe(row))
    return row


def settle(session: Session, volume_id: str) -> None:
    """The volume's status says what its attachments do. Something that is being done to it goes
    on, and it is so afterwards."""
    states = {each.status for each in of_volume(session, volume_id)}
    status = next((STATUSES[each] for each in STATUSES if each in states), "available")
    session.execute(
        update(Volume).where(Volume.id == volume_id).values(
            status=case((Volume.status.in_(FREE), status), else_=Volume.status),
            previous_status=case(
                (Volume.status.in_(FREE), Volume.previous_status),
                (Volume.previous_status.in_(FREE), status), else_=Volume.previous_status),
            attach_status="attached" if ATTACHED in states else "detached"))


def complete(cinder: Cinder, ctx: Context, attachment_id: str) -> None:
    """The guest has it. Raises AttachmentNotFound, InvalidVolume."""

    def finish(session: Session) -> None:
        row = find(session, ctx, attachment_id, lock=True)
        volume = hold(session, row.volume_id)
        if row.status not in (ATTACHING, ATTACHED):
            raise InvalidVolume(reason=f"Attachment {row.id} is {row.status}: it has not been "
                                       "connected.")
        row.status, row.attached_at = ATTACHED, row.attached_at or utcnow()
        session.flush()
        settle(session, volume.id)
        session.expire(volume)
        events.record(session, ctx, "volume.attach.end", volume, **describe(row))

    cinder.db.write(finish)


def forget(session: Session, ctx: Context, row: Attachment) -> None:
    """It is gone; its volume is held."""
    volume = hold(session, row.volume_id)
    told = describe(row)
    session.delete(row)
    session.flush()
    settle(session, volume.id)
    session.expire(volume)
    events.record(session, ctx, "volume.detach.end", volume, **told)


def check_unused(cinder: Cinder, ctx: Context, rows: Sequence[Any]) -> None:
    """Nobody but a service takes a disk away that a server of nova's has. Raises UsedByServer,
    what nova says when it can not tell."""
    if ctx.is_service:
        return
    for row in rows:
        if row.instance_id is None:
            continue
        try:
            used = cinder.cloud.compute.attachment(ctx, row.instance_id, row.volume_id)
        except Problem as problem:
            if problem.code == 404:
                continue
            raise
        if used.get("attachment_id") in (None, row.id):
            raise UsedByServer(server=row.instance_id)


def rows_of(cinder: Cinder, ctx: Context, volume_id: str) -> Sequence[Attachment]:
    """Of a volume that the caller may know of. Raises VolumeNotFound."""
    with cinder.db.reading() as session:
        return of_volume(session, volumes.find(session, ctx, volume_id).id)


def describe(row: Attachment) -> dict[str, Any]:
    """As events tell of it."""
    return {"attachment_id": row.id, "instance_uuid": row.instance_id,
            "attach_status": row.status}
