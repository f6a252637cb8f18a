"""Backups as lists read them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from cairn.cinder.component import Cinder
from cairn.cinder.core import filters
from cairn.cinder.core.backups import find, has_dependents
from cairn.cinder.core.filters import equal, number, pairs
from cairn.cinder.db.models import Backup
from cairn.cinder.errors import BackupNotFound
from cairn.common import listing
from cairn.common.context import Context
from cairn.common.listing import Query

B: Any = Backup.__table__.c
_ALL = select(*B)
SORTABLE = {"created_at": B.created_at, "updated_at": B.updated_at, "id": B.id, "name": B.name,
            "size": B.size, "status": B.status, "volume_id": B.volume_id, "number": B.number,
            "data_timestamp": B.data_timestamp}
FILTERS = {
    "name": equal(B.name), "status": equal(B.status), "volume_id": equal(B.volume_id),
    "id": equal(B.id), "description": equal(B.description), "size": number("size", B.size),
    "container": equal(B.container), "snapshot_id": equal(B.snapshot_id),
    "parent_id": equal(B.parent_id), "availability_zone": equal(B.availability_zone),
    "user_id": equal(B.user_id), "project_id": equal(B.project_id),
    "metadata": pairs("metadata", B.meta, since=(3, 43)),
    "host": equal(B.host, admin=True),
}


@dataclass(frozen=True)
class Listed:
    """A page of backups, and which of them others stand on."""

    rows: Sequence[Any]
    parents: frozenset[str]
    # How many there are on all pages, where that was asked.
    count: int | None = None


def page(cinder: Cinder, ctx: Context, query: Query) -> Listed:
    """What a list's query string asks for. Raises Invalid, BackupNotFound for the marker."""
    asked = listing.read_page(query, SORTABLE, default_sort=(("created_at", "desc"),),
                              most=cinder.api.max_limit)
    keys = listing.order_keys(asked, SORTABLE, unique="number")
    scope = [] if filters.everybody(ctx, query) else [B.project_id == ctx.project]
    asked_for = _ALL.where(*scope, *filters.conditions(ctx, query, FILTERS))
    with cinder.db.reading() as session:
        after = None
        if asked.marker is not None:
            after = listing.find_marker(session, keys, B.id == asked.marker, *scope)
            if after is None:
                raise BackupNotFound(asked.marker)
        rows = listing.fetch(session, asked_for.offset(filters.offset(query) or None), keys, asked,
                             after).rows
        parents = session.scalars(select(B.parent_id).where(
            B.parent_id.in_([row.id for row in rows]))).all() if rows else []
        count = None
        if filters.counted(ctx, query):
            count = session.scalar(asked_for.with_only_columns(
                func.count(), maintain_column_froms=True))
        return Listed(rows, frozenset(parents), count)


def one(cinder: Cinder, ctx: Context, backup_id: str) -> tuple[Backup, bool]:
    """A backup, and whether another stands on it. Raises BackupNotFound."""
    with cinder.db.reading() as session:
        row = find(session, ctx, backup_id)
        return row, has_dependents(session, row.id)
