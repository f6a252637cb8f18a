"""What cinder forgets, and what bounds the rest."""

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.cinder.db.models import (
    DefaultType,
    Event,
    EventReader,
    Message,
    Quota,
    QuotaLock,
    Transfer,
    VolumeTypeAccess,
    Work,
)
from cairn.cinder.settings import SchedulerProcess
from cairn.common import events
from cairn.common.db import Database, utcnow
from cairn.common.ledger import OPEN
from cairn.common.purge import DAY, Age, Identity, Orphans, Purge, drop

PROCESS = "cinder-scheduler"

KEPT = {
    "volumes": "volumes of each project",
    "snapshots": "snapshots of each project",
    "volume_attachments": "the servers that use volumes; go with their volumes",
    "backups": "backups of each project",
    "groups": "groups of each project",
    "group_snapshots": "snapshots of each project",
    "encryption_keys": "one for each encrypted volume; go with them",
    "volume_types": "the operator's",
    "qos_specs": "the operator's",
    "group_types": "the operator's",
    "services": "the processes of the cloud",
    "periodic": "one row for each periodic thing",
}


def make(settings: SchedulerProcess, db: Database, cloud: Identity | None) -> Purge:
    """The scheduler's purge; with `cloud` it asks which projects are gone, too."""
    own = settings.purge
    return Purge(db, own, (
        Age("works that ended", ("work", "work_steps"), own.work_days * DAY, works),
        Age("offers that were accepted", ("volume_transfers",), own.transfer_days * DAY, transfers),
        Age("messages", ("messages",), 1.0, messages),
        events.age(Event, EventReader, own),
        Age("locks that nobody holds", ("quota_locks",), DAY, locks),
    ), (
        Orphans("quotas and types of gone projects",
                ("quotas", "volume_type_projects", "default_volume_types"), owners, disown),
    ), cloud)


def works(session: Session, before: dt.datetime, limit: int) -> int:
    """Works that ended before then."""
    keys = session.scalars(
        select(Work.seq).where(Work.finished_at < before, Work.state.not_in(OPEN))
        .order_by(Work.seq).limit(limit)).all()
    return drop(session, Work, Work.seq.in_(keys)) if keys else 0


def transfers(session: Session, before: dt.datetime, limit: int) -> int:
    """Accepted offers that were made before then; one that is open holds its volume, and is its
    owner's to take back."""
    keys = session.scalars(
        select(Transfer.number).where(Transfer.created_at < before, Transfer.accepted.is_(True))
        .limit(limit)).all()
    return drop(session, Transfer, Transfer.number.in_(keys)) if keys else 0


def messages(session: Session, before: dt.datetime, limit: int) -> int:
    """Messages whose time is over."""
    keys = session.scalars(
        select(Message.number).where(Message.expires_at < utcnow()).limit(limit)).all()
    return drop(session, Message, Message.number.in_(keys)) if keys else 0


def locks(session: Session, before: dt.datetime, limit: int) -> int:
    """Locks that were last held before then."""
    keys = session.scalars(
        select(QuotaLock.project_id).where(QuotaLock.locked_at < before).limit(limit)).all()
    if not keys:
        return 0
    return drop(session, QuotaLock, QuotaLock.project_id.in_(keys), QuotaLock.locked_at < before)


def owners(session: Session) -> set[str]:
    """The projects that have limits of their own, or types; classes are none."""
    limited = session.scalars(
        select(Quota.project_id).where(Quota.project_id.not_like("class:%")).distinct())
    return {*limited, *session.scalars(select(VolumeTypeAccess.project_id).distinct()),
            *session.scalars(select(DefaultType.project_id))}


def disown(session: Session, projects: Sequence[str]) -> int:
    """Forget the limits and types of these projects; how many rows went."""
    return (drop(session, Quota, Quota.project_id.in_(projects))
            + drop(session, VolumeTypeAccess, VolumeTypeAccess.project_id.in_(projects))
            + drop(session, DefaultType, DefaultType.project_id.in_(projects)))
