"""Groups and their snapshots as lists and show read them."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select, true

from cairn.cinder.component import Cinder
from cairn.cinder.core import filters, group_snapshots, groups
from cairn.cinder.core.filters import Filter, equal, moment
from cairn.cinder.db.models import Group, GroupSnapshot, Volume
from cairn.common import listing
from cairn.common.context import Context
from cairn.common.errors import NotFound
from cairn.common.listing import Part, Query

G: Any = Group.__table__.c
S: Any = GroupSnapshot.__table__.c


def _common(columns: Any) -> dict[str, Any]:
    names = ("created_at", "updated_at", "id", "name", "status", "project_id", "number")
    return {name: columns[name] for name in names}


SORTABLE = {**_common(G), "availability_zone": G.availability_zone,
            "group_type_id": G.group_type_id, "host": G.host}
FILTERS: Mapping[str, Filter] = {
    "name": equal(G.name), "status": equal(G.status), "id": equal(G.id),
    "description": equal(G.description), "project_id": equal(G.project_id),
    "availability_zone": equal(G.availability_zone), "group_type": equal(G.group_type_id),
    "group_type_id": equal(G.group_type_id), "group_snapshot_id": equal(G.group_snapshot_id),
    "source_group_id": equal(G.source_group_id), "created_at": moment("created_at", G.created_at),
    # It asks how groups are shown, and passes all.
    "list_volume": Filter(lambda text: true()),
}
SNAPSHOT_SORTABLE = {**_common(S), "group_id": S.group_id, "group_type_id": S.group_type_id}
SNAPSHOT_FILTERS: Mapping[str, Filter] = {
    "name": equal(S.name), "status": equal(S.status), "id": equal(S.id),
    "description": equal(S.description), "project_id": equal(S.project_id),
    "group_id": equal(S.group_id), "group_type_id": equal(S.group_type_id),
    "created_at": moment("created_at", S.created_at),
}


def page(cinder: Cinder, ctx: Context, query: Query, *only: Any) -> Part:
    """The groups that a list's query string asks for. Raises Invalid, NotFound for the marker."""
    return _page(cinder, ctx, query, Group, SORTABLE, FILTERS, *only)


def snapshots(cinder: Cinder, ctx: Context, query: Query, *only: Any) -> Part:
    """The same of their snapshots."""
    return _page(cinder, ctx, query, GroupSnapshot, SNAPSHOT_SORTABLE, SNAPSHOT_FILTERS, *only)


def _page(
    cinder: Cinder, ctx: Context, query: Query, model: Any, sortable: Mapping[str, Any],
    means: Mapping[str, Filter], *only: Any,
) -> Part:
    columns = model.__table__.c
    asked = listing.read_page(query, sortable, default_sort=(("created_at", "desc"),),
                              most=cinder.api.max_limit)
    keys = listing.order_keys(asked, sortable, unique="number")
    scope = list(only)
    if not filters.everybody(ctx, query):
        scope.append(columns.project_id == ctx.project)
    rows = select(*columns).where(*scope, *filters.conditions(ctx, query, means))
    with cinder.db.reading() as session:
        after = None
        if asked.marker is not None:
            after = listing.find_marker(session, keys, columns.id == asked.marker, *scope)
            if after is None:
                raise NotFound("Marker", asked.marker)
        return listing.fetch(session, rows.offset(filters.offset(query) or None), keys, asked,
                             after)


def one(cinder: Cinder, ctx: Context, group_id: str) -> Group:
    """Raises GroupNotFound."""
    with cinder.db.reading() as session:
        return groups.find(session, ctx, group_id)


def one_snapshot(cinder: Cinder, ctx: Context, id_: str) -> GroupSnapshot:
    """Raises GroupSnapshotNotFound."""
    with cinder.db.reading() as session:
        return group_snapshots.find(session, ctx, id_)


def volumes(cinder: Cinder, ids: Sequence[str]) -> dict[str, list[str]]:
    """The ids of these groups' volumes, by group."""
    inside: dict[str, list[str]] = {id_: [] for id_ in ids}
    with cinder.db.reading() as session:
        for row in session.execute(select(Volume.group_id, Volume.id).where(
                Volume.group_id.in_(ids)).order_by(Volume.number)):
            inside[str(row.group_id)].append(row.id)
    return inside
