"""The older way to attach, on the same rows: a volume is claimed by one request, connected by
another, and said to be attached by a third."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from cairn.cinder.component import Cinder
from cairn.cinder.core import attachments, connections, events, volumes
from cairn.cinder.core.attachments import ATTACHED, ATTACHING
from cairn.cinder.db.models import Attachment, Volume
from cairn.cinder.errors import InvalidAttachMode, InvalidVolume
from cairn.common.context import Context
from cairn.common.db import changed, utcnow


def reserve(cinder: Cinder, ctx: Context, volume_id: str) -> None:
    """It is attaching: nobody else gets it. Raises VolumeNotFound, InvalidVolume."""

    def claim(session: Session) -> None:
        row = volumes.find(session, ctx, volume_id)
        if row.multiattach and row.status == "in-use" and row.bootable:
            cinder.policy.enforce(ctx, "volume:multiattach_bootable_volume",
                                  {"project_id": row.project_id})
        allowed = ("available", "in-use") if row.multiattach else ("available",)
        if not _swap(session, row, allowed, "attaching"):
            raise InvalidVolume(reason=f"Volume {row.id} status must be "
                                       f"{' or '.join(allowed)}, it is {row.status}.")
        events.record(session, ctx, "volume.reserve", row)

    cinder.db.write(claim)


def unreserve(cinder: Cinder, ctx: Context, volume_id: str) -> None:
    """What is not reserved stays as it is. Raises VolumeNotFound."""

    def give_back(session: Session) -> None:
        row = attachments.hold(session, volumes.find(session, ctx, volume_id).id)
        used = any(each.status == ATTACHED for each in attachments.of_volume(session, row.id))
        _swap(session, row, ("attaching",), "in-use" if used else "available")
        events.record(session, ctx, "volume.unreserve", row)

    cinder.db.write(give_back)


def begin_detaching(cinder: Cinder, ctx: Context, volume_id: str) -> None:
    """Raises VolumeNotFound, InvalidVolume."""

    def claim(session: Session) -> None:
        row = volumes.find(session, ctx, volume_id)
        if row.attach_status != "attached" or not _swap(session, row, ("in-use",), "detaching"):
            raise InvalidVolume(reason="Unable to detach volume. Volume status must be 'in-use' "
                                       "and attach_status must be 'attached' to detach.")
        events.record(session, ctx, "volume.detach.start", row)

    cinder.db.write(claim)


def roll_detaching(cinder: Cinder, ctx: Context, volume_id: str) -> None:
    """It stays in use after all. Raises VolumeNotFound."""

    def give_back(session: Session) -> None:
        row = volumes.find(session, ctx, volume_id)
        _swap(session, row, ("detaching",), "in-use")
        events.record(session, ctx, "volume.detach.rollback", row)

    cinder.db.write(give_back)


def attach(
    cinder: Cinder, ctx: Context, volume_id: str, *, server_id: str | None, host: str | None,
    mountpoint: str, mode: str,
) -> None:
    """The server or host has it. Said again it is so once. Raises VolumeNotFound, InvalidVolume,
    InvalidAttachMode."""

    def record(session: Session) -> None:
        volume = attachments.hold(session, volumes.find(session, ctx, volume_id).id)
        rows = attachments.of_volume(session, volume.id)
        if volume.readonly and mode != "ro":
            raise InvalidAttachMode(mode=mode, volume_id=volume.id)
        row = _same(rows, server_id, host)
        if row is None:
            _require_free(volume)
            row = next((each for each in rows if each.status == ATTACHING
                        and each.instance_id is None and each.attached_host is None), None)
        if row is None:
            row = Attachment(project_id=volume.project_id, volume_id=volume.id, connector={},
                             connection_info={})
            session.add(row)
        row.instance_id, row.attached_host, row.mountpoint = server_id, host, mountpoint
        row.mode, row.status, row.attached_at = mode, ATTACHED, row.attached_at or utcnow()
        session.flush()
        attachments.settle(session, volume.id)
        session.expire(volume)
        events.record(session, ctx, "volume.attach.end", volume, **attachments.describe(row))

    cinder.db.write(record)


def _same(
    rows: Sequence[Attachment], server_id: str | None, host: str | None
) -> Attachment | None:
    """The attachment that is said again."""
    return next((each for each in rows if each.status == ATTACHED
                 and (each.instance_id, each.attached_host) == (server_id, host)), None)


def _require_free(volume: Volume) -> None:
    if volume.host is not None and (
            volume.status in ("available", "attaching")
            or (volume.multiattach and volume.status == "in-use")):
        return
    raise InvalidVolume(reason=f"Volume {volume.id} is {volume.status}: it can not be attached.")


def detach(
    cinder: Cinder, ctx: Context, volume_id: str, attachment_id: str | None, *,
    force: bool = False,
) -> None:
    """Nobody has it under that attachment any more; without one, under the only one there is. What
    nobody has is detached. With `force` also when its host can not be asked, and a volume in error
    is as its attachments say again. Raises VolumeNotFound, InvalidVolume, UsedByServer,
    BackendDown, ExportFailed."""
    rows = attachments.rows_of(cinder, ctx, volume_id)
    if attachment_id is not None:
        chosen = [row for row in rows if row.id == attachment_id]
    else:
        chosen = list(rows)
    if len(chosen) > 1:
        raise InvalidVolume(reason="Detach volume failed: More than one attachment, but no "
                                   "attachment_id provided.")
    attachments.check_unused(cinder, ctx, chosen)
    if chosen and force:
        cinder.db.write(lambda session: session.execute(
            update(Volume).where(Volume.id == volume_id, Volume.status == "error")
            .values(status="in-use")))
    if chosen:
        connections.drop(cinder, ctx, chosen[0].id, force=force)
        return

    def settle(session: Session) -> None:
        row = attachments.hold(session, volumes.find(session, ctx, volume_id).id)
        attachments.settle(session, row.id)
        session.expire(row)
        events.record(session, ctx, "volume.detach.end", row)

    cinder.db.write(settle)


def initialize(
    cinder: Cinder, ctx: Context, volume_id: str, connector: dict[str, Any]
) -> dict[str, Any]:
    """Export the volume to the connector's host; upstream's connection_info. Asked again it is the
    same. Raises VolumeNotFound, InvalidVolume, BackendDown, ExportFailed."""

    def row_of(session: Session) -> str:
        volume = attachments.hold(session, volumes.find(session, ctx, volume_id).id)
        attachments.refuse_broken(volume)
        rows = attachments.of_volume(session, volume.id)
        row = _connected(rows, connector) or next(
            (each for each in rows if not each.connector and each.status == ATTACHED), None)
        if row is None:
            if volume.status == "in-use" and not volume.multiattach:
                raise InvalidVolume(reason=f"Volume {volume.id} is in use elsewhere.")
            row = Attachment(
                project_id=volume.project_id, volume_id=volume.id, status=ATTACHING,
                mode="ro" if volume.readonly else "rw", connector={}, connection_info={})
            session.add(row)
            session.flush()
        return row.id

    id_ = cinder.db.write(row_of)
    row = connections.connect(cinder, ctx, id_, connector)
    data = dict(row.connection_info)
    return {"driver_volume_type": data.pop("driver_volume_type"), "data": data}


def terminate(
    cinder: Cinder, ctx: Context, volume_id: str, connector: dict[str, Any] | None
) -> None:
    """The connector's host does not reach it any more; without one, nobody does. What is not
    connected is well. Raises VolumeNotFound, UsedByServer, BackendDown, ExportFailed."""
    rows = attachments.rows_of(cinder, ctx, volume_id)
    if connector:
        row = _connected(rows, connector)
        chosen = [row] if row is not None else []
    else:
        chosen = [row for row in rows if row.connector]
    attachments.check_unused(cinder, ctx, chosen)
    for row in chosen:
        connections.disconnect(cinder, ctx, row.id)
    with cinder.db.writing() as session:
        events.record(session, ctx, "volume.disconnect", volumes.find(session, ctx, volume_id))


def _connected(
    rows: Sequence[Attachment], connector: dict[str, Any]
) -> Attachment | None:
    """The attachment of that connector's host."""
    return next((each for each in rows
                 if each.connector and each.connector.get("host") == connector.get("host")), None)


def _swap(session: Session, row: Volume, allowed: Sequence[str], status: str) -> bool:
    """Whether the volume was in one of those states, and now is in that one."""
    done = changed(session.execute(
        update(Volume).where(Volume.id == row.id, Volume.status.in_(allowed))
        .values(status=status)))
    session.refresh(row)
    return done
