"""Migrations as they are kept, one for each time that a server moves or is resized.

    accepted       asked for
    migrating      on its way
    finished       there; waits for somebody to confirm or revert it
    confirmed, reverted     over
    error          it failed: the server is where it was
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.orm import Session

from cairn.nova import rpc
from cairn.nova.db.models import Migration, Server

TABLE = Migration.__table__
M: Any = TABLE.c

ACCEPTED, MIGRATING, FINISHED = "accepted", "migrating", "finished"
CONFIRMED, REVERTED, ERROR = "confirmed", "reverted", "error"
# While the server is held by it, and what it was before is kept.
UNDER_WAY = (ACCEPTED, MIGRATING, FINISHED)

Amounts = Mapping[str, int]


def waiting(session: Session, server_id: str) -> Row[Any] | None:
    """The one that waits to be confirmed or reverted."""
    return session.execute(
        select(*TABLE.c).where(M.server_id == server_id, M.status == FINISHED)
        .order_by(M.number.desc()).limit(1)).one_or_none()


def get(session: Session, migration_id: str) -> Row[Any]:
    """By its uuid."""
    return session.execute(select(*TABLE.c).where(M.id == migration_id)).one()


def change(session: Session, migration_id: str, **values: Any) -> None:
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
