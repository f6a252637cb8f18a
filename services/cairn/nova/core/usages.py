"""What projects used in a period, by the times their servers began and ended."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import or_, select

from cairn.common.db import utcnow
from cairn.common.errors import Invalid
from cairn.common.listing import find_marker, paginate
from cairn.nova.component import Nova
from cairn.nova.db.models import Server


@dataclass(frozen=True)
class ServerUsage:
    """One server's part of a period: `hours` of it, `uptime` in seconds of its whole life."""

    number: int
    id: str
    name: str
    project_id: str
    flavor: str
    vcpus: int
    ram_mb: int
    disk_gb: int
    hours: float
    started_at: dt.datetime
    ended_at: dt.datetime | None
    state: str
    uptime: int


def list_usages(
    nova: Nova, project_id: str | None, start: dt.datetime, stop: dt.datetime, *,
    marker: str | None = None, limit: int | None = None,
) -> dict[str, list[ServerUsage]]:
    """By project; of one, or of all: of at most `limit` servers after the one that is the marker.
    Raises Invalid for a marker that is none."""
    query = select(
        Server.number, Server.id, Server.name, Server.project_id, Server.flavor, Server.launched_at,
        Server.terminated_at, Server.vm_state,
    ).where(Server.launched_at.is_not(None), Server.launched_at <= stop,
            or_(Server.terminated_at.is_(None), Server.terminated_at >= start))
    if project_id is not None:
        query = query.where(Server.project_id == project_id)
    now = utcnow()
    by_project: dict[str, list[ServerUsage]] = {}
    with nova.db.reading() as session:
        after, keys = None, [(Server.number.expression, "asc")]
        if marker is not None:
            after = find_marker(session, keys, Server.id == marker)
            if after is None:
                raise Invalid(reason=f"marker [{marker}] not found")
        rows = session.execute(
            paginate(query, keys, after=after, limit=limit)).all()
    for row in rows:
        began, ended = row.launched_at, row.terminated_at
        assert began is not None
        seconds = (min(ended or now, stop) - max(began, start)).total_seconds()
        flavor = row.flavor
        by_project.setdefault(row.project_id, []).append(ServerUsage(
            number=row.number, id=row.id, name=row.name, project_id=row.project_id,
            flavor=flavor["name"],
            vcpus=flavor["vcpus"], ram_mb=flavor["ram"],
            disk_gb=flavor["disk"] + flavor["ephemeral"], hours=max(seconds, 0) / 3600,
            started_at=began, ended_at=ended, state="terminated" if ended else row.vm_state,
            uptime=int(((ended or now) - began).total_seconds()),
        ))
    return by_project
