"""Backups as lists read them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from cairn.cinder.component import Cinder
from cairn.cinder.core.backups import find
from cairn.cinder.db.models import Backup
from cairn.common import listing
from cairn.common.context import Context
from cairn.common.listing import Query

B: Any = Backup.__table__.c
SORTABLE = {"created_at": B.created_at, "updated_at": B.updated_at, "id": B.id, "name": B.name,
            "size": B.size, "status": B.status, "volume_id": B.volume_id, "number": B.number,
            "data_timestamp": B.data_timestamp}
FILTERS = {"name": B.name, "status": B.status, "volume_id": B.volume_id}


@dataclass(frozen=True)
class Listed:
    """A page of backups, which of them others stand on, and how many there are in all."""

    rows: Sequence[Any]
    parents: frozenset[str]
    count: int


def page(cinder: Cinder, ctx: Context, query: Query) -> Listed:
    """What a list's query string asks for. Raises Invalid, BackupNotFound for the marker."""
    asked = listing.read_page(query, SORTABLE, default_sort=(("created_at", "desc"),),
                              most=cinder.api.max_limit)
    keys = listing.order_keys(asked, SORTABLE, unique="number")
    scope = []
    if not (ctx.is_admin and listing.read_flag(query, "all_tenants", False)):
        scope.append(B.project_id == ctx.project)
    elif (project := listing.read_value(query, "project_id")) is not None:
        scope.append(B.project_id == project)
    for name, column in FILTERS.items():
        value = listing.read_value(query, name)
        if value is not None:
            scope.append(column == value)
    with cinder.db.reading() as session:
        after = None
        if asked.marker is not None:
            find(session, ctx, asked.marker)
            after = listing.find_marker(session, keys, B.id == asked.marker)
        skip = int(listing.read_value(query, "offset") or 0)
        rows = listing.fetch(
            session, select(*B).where(*scope).offset(skip), keys, asked, after).rows
        parents = session.scalars(select(B.parent_id).where(
            B.parent_id.in_([row.id for row in rows]))).all() if rows else []
        count = session.scalar(select(func.count()).select_from(Backup.__table__).where(*scope))
        return Listed(rows, frozenset(parents), count or 0)


def one(cinder: Cinder, ctx: Context, backup_id: str) -> tuple[Backup, bool]:
    """A backup, and whether another stands on it. Raises BackupNotFound."""
    with cinder.db.reading() as session:
        row = find(session, ctx, backup_id)
        return row, session.scalar(
            select(B.number).where(B.parent_id == row.id).limit(1)) is not None
