"""What backends say of themselves, and what is on them, as operators read it."""

from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from cairn.cinder.component import Cinder
from cairn.cinder.core import capabilities, services, types
from cairn.cinder.core.values import stamp
from cairn.cinder.db.models import Snapshot, Volume
from cairn.cinder.errors import BackendNotFound
from cairn.cinder.rpc import backend_of
from cairn.common import listing
from cairn.common.context import Context
from cairn.common.listing import Query

Facts = dict[str, Any]


def pools(cinder: Cinder, ctx: Context, query: Query) -> list[tuple[str, Facts]]:
    """Every pool by name, with its figures and capabilities: of that name, of the backends of
    that name, or where volumes of that type may be. Raises TypeNotFound."""
    name = listing.read_value(query, "name")
    backend = listing.read_value(query, "backend_name")
    type_name = listing.read_value(query, "volume_type")
    with cinder.db.reading() as session:
        specs = types.find(session, ctx, type_name).extra_specs if type_name else {}
        return [(pool, facts) for pool, facts in _pools(session, cinder)
                if name in (None, pool) and backend in (None, facts["volume_backend_name"])
                and capabilities.lacks(specs, facts) is None]


def _pools(session: Session, cinder: Cinder) -> list[tuple[str, Facts]]:
    promised = {row.host: int(row.size) for row in session.execute(
        select(Volume.host, func.sum(Volume.size).label("size"))
        .where(Volume.host.is_not(None)).group_by(Volume.host))}
    listed = []
    for service in services.of_binary(session, services.VOLUME):
        state = "up" if services.up(service, cinder.service) else "down"
        for figures in service.report.get("pools", []):
            name = f"{service.host}#{figures['name']}"
            listed.append((name, capabilities.facts(
                figures, service.report.get("capabilities", {})) | {
                    "pool_name": figures["name"], "timestamp": stamp(service.seen_at),
                    "allocated_capacity_gb": promised.get(name, 0), "backend_state": state}))
    return listed


def capabilities_of(cinder: Cinder, host: str) -> Facts:
    """What host@backend[#pool] says that it is. Raises BackendNotFound."""
    with cinder.db.reading() as session:
        for service in services.of_binary(session, services.VOLUME):
            if service.host == backend_of(host):
                return dict(service.report.get("capabilities", {}))
    raise BackendNotFound(host)


def zones(cinder: Cinder) -> dict[str, bool]:
    """The availability zones that volumes may be in, and whether each has a backend that is
    enabled; the default one where nobody has reported yet."""
    with cinder.db.reading() as session:
        return services.zones(session) or {cinder.api.default_zone: True}


def totals(cinder: Cinder, host: str) -> list[Facts]:
    """What is on a backend: in all, then by project. Raises BackendNotFound."""
    capabilities_of(cinder, host)
    here = or_(Volume.host == host, Volume.host.startswith(f"{host}#", autoescape=True))
    with cinder.db.reading() as session:
        volumes = session.execute(
            select(Volume.project_id, func.count().label("things"),
                   func.sum(Volume.size).label("size"))
            .where(here).group_by(Volume.project_id)).all()
        snapshots = session.execute(
            select(Snapshot.project_id, func.count().label("things"),
                   func.sum(Snapshot.size).label("size"))
            .join(Volume, Volume.id == Snapshot.volume_id)
            .where(here).group_by(Snapshot.project_id)).all()
    by_project: dict[str, list[int]] = {}
    for place, rows in ((0, volumes), (2, snapshots)):
        for row in rows:
            counted = by_project.setdefault(row.project_id, [0, 0, 0, 0])
            counted[place:place + 2] = [row.things, int(row.size)]
    whole = [sum(column) for column in zip(*by_project.values(), strict=True)] or [0, 0, 0, 0]
    return [_total(host, project, counted)
            for project, counted in [("(total)", whole), *sorted(by_project.items())]]


def _total(host: str, project: str, counted: list[int]) -> Facts:
    names = ("volume_count", "total_volume_gb", "snapshot_count", "total_snapshot_gb")
    return {"host": host, "project": project,
            **{name: str(value) for name, value in zip(names, counted, strict=True)}}
