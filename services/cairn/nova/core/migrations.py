"""Migrations as they are kept, one for each time that a server moves or is resized.

    accepted       asked for
    migrating      on its way
    finished       there; waits for somebody to confirm or revert it
    confirming     what it was is being given up: it cannot be reverted any more
    confirmed, reverted     over
    error          it failed: the server is where it was
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, func, or_, select, update
from sqlalchemy.orm import Session

from cairn.common.errors import Invalid
from cairn.nova import rpc
from cairn.nova.component import Nova
from cairn.nova.db.models import Flavor, Migration, Server

TABLE = Migration.__table__
M: Any = TABLE.c

ACCEPTED, MIGRATING, FINISHED = "accepted", "migrating", "finished"
CONFIRMING = "confirming"
CONFIRMED, REVERTED, ERROR = "confirmed", "reverted", "error"
# While the server is held by it, and counts as what it was, too.
UNDER_WAY = (ACCEPTED, MIGRATING, FINISHED, CONFIRMING)

Amounts = Mapping[str, int]


def waiting(session: Session, server_id: str) -> Row[Any] | None:
    """The one that waits to be confirmed or reverted, or is being confirmed."""
    return session.execute(
        select(*TABLE.c).where(M.server_id == server_id, M.status.in_((FINISHED, CONFIRMING)))
        .order_by(M.number.desc()).limit(1)).one_or_none()


def list_migrations(
    nova: Nova, asked: Mapping[str, str], *, host: str | None = None,
    since: dt.datetime | None = None, before: dt.datetime | None = None,
    marker: str | None = None, limit: int | None = None,
) -> tuple[Sequence[Row[Any]], dict[str, int]]:
    """Those that have these values in these columns, from or to that host, the newest first; and
    the numbers of all flavors by their ids. Raises Invalid for a marker that is none."""
    where = [M[column] == value for column, value in asked.items()]
    if host is not None:
        where.append(or_(M.source == host, M.destination == host))
    changed = func.coalesce(M.updated_at, M.created_at)
    where += [changed >= since] if since else []
    where += [changed <= before] if before else []
    query = select(*TABLE.c).where(*where).order_by(M.number.desc()).limit(limit)
    with nova.db.reading() as session:
        if marker is not None:
            number = session.scalar(select(M.number).where(M.id == marker))
            if number is None:
                raise Invalid(reason=f"marker [{marker}] not found")
            query = query.where(M.number < number)
        rows = session.execute(query).all()
        flavors = {row.id: row.number for row in session.execute(
            select(Flavor.id, Flavor.number))} if rows else {}
    return rows, flavors


def get(session: Session, migration_id: str) -> Row[Any]:
    """By its uuid."""
    return session.execute(select(*TABLE.c).where(M.id == migration_id)).one()


def change(session: Session, migration_id: str, **values: Any) -> None:
    """Set columns of it."""
    session.execute(update(Migration).where(M.id == migration_id).values(**values))


def held(session: Session) -> list[tuple[str, dict[str, int]]]:
    """(project's id, what its quota has beside the server's flavor of now) of each that is under
    way."""
    rows = session.execute(
        select(Server.project_id, Server.flavor_id, M.old_flavor, M.new_flavor)
        .join(Server, Server.id == M.server_id)
        .where(M.status.in_(UNDER_WAY), Server.deleted.is_(False)))
    amounts = []
    for row in rows:
        now, other = row.new_flavor, row.old_flavor
        if row.flavor_id != now["id"]:
            now, other = other, now
        amounts.append((row.project_id, grown(now, other)))
    return amounts


def grown(old: rpc.Flavor, new: rpc.Flavor) -> dict[str, int]:
    """What the new flavor takes of a project's quota beyond the old one, by resource."""
    return {"cores": max(0, new["vcpus"] - old["vcpus"]), "ram": max(0, new["ram"] - old["ram"])}
