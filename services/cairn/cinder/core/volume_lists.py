"""Volumes as lists and show read them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.cinder.component import Cinder
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
            "size": V.size, "status": V.status, "bootable": V.bootable, "host": V.host,
            "availability_zone": V.availability_zone, "number": V.number}


@dataclass(frozen=True)
class Listed:
    """A page of volumes, and their attachments by volume."""

    rows: Sequence[Any]
    attachments: dict[str, list[Any]]
    more: bool


def page(cinder: Cinder, ctx: Context, query: Query) -> Listed:
    """What a list's query string asks for. Raises Invalid, NotFound for the marker."""
    asked = listing.read_page(query, SORTABLE, default_sort=(("created_at", "desc"),),
                              most=cinder.api.max_limit)
    keys = listing.order_keys(asked, SORTABLE, unique="number")
    scope = []
    everybody = ctx.is_admin and listing.read_flag(query, "all_tenants", False)
    if not everybody:
        scope.append(V.project_id == ctx.project)
    with cinder.db.reading() as session:
        after = None
        if asked.marker is not None:
            after = listing.find_marker(session, keys, V.id == asked.marker, *scope)
            if after is None:
                raise NotFound("Volume", asked.marker)
        part = listing.fetch(session, _ALL.where(*scope), keys, asked, after)
        return Listed(part.rows, _attachments(session, [row.id for row in part.rows]), part.more)


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
