"""Volumes as lists and show read them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from cairn.cinder.component import Cinder
from cairn.cinder.core import filters
from cairn.cinder.core.filters import equal, flag, moment, number, pairs
from cairn.cinder.db.models import Attachment, Volume, VolumeType
from cairn.cinder.errors import VolumeNotFound
from cairn.common import listing
from cairn.common.context import Context
from cairn.common.errors import NotFound
from cairn.common.listing import Query

V: Any = Volume.__table__.c
A: Any = Attachment.__table__.c
T: Any = VolumeType.__table__.c
_ALL = select(*V, T.name.label("type_name")).select_from(
    Volume.__table__.outerjoin(VolumeType.__table__, V.type_id == T.id))
SORTABLE = {"created_at": V.created_at, "updated_at": V.updated_at, "id": V.id, "name": V.name,
            "display_name": V.name, "size": V.size, "status": V.status, "bootable": V.bootable,
            "host": V.host, "availability_zone": V.availability_zone, "number": V.number,
            "volume_type_id": V.type_id, "project_id": V.project_id, "user_id": V.user_id,
            "migration_status": V.migration_status, "multiattach": V.multiattach}
# A volume that another is being migrated to.
_TARGET: Any = func.coalesce(V.migration_status, "").like("target:%")
FILTERS = {
    "name": equal(V.name), "display_name": equal(V.name), "status": equal(V.status),
    "description": equal(V.description), "display_description": equal(V.description),
    "id": equal(V.id), "size": number("size", V.size), "user_id": equal(V.user_id),
    "project_id": equal(V.project_id), "availability_zone": equal(V.availability_zone),
    "bootable": flag("bootable", V.bootable), "multiattach": flag("multiattach", V.multiattach),
    "migration_status": equal(V.migration_status), "attach_status": equal(V.attach_status),
    "metadata": pairs("metadata", V.meta),
    "glance_metadata": pairs("glance_metadata", V.image_meta, since=(3, 4)),
    "group_id": equal(V.group_id, since=(3, 10)), "snapshot_id": equal(V.snapshot_id),
    "source_volid": equal(V.source_volid),
    "volume_type_id": equal(V.type_id), "volume_type": filters.Filter(
        lambda text: or_(T.name == text, V.type_id == text)),
    "created_at": moment("created_at", V.created_at, since=(3, 60)),
    "updated_at": moment("updated_at", V.updated_at, since=(3, 60)),
    "encryption_key_id": equal(V.encryption_key_id, since=(3, 64)),
    "consumes_quota": filters.Filter(
        lambda text: ~_TARGET if listing.parse_flag("consumes_quota", text) else _TARGET,
        since=(3, 65)),
    "host": equal(V.host, admin=True),
}


@dataclass(frozen=True)
class Listed:
    """A page of volumes, and their attachments by volume."""

    rows: Sequence[Any]
    attachments: dict[str, list[Any]]
    more: bool
    # How many there are on all pages, where that was asked.
    count: int | None = None


def page(cinder: Cinder, ctx: Context, query: Query) -> Listed:
    """What a list's query string asks for. Raises Invalid, NotFound for the marker."""
    asked = listing.read_page(query, SORTABLE, default_sort=(("created_at", "desc"),),
                              most=cinder.api.max_limit)
    keys = listing.order_keys(asked, SORTABLE, unique="number")
    scope = _scope(ctx, query)
    asked_for = _ALL.where(*scope, *filters.conditions(ctx, query, FILTERS))
    with cinder.db.reading() as session:
        after = None
        if asked.marker is not None:
            after = listing.find_marker(session, keys, V.id == asked.marker, *scope)
            if after is None:
                raise NotFound("Volume", asked.marker)
        part = listing.fetch(session, asked_for.offset(filters.offset(query) or None), keys, asked,
                             after)
        count = None
        if filters.counted(ctx, query):
            count = session.scalar(
                asked_for.with_only_columns(func.count(), maintain_column_froms=True))
        return Listed(part.rows, _attachments(session, [row.id for row in part.rows]), part.more,
                      count)


def _scope(ctx: Context, query: Query) -> list[Any]:
    if filters.everybody(ctx, query):
        return []
    scope = [V.project_id == ctx.project]
    return scope if ctx.is_admin else [*scope, ~_TARGET]


@dataclass(frozen=True)
class Summary:
    """What volumes are together."""

    count: int
    size: int
    metadata: dict[str, list[str]]


def summarize(cinder: Cinder, ctx: Context, query: Query) -> Summary:
    """How many volumes there are and how large they are together; since 3.36 also which values
    their metadata have."""
    where = [*_scope(ctx, query), *filters.conditions(ctx, query, FILTERS)]
    asked_for = _ALL.where(*where)
    with cinder.db.reading() as session:
        count, size = session.execute(asked_for.with_only_columns(
            func.count(), func.sum(V.size), maintain_column_froms=True)).one()
        metadata: dict[str, list[str]] = {}
        if ctx.version >= (3, 36):
            for meta in session.scalars(asked_for.with_only_columns(
                    V.meta, maintain_column_froms=True).order_by(V.number)):
                for name, value in meta.items():
                    values = metadata.setdefault(name, [])
                    if value not in values:
                        values.append(value)
        return Summary(count, int(size or 0), metadata)


def one(cinder: Cinder, ctx: Context, volume_id: str) -> tuple[Any, list[Any]]:
    """A volume and its attachments, if the caller may know of it. Raises VolumeNotFound."""
    query = _ALL.where(V.id == volume_id)
    if not (ctx.is_admin or ctx.is_service):
        query = query.where(V.project_id == ctx.project)
    with cinder.db.reading() as session:
        row = session.execute(query).one_or_none()
        if row is None:
            raise VolumeNotFound(volume_id)
        return row, _attachments(session, [volume_id]).get(volume_id, [])


def _attachments(session: Session, volumes: list[str]) -> dict[str, list[Any]]:
    if not volumes:
        return {}
    by_volume: dict[str, list[Any]] = {}
    for row in session.execute(select(*A).where(A.volume_id.in_(volumes)).order_by(A.number)):
        by_volume.setdefault(row.volume_id, []).append(row)
    return by_volume
