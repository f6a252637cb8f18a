"""Choosing the pool of a volume: filters, then weighers; a refusal says what each pool lacks."""

import logging
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cairn.cinder.component import Cinder
from cairn.cinder.core import group_members, quotas, services
from cairn.cinder.db.models import QosSpecs, Snapshot, Volume, VolumeType
from cairn.cinder.errors import NoValidBackend
from cairn.cinder.rpc import backend_of
from cairn.cinder.scheduler import filters, refusals, weighers
from cairn.cinder.scheduler.pools import PoolState, Request
from cairn.cinder.settings import SchedulerSettings
from cairn.common.context import Context
from cairn.common.db import utcnow
from cairn.common.errors import Remote
from cairn.common.settings import BadSetting

log = logging.getLogger(__name__)


def pools(session: Session, cinder: Cinder) -> list[PoolState]:
    """Every pool of a backend that works and is not disabled."""
    now, states = utcnow(), []
    held: Any = session.execute(
        select(Volume.host, func.sum(Volume.size), func.count()).where(Volume.host.is_not(None))
        .group_by(Volume.host))
    promised = {host: (int(size), count) for host, size, count in held}
    for service in services.of_binary(session, services.VOLUME):
        if services.trouble(service, cinder.service, now):
            continue
        for figures in service.report.get("pools", []):
            host = f"{service.host}#{figures['name']}"
            size, count = promised.get(host, (0, 0))
            states.append(PoolState(host, service.zone, figures,
                                    service.report.get("capabilities", {}), size, count))
    return states


def missing(session: Session, cinder: Cinder) -> list[str]:
    """The backends that are out of the question, each with why."""
    now = utcnow()
    return [f"{service.host}: it {why}" for service in services.of_binary(session, services.VOLUME)
            if (why := services.trouble(service, cinder.service, now))]


def select_pool(
    session: Session, cinder: Cinder, settings: SchedulerSettings, volume: Volume, *,
    excluded: Sequence[str], hints: dict[str, Any], local_host: str | None = None,
    hosts: Sequence[str] | None = None,
) -> str:
    """host@backend#pool for a volume that has none yet. Two that choose at once do so one after
    the other. Raises NoValidBackend: what each pool lacks follows the first line."""
    quotas.lock(session, "scheduler:pools")
    type_: Any = session.execute(
        select(VolumeType.extra_specs, QosSpecs.specs)
        .outerjoin(QosSpecs, QosSpecs.id == VolumeType.qos_specs_id)
        .where(VolumeType.id == volume.type_id)).one_or_none() or ({}, {})
    request = Request(
        volume.size, volume.availability_zone, type_[0], hints, volume.multiattach, excluded,
        _beside(session, volume), _places(session, hints, volume.project_id), local_host, hosts,
        type_[1] or {})
    states = pools(session, cinder)
    if (home := group_members.backend(session, volume.group_id)) is not None:
        states = [state for state in states if backend_of(state.host) == home]
        if not states:
            raise NoValidBackend(reason="The volume has to be where the other volumes of its group "
                                        "are, and that backend takes no volumes now.")
    return choose(states, request, settings, missing(session, cinder)).host


def local_host(
    cinder: Cinder, settings: SchedulerSettings, ctx: Context, hints: dict[str, Any]
) -> str | None:
    """The host of the server that the hint local_to_instance names; None without that hint. Before
    a transaction, for nova is asked. Raises NoValidBackend."""
    hint = hints.get("local_to_instance")
    if not hint or "InstanceLocalityFilter" not in settings.filters.split():
        return None
    try:
        server = cinder.cloud.compute.server(ctx, str(uuid.UUID(str(hint))))
    except (ValueError, Remote):
        server = {}
    if server.get("tenant_id") != ctx.project_id:
        raise NoValidBackend(
            reason="The hint local_to_instance names no server of the project's.")
    host = server.get("OS-EXT-SRV-ATTR:host")
    if not host:
        raise NoValidBackend(
            reason="The server that the hint local_to_instance names is on no host yet.")
    return str(host)


def choose(
    states: list[PoolState], request: Request, settings: SchedulerSettings,
    missing: Sequence[str] = (),
) -> PoolState:
    """The best pool for the request; `missing` is told of those that are out of the question.
    Raises NoValidBackend."""
    left, refused = [], []
    for state in states:
        reasons = filters.reasons(state, request, settings.filters.split())
        if reasons:
            refused.append((state, reasons))
        else:
            left.append(state)
    if not left:
        problem = refusals.explain(refused, request, list(missing))
        log.warning("%s", problem)
        raise problem
    return weighers.best(left, request, settings)


def _beside(session: Session, volume: Volume) -> str | None:
    source = volume.source_volid
    if volume.snapshot_id is not None:
        source = session.scalar(
            select(Snapshot.volume_id).where(Snapshot.id == volume.snapshot_id))
    if source is None:
        return None
    return session.scalar(select(Volume.host).where(Volume.id == source))


def _places(session: Session, hints: dict[str, Any], project_id: str) -> dict[str, str]:
    """Of the project's own volumes: a hint tells nobody where others are."""
    names = {name for hint in ("same_host", "different_host")
             for name in filters.listed(hints.get(hint))}
    if not names:
        return {}
    rows = session.execute(select(Volume.id, Volume.host).where(
        Volume.id.in_(names), Volume.project_id == project_id))
    return {row.id: row.host for row in rows if row.host is not None}


def check(settings: SchedulerSettings) -> None:
    """Raises BadSetting, naming a filter or weigher that there is not."""
    checks: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
        ("filters", settings.filters, filters.FILTERS),
        ("weighers", settings.weighers, weighers.WEIGHERS))
    for setting, names, there in checks:
        if unknown := [name for name in names.split() if name not in there]:
            raise BadSetting(f"[scheduler] {setting}: there is no {', '.join(unknown)}; there "
                             f"are {', '.join(there)}")
