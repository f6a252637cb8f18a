"""What neutron forgets, and what bounds the rest."""

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import Session

from cairn.common import events
from cairn.common.db import Database
from cairn.common.purge import Age, Identity, Orphans, Purge, drop
from cairn.neutron.core import kinds
from cairn.neutron.db.models import Event, EventReader, Quota, QuotaUsage, Tag
from cairn.neutron.settings import RpcServerSettings

PROCESS = "neutron-rpc-server"

_QUOTA = "the quota of each project"
KEPT = {
    "networks": _QUOTA, "subnets": _QUOTA, "subnetpools": _QUOTA, "ports": _QUOTA,
    "routers": _QUOTA, "floatingips": _QUOTA, "security_groups": _QUOTA,
    "security_group_rules": _QUOTA,
    "ip_allocations": "goes with its port", "port_security_groups": "goes with its port",
    "router_interfaces": "goes with its port", "dhcp_servers": "goes with its network",
    "agents": "the hosts of the cloud", "periodic": "one row for each periodic thing",
}
TAGGED = (kinds.NETWORKS, kinds.SUBNETS, kinds.POOLS, kinds.PORTS, kinds.ROUTERS, kinds.FLOATING,
          kinds.GROUPS, kinds.RULES)


def make(settings: RpcServerSettings, db: Database, cloud: Identity | None) -> Purge:
    """The purge that the RPC server runs: tags and usages of nothing, old events, and the quotas of
    projects that keystone (`cloud`) no longer has."""
    return Purge(db, settings.purge, (
        Age("tags of nothing", ("tags",), 1.0, loose_tags),
        Age("usages of nothing", ("quota_usages",), 1.0, idle),
        events.age(Event, EventReader, settings.purge),
    ), (
        Orphans("quotas of gone projects", ("quotas",), owners, disown),
    ), cloud)


def loose_tags(session: Session, before: dt.datetime, limit: int) -> int:
    """Tags of what is gone."""
    loose = [~exists().where(table.c.id == Tag.resource_id) for table in TAGGED]
    keys = session.scalars(
        select(Tag.resource_id).where(*loose).distinct().limit(limit)).all()
    return drop(session, Tag, Tag.resource_id.in_(keys)) if keys else 0


def idle(session: Session, before: dt.datetime, limit: int) -> int:
    """Usages that say nothing: they are written again by who uses something."""
    keys = session.execute(
        select(QuotaUsage.project_id, QuotaUsage.resource).where(QuotaUsage.used == 0)
        .limit(limit)
    ).all()
    if not keys:
        return 0
    these = or_(*(and_(QuotaUsage.project_id == project, QuotaUsage.resource == resource)
                  for project, resource in keys))
    return drop(session, QuotaUsage, these, QuotaUsage.used == 0)


def owners(session: Session) -> set[str]:
    """The projects that have quotas of their own."""
    return set(session.scalars(select(Quota.project_id).distinct()))


def disown(session: Session, projects: Sequence[str]) -> int:
    """Delete the quotas of these projects; how many rows that were."""
    return drop(session, Quota, Quota.project_id.in_(projects))
