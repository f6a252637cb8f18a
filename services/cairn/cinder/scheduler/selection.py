"""Choosing the pool of a volume: filters, then weighers; a refusal says what each pool lacks."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cairn.cinder.component import Cinder
from cairn.cinder.core import quotas, services
from cairn.cinder.db.models import Snapshot, Volume, VolumeType
from cairn.cinder.errors import NoValidBackend
from cairn.cinder.scheduler import filters, weighers
from cairn.cinder.scheduler.pools import PoolState, Request
from cairn.cinder.settings import SchedulerSettings
from cairn.common.db import utcnow


def pools(session: Session, cinder: Cinder) -> list[PoolState]:
    """Every pool of a backend that works and is not disabled."""
    now, states = utcnow(), []
    held: Any = session.execute(
        select(Volume.host, func.sum(Volume.size), func.count()).where(Volume.host.is_not(None))
        .group_by(Volume.host))
    promised = {host: (int(size), count) for host, size, count in held}
    for service in services.of_binary(session, services.VOLUME):
        if service.disabled or service.frozen or not services.up(service, cinder.service, now):
            continue
        if service.report.get("trouble"):
            continue
        for figures in service.report.get("pools", []):
            host = f"{service.host}#{figures['name']}"
            size, count = promised.get(host, (0, 0))
            states.append(PoolState(host, service.zone, figures,
                                    service.report.get("capabilities", {}), size, count))
    return states


def select_pool(
    session: Session, cinder: Cinder, settings: SchedulerSettings, volume: Volume, *,
    excluded: Sequence[str], hints: dict[str, Any],
) -> str:
    """host@backend#pool for a volume that has none yet. Two that choose at once do so one after
    the other. Raises NoValidBackend: what each pool lacks follows the first line."""
    quotas.lock(session, "scheduler:pools")
    specs = session.scalar(
        select(VolumeType.extra_specs).where(VolumeType.id == volume.type_id)) or {}
    request = Request(volume.size, volume.availability_zone, specs, hints, volume.multiattach,
                      excluded, _beside(session, volume), _places(session, hints))
    return choose(pools(session, cinder), request, settings).host


def choose(
    states: list[PoolState], request: Request, settings: SchedulerSettings
) -> PoolState:
    """The best pool for the request. Raises NoValidBackend."""
    if not states:
        raise NoValidBackend(reason="No storage backend is up and enabled.")
    left, reasons = [], []
    for state in states:
        reason = filters.refusal(state, request, settings.filters.split())
        if reason is None:
            left.append(state)
        else:
            reasons.append(f"{state.host}: {reason}")
    if not left:
        raise NoValidBackend(
            reason=f"None of {len(states)} pools can take {request.size} GiB in zone "
                   f"{request.zone}.\n" + "\n".join(reasons))
    return weighers.best(left, request, settings)


def _beside(session: Session, volume: Volume) -> str | None:
    source = volume.source_volid
    if volume.snapshot_id is not None:
        source = session.scalar(
            select(Snapshot.volume_id).where(Snapshot.id == volume.snapshot_id))
    if source is None:
        return None
    return session.scalar(select(Volume.host).where(Volume.id == source))


def _places(session: Session, hints: dict[str, Any]) -> dict[str, str]:
    names = {name for hint in ("same_host", "different_host")
             for name in _listed(hints.get(hint))}
    if not names:
        return {}
    rows = session.execute(select(Volume.id, Volume.host).where(Volume.id.in_(names)))
    return {row.id: row.host for row in rows if row.host is not None}


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [str(each) for each in value or []]
