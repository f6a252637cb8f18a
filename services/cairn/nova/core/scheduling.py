"""What the scheduler reads of hosts: a few queries for all of them, however many there are."""

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import Row, and_, func, or_, select
from sqlalchemy.orm import Session

from cairn.common.ledger import OPEN
from cairn.nova.core import hosts
from cairn.nova.db.models import Aggregate, AggregateHost, Hypervisor, Server, Service, Work

# More of them are not named one by one: all are read.
NAMED = 1500
# What a host does to a server that keeps its disks and its network busy.
_BUSY = ("rebuilding", "rebuild_block_device_mapping", "rebuild_spawning", "resize_prep",
         "resize_migrating", "resize_migrated", "resize_finish", "resize_reverting", "migrating",
         "image_snapshot_pending", "image_snapshot", "image_pending_upload", "image_uploading",
         "image_backup", "shelving", "shelving_image_pending_upload", "shelving_image_uploading",
         "unshelving", "spawning")

_H: Any = Hypervisor.__table__.c
_V: Any = Service.__table__.c
_S: Any = Server.__table__.c
_W: Any = Work.__table__.c
_ROWS = select(
    _H.id, _H.host, _H.node, _H.updated_at, _H.failed_builds, _V.seen_at, _V.forced_down,
    _V.disabled, _V.disabled_reason,
).join_from(_H.id.table, _V.id.table, and_(_V.host == _H.host, _V.binary == hosts.COMPUTE),
            isouter=True).order_by(_H.number)
_HERE = (_S.deleted.is_(False), _S.host.is_not(None))
_INSTANCES = select(_S.host, func.count().label("servers")).where(*_HERE).group_by(_S.host)
_IO_OPS = (
    select(_S.host, func.count(_S.id.distinct()).label("servers"))
    .join_from(_W.subject.table, _S.id.table, _W.subject == _S.id)
    .where(*_HERE, _W.state.in_(OPEN), or_(_S.vm_state == "building", _S.task_state.in_(_BUSY)))
    .group_by(_S.host)
)
_IMAGES = select(_S.host, _S.image).where(*_HERE, _S.image.is_not(None))


def hypervisors(session: Session, ids: Collection[str] | None = None) -> list[Row[Any]]:
    """Those with such ids (None: all), in the order in which they were first heard of, each with
    what its nova-compute is (all None where it was never heard of)."""
    if ids is None or len(ids) > NAMED:
        rows: list[Any] = list(session.execute(_ROWS))
        return [row for row in rows if ids is None or row.id in ids]
    return list(session.execute(_ROWS.where(_H.id.in_(ids))))


def count(session: Session) -> int:
    """How many hypervisors there are."""
    return session.scalar(select(func.count()).select_from(_H.id.table)) or 0


def pinned(session: Session, host: str | None, node: str | None) -> str | None:
    """The id of the hypervisor on that host and of that name (None: any), if there is one."""
    query = select(_H.id)
    for column, value in ((_H.host, host), (_H.node, node)):
        if value is not None:
            query = query.where(column == value)
    return session.scalar(query.limit(1))


def reports(session: Session, ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """What hypervisors last said of themselves, by id."""
    query = select(_H.id, _H.report)
    if len(ids) <= NAMED:
        query = query.where(_H.id.in_(ids))
    return {row.id: row.report for row in session.execute(query) if row.id in ids}


def aggregates(session: Session) -> dict[int, Any]:
    """Rows of aggregates, with number, zone and meta, by number."""
    return {row.number: row for row in session.execute(
        select(Aggregate.number, Aggregate.zone, Aggregate.meta))}


def memberships(session: Session, names: Collection[str]) -> dict[str, list[int]]:
    """The aggregates of these hosts, by host."""
    query = select(AggregateHost.host, AggregateHost.aggregate)
    if len(names) <= NAMED:
        query = query.where(AggregateHost.host.in_(names))
    by_host: dict[str, list[int]] = {}
    for host, aggregate in session.execute(query.order_by(AggregateHost.aggregate)):
        by_host.setdefault(host, []).append(aggregate)
    return by_host


def instances(session: Session) -> dict[str, int]:
    """How many servers each host has."""
    return {row.host: row.servers for row in session.execute(_INSTANCES)}


def io_ops(session: Session) -> dict[str, int]:
    """How many servers each host makes, moves or copies now."""
    return {row.host: row.servers for row in session.execute(_IO_OPS)}


def image_properties(session: Session) -> dict[str, dict[tuple[str, str], int]]:
    """How many of each host's servers have an image's property of such a value."""
    by_host: dict[str, dict[tuple[str, str], int]] = {}
    for host, image in session.execute(_IMAGES):
        counts = by_host.setdefault(host, {})
        for name, value in image.get("properties", {}).items():
            key = name, str(value)
            counts[key] = counts.get(key, 0) + 1
    return by_host


def hosts_of(session: Session, server_ids: Iterable[str]) -> dict[str, str]:
    """Where servers are, by id; of those that are anywhere."""
    return {row.id: row.host for row in session.execute(
        select(Server.id, Server.host).where(
            Server.id.in_(list(server_ids)), Server.host.is_not(None),
            Server.deleted.is_(False)))}
