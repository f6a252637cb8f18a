"""How attachments are reached: storage hosts are asked to export volumes, and to end that.

The row is written before the host is asked, and says from then on that there may be an export: who
sweeps exports leaves it alone. It goes only after the export has.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cairn.cinder.component import Cinder
from cairn.cinder.core import attachments, events, messages, records, services, volumes
from cairn.cinder.core.attachments import ATTACHED, ATTACHING, DETACHING, RESERVED
from cairn.cinder.db.models import Attachment, QosSpecs, Volume, VolumeType
from cairn.cinder.errors import (
    AttachmentNotFound,
    BackendDown,
    ExportFailed,
    InvalidVolume,
    VolumeBusy,
    VolumeNotFound,
)
from cairn.cinder.rpc import VolumeRecord, host_of
from cairn.common.context import Context
from cairn.common.db import utcnow
from cairn.common.errors import Problem
from cairn.common.patience import AWAY, patiently

T = TypeVar("T")


def create(
    cinder: Cinder, ctx: Context, volume_id: str, server_id: str | None, *,
    connector: dict[str, Any] | None = None, mode: str | None = None,
) -> Attachment:
    """Reserve a volume, and with a connector export it at once; when that fails nothing of it
    stays. Raises VolumeNotFound, InvalidVolume, BackendDown, ExportFailed."""

    def begin(session: Session) -> Attachment:
        volume = volumes.find(session, ctx, volume_id)
        cinder.policy.enforce(ctx, "volume:attachment_create", {"project_id": volume.project_id})
        return attachments.reserve(
            session, cinder, ctx, attachments.hold(session, volume.id), server_id, mode)

    row = cinder.db.write(begin)
    if connector is None:
        return row
    try:
        return connect(cinder, ctx, row.id, connector)
    except Problem:
        with suppress(Problem):
            drop(cinder, ctx, row.id)
        raise


def connect(
    cinder: Cinder, ctx: Context, attachment_id: str, connector: dict[str, Any]
) -> Attachment:
    """Export the volume to the connector's host; the attachment with its connection. When that
    fails the attachment is as it was. Raises AttachmentNotFound, InvalidVolume, BackendDown,
    ExportFailed."""

    def begin(session: Session) -> tuple[VolumeRecord, dict[str, Any], dict[str, Any]]:
        row = attachments.find(session, ctx, attachment_id, lock=True)
        volume = attachments.hold(session, row.volume_id)
        cinder.policy.enforce(ctx, "volume:attachment_update", {"project_id": volume.project_id})
        attachments.refuse_broken(volume)
        if row.status == DETACHING:
            raise VolumeBusy(reason=f"Attachment {row.id} is being deleted.")
        before = {"status": row.status, "connector": row.connector, "mode": row.mode}
        # What was said when it was made goes before what the connector says.
        if row.status == RESERVED and row.mode == "rw" and connector.get("mode") == "ro":
            row.mode = "ro"
        row.connector = connector
        if row.status != ATTACHED:
            row.status = ATTACHING
        row.updated_at = utcnow()  # Also where it was asked for before: see interrupted.py.
        session.flush()
        attachments.settle(session, volume.id)
        session.expire(volume)
        events.record(session, ctx, "volume.attach.start", volume, **attachments.describe(row))
        more = _data(session, volume, row)
        return records.of_volume(session, volume), more, before

    volume, more, before = cinder.db.write(begin)
    try:
        info = ask_export(cinder, ctx, volume, attachment_id,
                          connector | {"read_only": more["access_mode"] == "ro"})
    except Problem as problem:
        error = problem
        cinder.db.write(lambda session: _put_back(session, ctx, attachment_id, before, error))
        raise
    flat = {"driver_volume_type": info["driver_volume_type"], **info["data"], **more,
            "discard": bool(info["data"].get("discard", False))}

    def store(session: Session) -> Attachment | None:
        try:
            row = attachments.find(session, ctx, attachment_id, lock=True)
        except (AttachmentNotFound, VolumeNotFound):
            return None
        if row.status == DETACHING:
            return None
        if row.connector != connector:
            raise VolumeBusy(reason=f"Another request has just updated attachment {row.id}.")
        if row.status == RESERVED:  # We were thought dead.
            row.status = ATTACHING
        row.connection_info, row.attached_at = flat, utcnow()
        row.mountpoint = connector.get("mountpoint") or row.mountpoint
        session.flush()
        attachments.settle(session, row.volume_id)
        return row

    stored = cinder.db.write(store)
    if stored is None:  # Deleted meanwhile: who did that may have been before the export.
        ask_unexport(cinder, ctx, volume, attachment_id)
        raise AttachmentNotFound(attachment_id)
    return stored


def _put_back(
    session: Session, ctx: Context, attachment_id: str, before: dict[str, Any], problem: Problem
) -> None:
    row = session.scalar(select(Attachment).where(Attachment.id == attachment_id))
    if row is None:
        return
    volume = attachments.hold(session, row.volume_id)
    if row.status != DETACHING:
        row.status, row.mode = before["status"], before["mode"]
        # Of one that was asked for in vain it stays known that there may be an export.
        row.connector = before["connector"] or row.connector
        session.flush()
        attachments.settle(session, volume.id)
    messages.add(session, ctx, "attach_volume", "volume", volume.id, volume.project_id,
                 str(problem), cause=type(problem).__name__)
    session.expire(volume)
    events.record(session, ctx, "volume.attach.error", volume, error=str(problem),
                  **attachments.describe(row))


def delete(cinder: Cinder, ctx: Context, attachment_id: str) -> list[Attachment]:
    """End the export and forget the attachment; the volume's others. When its host can not be
    asked everything is as before. Raises AttachmentNotFound, UsedByServer, BackendDown,
    ExportFailed."""
    row = attachments.show(cinder, ctx, attachment_id)
    cinder.policy.enforce(ctx, "volume:attachment_delete", {"project_id": row.project_id})
    attachments.check_unused(cinder, ctx, [row])
    drop(cinder, ctx, attachment_id)
    with cinder.db.reading() as session:
        return list(attachments.of_volume(session, row.volume_id))


def drop(
    cinder: Cinder, ctx: Context, attachment_id: str, *, force: bool = False, again: bool = False
) -> None:
    """The same, whoever asks; with `force` also when the host can not be asked: what it still
    exports it takes away when it is back. With `again`, for an attachment that a dead request was
    deleting, it stays in deletion then."""

    def begin(session: Session) -> tuple[VolumeRecord, str, bool] | None:
        row = attachments.find(session, ctx, attachment_id, lock=True)
        if not row.connector:  # Nobody was ever asked to export it.
            attachments.forget(session, ctx, row)
            return None
        volume = attachments.hold(session, row.volume_id)
        before, row.status = row.status, DETACHING
        if before == DETACHING and not again:
            # Another request's, dead or slow. Who asks now is told that it failed, and it has.
            before = ATTACHED
        row.updated_at = utcnow()
        session.flush()
        return records.of_volume(session, volume), before, bool(row.connection_info)

    begun = cinder.db.write(begin)
    if begun is None:
        return
    volume, before, told = begun
    try:
        ask_unexport(cinder, ctx, volume, attachment_id)
    except Problem:
        # Where nobody was told how to reach an export, nobody uses what there may be of it.
        if told and not force:
            cinder.db.write(lambda session: _undetach(session, attachment_id, before))
            raise
    cinder.db.write(lambda session: _gone(session, ctx, attachment_id))


def disconnect(cinder: Cinder, ctx: Context, attachment_id: str) -> None:
    """End the export of an attachment that stays until its volume is said to be detached; one that
    never came to be attached goes. Raises BackendDown, ExportFailed."""
    row = attachments.show(cinder, ctx, attachment_id)
    if row.status != ATTACHED:
        drop(cinder, ctx, attachment_id)
        return
    with cinder.db.reading() as session:
        volume = records.volume(session, row.volume_id)
    ask_unexport(cinder, ctx, volume, attachment_id)

    def forget(session: Session) -> None:
        session.execute(update(Attachment).where(
            Attachment.id == attachment_id, Attachment.status == ATTACHED)
            .values(connector={}, connection_info={}))

    cinder.db.write(forget)


def _undetach(session: Session, attachment_id: str, before: str) -> None:
    row = session.scalar(select(Attachment).where(Attachment.id == attachment_id))
    if row is not None and row.status == DETACHING:
        row.status = before


def _gone(session: Session, ctx: Context, attachment_id: str) -> None:
    row = session.scalar(select(Attachment).where(Attachment.id == attachment_id))
    if row is not None:
        attachments.forget(session, ctx, row)


# --- What a storage host is asked ----------------------------------------------------------------


def ask_export(
    cinder: Cinder, ctx: Context, volume: VolumeRecord, attachment_id: str,
    connector: dict[str, Any],
) -> dict[str, Any]:
    """The driver's {"driver_volume_type", "data"}. Raises BackendDown, ExportFailed."""
    return _ask(cinder, volume, "export it", lambda host, seconds: cinder.volume.export(
        ctx, host=host, volume=volume, attachment_id=attachment_id, connector=connector,
        timeout=seconds))


