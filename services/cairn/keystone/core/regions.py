"""Regions: a tree of names that endpoints and limits are of."""

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from cairn.common.api import Document
from cairn.common.context import Context
from cairn.common.errors import Conflict, Invalid
from cairn.common.listing import Part, Query
from cairn.keystone.component import Keystone
from cairn.keystone.core import rows
from cairn.keystone.core.attributes import merge_extra, refuse_new_id
from cairn.keystone.core.changes import changing
from cairn.keystone.core.listing import fetch_page, filters
from cairn.keystone.db.models import Endpoint, Region, RegisteredLimit
from cairn.keystone.errors import RegionInUse

OWN = {"id", "description", "parent_region_id", "links"}
COLUMNS = {"parent_region_id": Region.parent_id, "id": Region.id}
QUERY = filters(COLUMNS)


def _check_parent(session: Session, region_id: str, parent_id: str | None) -> None:
    while parent_id is not None:
        if parent_id == region_id:
            raise Invalid(reason=f"Invalid input for field/attribute parent_region_id. Region "
                                 f"{region_id} would be its own parent.")
        parent_id = rows.get(session, Region, parent_id).parent_id


def create(keystone: Keystone, ctx: Context, request: Document) -> Region:
    """Make a region. Raises Conflict for an id there is, NotKnown for a parent there is not."""
    with changing(keystone, ctx, "region", f"ID {request.get('id')}") as change:
        region = Region(
            description=request.get("description") or "",
            parent_id=request.get("parent_region_id"), extra=merge_extra({}, request, OWN),
        )
        if request.get("id"):
            region.id = request["id"]
            if change.session.get(Region, region.id) is not None:
                raise Conflict(reason="Conflict occurred attempting to store region - Duplicate "
                                      f"ID, {region.id}.")
        _check_parent(change.session, request.get("id") or "", region.parent_id)
        change.add("region", region)
    return region


def list_page(keystone: Keystone, query: Query) -> Part:
    """A page of regions. Raises Invalid, NotKnown."""
    with keystone.db.reading() as session:
        return fetch_page(session, select(Region), query, COLUMNS, Region.id)


def get(keystone: Keystone, region_id: str) -> Region:
    """A region. Raises NotKnown."""
    with keystone.db.reading() as session:
        return rows.get(session, Region, region_id)


def update(keystone: Keystone, ctx: Context, region_id: str, request: Document) -> Region:
    """Change a region. Raises NotKnown, Invalid."""
    with changing(keystone, ctx) as change:
        region = rows.lock(change.session, Region, region_id)
        refuse_new_id(request, region_id)
        if "description" in request:
            region.description = request["description"] or ""
        if "parent_region_id" in request:
            _check_parent(change.session, region_id, request["parent_region_id"])
            region.parent_id = request["parent_region_id"]
        region.extra = merge_extra(region.extra, request, OWN)
        change.record("region", "updated", region_id)
    return region


def delete(keystone: Keystone, ctx: Context, region_id: str) -> None:
    """With the regions below it. Raises NotKnown; RegionInUse while one of them has endpoints or
    limits."""
    with changing(keystone, ctx) as change:
        session = change.session
        branch = [rows.get(session, Region, region_id)]
        for region in branch:
            branch += session.scalars(select(Region).where(Region.parent_id == region.id))
        ids = [region.id for region in branch]
        for kind in (Endpoint, RegisteredLimit):
            if session.scalar(select(exists().where(kind.region_id.in_(ids)))):
                raise RegionInUse(id=region_id)
        for region in reversed(branch):
            session.delete(region)
            session.flush()
            change.record("region", "deleted", region.id)
