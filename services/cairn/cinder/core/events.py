"""What is told of volumes and what belongs to them (common/events.py): upstream's types and
payloads, as far as they are at hand."""

from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

from cairn.cinder.core.values import stamp
from cairn.cinder.db.models import Event
from cairn.common.context import Context

START, END, ERROR = "start", "end", "error"


def record(
    session: Session, ctx: Context, type_: str, volume: Any, *, error: str | None = None,
    **more: Any,
) -> None:
    """Record, in the transaction that changes the volume, that `type_` (volume.resize.end) is
    so."""
    payload = describe(volume) | more
    if error is not None:
        payload["error"] = error.partition("\n")[0]
    Event.record(session, ctx, type_, "volume", volume.id, payload, project_id=volume.project_id)


def describe(volume: Any) -> dict[str, Any]:
    """A volume as upstream's notifications describe it."""
    return {
        "volume_id": volume.id, "tenant_id": volume.project_id, "user_id": volume.user_id,
        "display_name": volume.name, "size": volume.size, "status": volume.status,
        "availability_zone": volume.availability_zone, "volume_type": volume.type_id,
        "host": volume.host, "snapshot_id": volume.snapshot_id,
        "created_at": stamp(volume.created_at), "launched_at": stamp(volume.launched_at),
        "metadata": volume.meta, "replication_status": None,
    }


def record_snapshot(
    session: Session, ctx: Context, type_: str, snapshot: Any, *, error: str | None = None
) -> None:
    """The same of a snapshot (snapshot.create.end)."""
    payload = {
        "snapshot_id": snapshot.id, "tenant_id": snapshot.project_id,
        "user_id": snapshot.user_id, "volume_id": snapshot.volume_id,
        "volume_size": snapshot.size, "display_name": snapshot.name, "status": snapshot.status,
        "created_at": stamp(snapshot.created_at), "metadata": snapshot.meta,
    }
    if error is not None:
        payload["error"] = error.partition("\n")[0]
    Event.record(session, ctx, type_, "snapshot", snapshot.id, payload,
                 project_id=snapshot.project_id)


def record_backup(
    session: Session, ctx: Context, type_: str, backup: Any, *, error: str | None = None
) -> None:
    """The same of a backup (backup.create.end)."""
    payload = {
        "backup_id": backup.id, "tenant_id": backup.project_id, "user_id": backup.user_id,
        "volume_id": backup.volume_id, "snapshot_id": backup.snapshot_id, "size": backup.size,
        "display_name": backup.name, "status": backup.status, "host": backup.host,
        "created_at": stamp(backup.created_at), "object_count": backup.object_count,
        "fail_reason": backup.fail_reason, "is_incremental": backup.parent_id is not None,
    }
    if error is not None:
        payload["error"] = error.partition("\n")[0]
    Event.record(session, ctx, type_, "backup", backup.id, payload, project_id=backup.project_id)


def record_group(
    session: Session, ctx: Context, type_: str, group: Any, *, error: str | None = None
) -> None:
    """The same of a group (group.create.end)."""
    payload = {
        "group_id": group.id, "tenant_id": group.project_id, "user_id": group.user_id,
        "name": group.name, "status": group.status, "group_type": group.group_type_id,
        "availability_zone": group.availability_zone, "created_at": stamp(group.created_at),
    }
    if error is not None:
        payload["error"] = error.partition("\n")[0]
    Event.record(session, ctx, type_, "group", group.id, payload, project_id=group.project_id)


def record_group_snapshot(
    session: Session, ctx: Context, type_: str, taken: Any, *, error: str | None = None
) -> None:
    """The same of a group's snapshot (group_snapshot.create.end)."""
    payload = {
        "group_snapshot_id": taken.id, "tenant_id": taken.project_id, "user_id": taken.user_id,
        "name": taken.name, "status": taken.status, "group_id": taken.group_id,
        "group_type": taken.group_type_id, "created_at": stamp(taken.created_at),
    }
    if error is not None:
        payload["error"] = error.partition("\n")[0]
    Event.record(session, ctx, type_, "group_snapshot", taken.id, payload,
                 project_id=taken.project_id)


def record_of(resource: str) -> Callable[..., None]:
    """What records events of that kind of resource; all are called alike."""
    return _RECORDERS[resource]


_RECORDERS: dict[str, Callable[..., None]] = {
    "volume": record, "snapshot": record_snapshot, "backup": record_backup, "group": record_group,
    "group_snapshot": record_group_snapshot,
}