def ask_unexport(
    cinder: Cinder, ctx: Context, volume: VolumeRecord, attachment_id: str
) -> None:
    """Raises BackendDown, ExportFailed."""
    _ask(cinder, volume, "end its export", lambda host, seconds: cinder.volume.unexport(
        ctx, host=host, volume=volume, attachment_id=attachment_id, timeout=seconds))


def _ask(
    cinder: Cinder, volume: VolumeRecord, what: str, ask: Callable[[str, float], T]
) -> T:
    """Again when there is no answer for a while: it may be lost, with the broker or with who was
    to give it. All of it within `connect_timeout`."""
    _require_host(cinder, volume)
    seconds = cinder.api.connect_timeout / 4
    try:
        return patiently(lambda: ask(host_of(volume["host"]), seconds), 2 * seconds,
                         f"asking a storage host to {what}", brief=0)
    except Problem as problem:
        raise _translated(problem, what) from problem


def _require_host(cinder: Cinder, volume: VolumeRecord) -> None:
    """Nobody waits for a host that has been silent for long. Raises BackendDown."""
    with cinder.db.reading() as session:
        if not services.is_up(session, volume["host"], cinder.service):
            raise BackendDown


def _translated(problem: Problem, what: str) -> Problem:
    if problem.code in AWAY:
        return BackendDown()
    if problem.code == 400:
        return InvalidVolume(reason=str(problem))
    return ExportFailed(what=what, cause=problem)


def _data(session: Session, volume: Volume, row: Attachment) -> dict[str, Any]:
    """What every connection says beside where it goes."""
    qos = session.scalar(
        select(QosSpecs.specs).join(VolumeType, VolumeType.qos_specs_id == QosSpecs.id)
        .where(VolumeType.id == volume.type_id, QosSpecs.consumer.in_(("front-end", "both"))))
    return {"volume_id": volume.id, "attachment_id": row.id, "access_mode": row.mode,
            "qos_specs": qos or None, "encrypted": volume.encryption_key_id is not None,
            "multiattach": volume.multiattach}
