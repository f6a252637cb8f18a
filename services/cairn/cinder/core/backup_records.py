"""Records of backups: all that it takes to know one again after the database was lost, or in
another cloud that reaches where it is kept.

The key of an encrypted one travels as the database has it, wrapped by the deployment's own: who
does not have that can not import it.
"""

import base64
import binascii
import datetime as dt
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.cinder.component import Cinder
from cairn.cinder.core import backup_places, events, keys, quotas, services
from cairn.cinder.core.backups import find
from cairn.cinder.core.values import stamp
from cairn.cinder.db.models import Backup, EncryptionKey
from cairn.cinder.errors import InvalidBackup, InvalidInput, NoBackupService
from cairn.common.bounds import uuid_of
from cairn.common.context import Context
from cairn.common.db import utcnow
from cairn.common.errors import Invalid, Unavailable

# Of the row, as they are.
_COLUMNS = ("id", "name", "description", "volume_id", "snapshot_id", "size", "stored",
            "object_count", "container", "host", "driver", "availability_zone", "volume_facts",
            "meta")


def export(cinder: Cinder, ctx: Context, backup_id: str) -> dict[str, str]:
    """Raises BackupNotFound, InvalidBackup, NoBackupService."""
    with cinder.db.reading() as session:
        row = find(session, ctx, backup_id)
        if row.status != "available":
            raise InvalidBackup(reason=f"Backup status must be available, it is {row.status}.")
        record: dict[str, Any] = {name: getattr(row, name) for name in _COLUMNS}
        record |= {"data_timestamp": stamp(row.data_timestamp), "parent_id": row.parent_id,
                   "kept": backup_places.record(row)}
        if row.encryption_key_id is not None:
            record["key"] = session.scalar(select(EncryptionKey.wrapped).where(
                EncryptionKey.id == row.encryption_key_id))
    return {"backup_service": row.driver or "",
            "backup_url": base64.b64encode(orjson.dumps(record)).decode()}


def import_(cinder: Cinder, ctx: Context, service: str, url: str) -> Backup:
    """A backup as a record tells of it. Raises InvalidInput; InvalidBackup for one that is there
    already, or that stands on one which is not; NoBackupService where nobody reaches it;
    OverLimit."""
    unified = quotas.of_keystone(cinder, ctx, ctx.project)

    def write(session: Session) -> Backup:
        told = _read(url)
        if session.scalar(select(Backup.number).where(Backup.id == told.id)) is not None:
            raise InvalidBackup(reason="Backup already exists in database.")
        if service not in {row.report.get("driver") for row in
                           services.of_binary(session, services.BACKUP)}:
            raise NoBackupService(reason=f"none keeps backups by {service:.255}.")
        told.project_id, told.user_id = ctx.project, ctx.user_id
        told.driver = service
        host = backup_places.owner(session, cinder, told)
        if host is None:
            raise backup_places.refuse(session, cinder, told)
        told.host = host
        _stand(session, told)
        quotas.claim(session, cinder, ctx.project, {
            "backups": 1, "backup_gigabytes": told.size}, unified=unified)
        if (wrapped := told.provider.pop("key", None)) is not None:
            told.encryption_key_id = _key(session, cinder, wrapped)
        session.add(told)
        session.flush()
        events.record_backup(session, ctx, "backup.import_record", told)
        return told

    return cinder.db.write(write)


def _stand(session: Session, told: Backup) -> None:
    """What it stands on is known by its own id, or by that under which it is kept: it may have been
    imported under another."""
    if told.parent_id is None:
        return
    parent = session.scalar(select(Backup).where(Backup.id == told.parent_id))
    if parent is None:
        parent = next((row for row in session.scalars(
            select(Backup).where(Backup.volume_id == told.volume_id))
            if backup_places.record(row)["id"] == told.parent_id), None)
    if parent is None:
        raise InvalidBackup(reason=f"backup_url: the backup stands on backup {told.parent_id}, "
                                   "which is not here. Import that one first.")
    told.parent_id = parent.id


def _key(session: Session, cinder: Cinder, wrapped: str) -> str:
    try:
        return keys.adopt(session, cinder, wrapped)
    except Unavailable as unknown:
        raise InvalidBackup(reason=(
            "backup_url: the backup is encrypted, and its key is wrapped by a secret that this "
            "cloud does not have. Add that of the cloud it comes from to [encryption] "
            "keys.")) from unknown


def _read(url: str) -> Backup:
    """The row that a record tells of, in no session. Raises InvalidInput."""
    try:
        record = orjson.loads(base64.b64decode(url, validate=True))
        size, facts = record["size"], record.get("volume_facts") or {}
        kept = record.get("kept") or {}
        if not isinstance(size, int) or isinstance(size, bool) or not 0 < size < 1 << 31:
            raise ValueError
        made = Backup(
            id=uuid_of(record["id"], "id"), volume_id=uuid_of(record["volume_id"], "volume_id"),
            parent_id=_uuid(record.get("parent_id")),
            snapshot_id=_uuid(record.get("snapshot_id")), status="available", size=size,
            stored=_number(record.get("stored")),
            object_count=min(_number(record.get("object_count")) or 0, (1 << 31) - 1),
            name=_text(record.get("name")), description=_text(record.get("description")),
            host=_text(record.get("host")), container=_text(record.get("container")),
            availability_zone=_text(record.get("availability_zone")),
            data_timestamp=_moment(record.get("data_timestamp")),
            meta=_texts(record.get("meta")),
            volume_facts={
                "type": _text(facts.get("type")), "name": _text(facts.get("name")),
                "bootable": bool(facts.get("bootable")), "meta": _texts(facts.get("meta")),
                "image_meta": _texts(facts.get("image_meta"))},
            provider={"target": _text(kept.get("target")), "container": _text(
                kept.get("container")), "data": _uuid(kept.get("id"))})
        if isinstance(record.get("key"), str):
            made.provider = made.provider | {"key": record["key"]}
    except (ValueError, TypeError, AttributeError, KeyError, binascii.Error, Invalid) as error:
        raise InvalidInput(reason="backup_url: it is no record of a backup.") from error
    return made


def _text(value: Any) -> str | None:
    return value[:255] if isinstance(value, str) else None


def _texts(value: Any) -> dict[str, str]:
    """As metadata may be."""
    told = value if isinstance(value, dict) else {}
    return {name[:255]: text for name, text in told.items() if isinstance(text, str)}


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and 0 <= value < 1 << 62 else None


def _uuid(value: Any) -> str | None:
    return uuid_of(value, "id") if value is not None else None


def _moment(value: Any) -> dt.datetime:
    return dt.datetime.fromisoformat(value).replace(tzinfo=None) if value else utcnow()
