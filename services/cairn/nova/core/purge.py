"""What nova forgets, and what bounds the rest."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from cairn.common import events
from cairn.common.db import Database
from cairn.common.ledger import OPEN
from cairn.common.purge import DAY, Age, Identity, Orphans, Purge, drop
from cairn.nova.core import console_tokens, servers
from cairn.nova.core.flows import create
from cairn.nova.db.models import (
    Event,
    EventReader,
    FlavorAccess,
    Quota,
    Server,
    Usage,
    UserQuota,
    Work,
)
from cairn.nova.settings import ConductorProcess

PROCESS = "nova-conductor"
HOUR = 3600.0

KEPT = {
    "flavors": "the operator's",
    "keypairs": "key_pairs of each user",
    "server_groups": "server_groups of each project",
    "server_group_members": "server_group_members of each group; goes with its server",
    "services": "the processes of the cloud",
    "hypervisors": "the hosts of the cloud",
    "aggregates": "the operator's",
    "aggregate_hosts": "the operator's",
    "periodic": "one row for each periodic thing",
}


def make(settings: ConductorProcess, db: Database, cloud: Identity | None) -> Purge:
    """The conductor's purge; with `cloud` it asks which projects are gone, too."""
    own = settings.purge
    return Purge(db, own, (
        Age("deleted servers",
            ("servers", "work", "work_steps", "block_device_mapping", "migrations"),
            own.deleted_days * DAY, servers.purge),
        Age("works of no server", ("work", "work_steps"), own.deleted_days * DAY, strays),
        Age("actions of servers that live", ("work", "work_steps"), float(own.actions > 0),
            lambda session, before, limit: surplus(session, own.actions, limit)),
        Age("tokens of consoles", ("console_tokens",), HOUR, console_tokens.purge),
        events.age(Event, EventReader, own),
        Age("usages of nothing", ("usages",), 1.0, idle),
    ), (
        Orphans("quotas and flavors of gone projects",
                ("quotas", "project_user_quotas", "flavor_access"), owners, disown),
    ), cloud)


def strays(session: Session, before: dt.datetime, limit: int) -> int:
    """Works that ended before then, whose server is forgotten."""
    keys = session.scalars(
        select(Work.seq).where(
            Work.finished_at < before, Work.state.not_in(OPEN),
            ~exists().where(Server.id == Work.subject))
        .order_by(Work.seq).limit(limit)
    ).all()
    return drop(session, Work, Work.seq.in_(keys)) if keys else 0


def surplus(session: Session, kept: int, limit: int) -> int:
    """The oldest ended works of servers that have more than `kept`; never how one was made."""
    ended = (Work.state.not_in(OPEN), Work.kind != create.ACTION.kind)
    many = session.scalars(
        select(Work.subject).where(*ended).group_by(Work.subject)
        .having(func.count() > kept).limit(limit)
    ).all()
    gone = 0
    for subject in many:
        mine: Any = (*ended, Work.subject == subject)
        keys = session.scalars(
            select(Work.seq).where(*mine).order_by(Work.seq.desc()).offset(kept)
            .limit(limit - gone)
        ).all()
        gone += drop(session, Work, Work.seq.in_(keys))
        if gone >= limit:
            break
    return gone


def idle(session: Session, before: dt.datetime, limit: int) -> int:
    """Usages that say nothing: they are written again by who uses something."""
    nothing = (Usage.instances == 0, Usage.cores == 0, Usage.ram == 0)
    keys = session.scalars(select(Usage.project_id).where(*nothing).limit(limit)).all()
    return drop(session, Usage, Usage.project_id.in_(keys), *nothing) if keys else 0


def owners(session: Session) -> set[str]:
    """The projects that have limits of their own or may use a flavor by grant; classes are none."""
    limited = session.scalars(
        select(Quota.project_id).where(Quota.project_id.not_like("class:%")).distinct())
    return {*limited, *session.scalars(select(UserQuota.project_id).distinct()),
            *session.scalars(select(FlavorAccess.project_id).distinct())}


def disown(session: Session, projects: Sequence[str]) -> int:
    """Forget the limits and flavor grants of these projects; how many rows went."""
    return (drop(session, Quota, Quota.project_id.in_(projects))
            + drop(session, UserQuota, UserQuota.project_id.in_(projects))
            + drop(session, FlavorAccess, FlavorAccess.project_id.in_(projects)))
