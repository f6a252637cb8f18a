"""Snapshots as lists and show read them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from cairn.cinder.component import Cinder
from cairn.cinder.core import filters
from cairn.cinder.core.filters import equal, moment, number, pairs
from cairn.cinder.db.models import Snapshot, Volume
from cairn.cinder.errors import SnapshotNotFound
from cairn.common import listing
from cairn.common.context import Context
from cairn.common.errors import NotFound
from cairn.common.listing import Query

S: Any = Snapshot.__table__.c
V: Any = Volume.__table__.c
_ALL = select(*S)
SORTABLE = {"created_at": S.created_at, "updated_at": S.updated_at, "id": S.id, "name": S.name,
            "display_name": S.name, "volume_size": S.size, "size": S.size, "status": S.status,
            "volume_id": S.volume_id, "project_id": S.project_id, "number": S.number}
FILTERS = {
    "name": equal(S.name), "display_name": equal(S.name), "status": equal(S.status),
    "description": equal(S.description), "id": equal(S.id), "volume_id": equal(S.volume_id),
    "user_id": equal(S.user_id), "project_id": equal(S.project_id),
    "size": number("size", S.size), "volume_size": number("volume_size", S.size),
    "group_snapshot_id": equal(S.group_snapshot_id),
    "metadata": pairs("metadata", S.meta, since=(3, 22)),
    "availability_zone": filters.Filter(lambda text: S.volume_id.in_(
        select(V.id).where(V.availability_zone == text))),
    "created_at": moment("created_at", S.created_at, since=(3, 60)),
    "updated_at": moment("updated_at", S.updated_at, since=(3, 60)),
    "consumes_quota": filters.Filter(
        lambda text: S.hidden.is_(not listing.parse_flag("consumes_quota", text)), since=(3, 65)),
    "host": filters.Filter(lambda text: S.volume_id.in_(select(V.id).where(V.host == text)),
                           admin=True),
}


@dataclass(frozen=True)
class Listed:
    """A page of snapshots."""

    rows: Sequence[Any]
    more: bool
    # How many there are on all pages, where that was asked.
    count: int | None = None


def page(cinder: Cinder, ctx: Context, query: Query) -> Listed:
    """What a list's query string asks for. Raises Invalid, NotFound for the marker."""
    asked = listing.read_page(query, SORTABLE, default_sort=(("created_at", "desc"),),
                              most=cinder.api.max_limit)
    keys = listing.order_keys(asked, SORTABLE, unique="number")
    scope = [] if filters.everybody(ctx, query) else [S.project_id == ctx.project]
    if not ctx.is_admin:
        scope.append(S.hidden.is_(False))
    asked_for = _ALL.where(*scope, *filters.conditions(ctx, query, FILTERS))
    with cinder.db.reading() as session:
        after = None
        if asked.marker is not None:
            after = listing.find_marker(session, keys, S.id == asked.marker, *scope)
            if after is None:
                raise NotFound("Snapshot", asked.marker)
        part = listing.fetch(session, asked_for.offset(filters.offset(query) or None), keys, asked,
                             after)
        count = None
        if filters.counted(ctx, query):
            count = session.scalar(
                asked_for.with_only_columns(func.count(), maintain_column_froms=True))
        return Listed(part.rows, part.more, count)


def one(cinder: Cinder, ctx: Context, snapshot_id: str) -> Any:
    """A snapshot, if the caller may know of it. Raises SnapshotNotFound."""
    query = _ALL.where(S.id == snapshot_id)
    if not ctx.is_admin:
        query = query.where(S.project_id == ctx.project, S.hidden.is_(False))
    with cinder.db.reading() as session:
        row = session.execute(query).one_or_none()
    if row is None:
        raise SnapshotNotFound(snapshot_id)
    return row
