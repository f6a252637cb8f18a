"""Limits, and counting that no two requests can pass together.

Nothing is reserved and given back: what a project uses is counted from the rows themselves, under
a lock of the project's, in the transaction that adds to them.
"""

from dataclasses import asdict
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cairn.cinder.component import Cinder
from cairn.cinder.core import unified_limits
from cairn.cinder.db.models import Backup, Group, Quota, QuotaLock, Snapshot, Volume, VolumeType
from cairn.cinder.errors import OverLimit
from cairn.cinder.settings import QuotaSettings
from cairn.common.context import Context
from cairn.common.db import claim_row, utcnow

DEFAULT_CLASS = "class:default"
BASIC = ("volumes", "snapshots", "gigabytes", "backups", "backup_gigabytes", "groups",
         "per_volume_gigabytes")
BY_TYPE = ("volumes", "snapshots", "gigabytes")


def defaults(session: Session, settings: QuotaSettings) -> dict[str, int]:
    """Limits of a project that has none of its own: the class over the settings; those of types
    are no limit until they are set."""
    rows = session.execute(select(Quota.resource, Quota.hard_limit)
                           .where(Quota.project_id == DEFAULT_CLASS))
    names = session.scalars(select(VolumeType.name).order_by(VolumeType.number)).all()
    values: dict[str, int] = {name: asdict(settings)[name] for name in BASIC}
    values |= {f"{what}_{name}": -1 for name in names for what in BY_TYPE}
    return values | {row.resource: row.hard_limit for row in rows}


def limits(session: Session, project_id: str, settings: QuotaSettings) -> dict[str, int]:
    """What holds for the project, by resource; -1 is no limit."""
    own = session.execute(select(Quota.resource, Quota.hard_limit)
                          .where(Quota.project_id == project_id))
    return defaults(session, settings) | {row.resource: row.hard_limit for row in own}


def usage(
    session: Session, project_id: str, settings: QuotaSettings, *, by_type: bool = True
) -> dict[str, int]:
    """What a project uses, by resource: things and GiB; also by type, where any is of one."""
    used = dict.fromkeys(BASIC, 0)

    def add(resource: str, amount: Any, type_name: str | None) -> None:
        used[resource] = used.get(resource, 0) + int(amount or 0)
        if by_type and type_name is not None:
            key = f"{resource}_{type_name}"
            used[key] = used.get(key, 0) + int(amount or 0)

    def counted(table: Any, *conditions: Any) -> Any:
        return session.execute(
            select(VolumeType.name, func.count(), func.sum(table.size))
            .select_from(table).outerjoin(VolumeType, VolumeType.id == table.type_id)
            .where(table.project_id == project_id, *conditions).group_by(VolumeType.name))

    # The target of a migration is no volume of its own.
    mine = (Volume.migration_status.is_(None) | Volume.migration_status.not_like("target:%"))
    for name, count, size in counted(Volume, mine):
        add("volumes", count, name)
        add("gigabytes", size, name)
    for name, count, size in counted(Snapshot, Snapshot.hidden.is_(False)):
        add("snapshots", count, name)
        if not settings.no_snapshot_gb:
            add("gigabytes", size, name)
    backups = session.execute(select(func.count(), func.sum(Backup.size))
                              .where(Backup.project_id == project_id)).one()
    used["backups"], used["backup_gigabytes"] = backups[0], int(backups[1] or 0)
    used["groups"] = session.scalar(
        select(func.count()).select_from(Group).where(Group.project_id == project_id)) or 0
    used["per_volume_gigabytes"] = 0
    return used


def lock(session: Session, project_id: str) -> None:
    """What is counted in this transaction stays so until its end."""
    now = {"locked_at": utcnow()}
    claim_row(session, QuotaLock, {"project_id": project_id}, touched=now, first=now)


def claim(
    session: Session, cinder: Cinder, project_id: str, more: dict[str, int], *,
    type_name: str | None = None, unified: dict[str, int] | None = None,
) -> None:
    """Make sure that the project may have that much more of these resources, each also of its
    type; the rows that take it are to be written in the same transaction. `unified` are keystone's
    limits, asked for before it (unified_limits.py). Raises OverLimit."""
    lock(session, project_id)
    allowed = limits(session, project_id, cinder.quota) | (unified or {})
    used = usage(session, project_id, cinder.quota)
    asked = dict(more)
    if type_name is not None:
        asked |= {f"{name}_{type_name}": amount for name, amount in more.items()
                  if name in BY_TYPE}
    for name, amount in asked.items():
        limit = allowed.get(name, -1)
        if amount > 0 and 0 <= limit < used.get(name, 0) + amount:
            raise OverLimit(name=_words(name), requested=amount, limit=limit,
                            used=used.get(name, 0))


def check_size(
    session: Session, cinder: Cinder, project_id: str, size: int,
    unified: dict[str, int] | None = None,
) -> None:
    """Raises OverLimit for a volume that is bigger than one of the project's may be."""
    allowed = limits(session, project_id, cinder.quota) | (unified or {})
    limit = allowed["per_volume_gigabytes"]
    if 0 <= limit < size:
        raise OverLimit(name="VolumeSizeExceedsLimit", requested=f"{size}G", limit=f"{limit}G",
                        used="0G")


def of_keystone(cinder: Cinder, ctx: Context, project_id: str) -> dict[str, int]:
    """Keystone's limits for the project by our names, before a transaction; empty where keystone
    has none."""
    return unified_limits.of(cinder, ctx, project_id)


def _words(name: str) -> str:
    """The class by which upstream refuses it."""
    if name.startswith("gigabytes"):
        return "VolumeSizeExceedsAvailableQuota"
    if name.startswith("snapshots"):
        return "SnapshotLimitExceeded"
    return {"backups": "BackupLimitExceeded",
            "backup_gigabytes": "VolumeBackupSizeExceedsAvailableQuota",
            "groups": "GroupLimitExceeded"}.get(name, "VolumeLimitExceeded")
