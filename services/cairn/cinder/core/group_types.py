"""Group types and their specs."""

from typing import Any

from sqlalchemy import select, true
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cairn.cinder.component import Cinder
from cairn.cinder.core.pages import page
from cairn.cinder.db.models import Event, Group, GroupType
from cairn.cinder.errors import (
    GroupTypeExists,
    GroupTypeInUse,
    GroupTypeNotFound,
    SpecNotFound,
)
from cairn.common import listing
from cairn.common.context import Context
from cairn.common.listing import Part, Query

G: Any = GroupType.__table__.c
SORTABLE = {"id": G.id, "name": G.name, "created_at": G.created_at, "updated_at": G.updated_at,
            "is_public": G.is_public, "description": G.description}


def visible(ctx: Context) -> Any:
    """The condition for group types that the caller may know of."""
    return true() if ctx.is_admin else GroupType.is_public.is_(True)


def find(session: Session, ctx: Context, type_id: str, *, held: bool = False) -> GroupType:
    """The group type of that id. Raises GroupTypeNotFound."""
    query = select(GroupType).where(GroupType.id == type_id, visible(ctx))
    row = session.scalar(query.with_for_update() if held else query)
    if row is None:
        raise GroupTypeNotFound(type_id)
    return row


def find_named(session: Session, ctx: Context, name: str) -> GroupType:
    """The group type of that id or name, which stays until the end of the transaction. Raises
    GroupTypeNotFound."""
    for column in (GroupType.id, GroupType.name):
        row = session.scalar(select(GroupType).where(column == name, visible(ctx))
                             .with_for_update(read=True))
        if row is not None:
            return row
    raise GroupTypeNotFound(name)


def index(cinder: Cinder, ctx: Context, query: Query) -> Part:
    """The page that is asked for. Raises Invalid, NotFound for the marker."""
    asked = listing.read_value(query, "is_public")
    if asked is not None and asked.lower() == "none":
        conditions = [] if ctx.is_admin else [GroupType.is_public.is_(True)]
    else:
        public = bool(listing.read_flag(query, "is_public", True)) or not ctx.is_admin
        conditions = [GroupType.is_public.is_(public)]
    with cinder.db.reading() as session:
        return page(session, GroupType, query, SORTABLE, *conditions, most=cinder.api.max_limit)


def show(cinder: Cinder, ctx: Context, type_id: str) -> GroupType:
    """Raises GroupTypeNotFound."""
    with cinder.db.reading() as session:
        return find(session, ctx, type_id)


def create(cinder: Cinder, ctx: Context, values: dict[str, Any]) -> GroupType:
    """`values` are columns. Raises GroupTypeExists."""

    def add(session: Session) -> GroupType:
        row = GroupType()
        _put(session, row, values)
        _record(session, ctx, "create", row)
        return row

    return cinder.db.write(add)


def change(cinder: Cinder, ctx: Context, type_id: str, values: dict[str, Any]) -> GroupType:
    """`values` are columns. Raises GroupTypeNotFound, GroupTypeExists."""

    def put(session: Session) -> GroupType:
        row = find(session, ctx, type_id, held=True)
        _put(session, row, values)
        _record(session, ctx, "update", row)
        return row

    return cinder.db.write(put)


def remove(cinder: Cinder, ctx: Context, type_id: str) -> None:
    """Raises GroupTypeNotFound, GroupTypeInUse."""

    def forget(session: Session) -> None:
        row = find(session, ctx, type_id, held=True)
        if session.scalar(select(Group.id).where(Group.group_type_id == row.id).limit(1)):
            raise GroupTypeInUse
        _record(session, ctx, "delete", row)
        session.delete(row)

    cinder.db.write(forget)


def put_specs(cinder: Cinder, ctx: Context, type_id: str, specs: dict[str, str]) -> None:
    """Add or replace some. Raises GroupTypeNotFound."""

    def put(session: Session) -> None:
        row = find(session, ctx, type_id, held=True)
        row.group_specs = {**row.group_specs, **specs}
        _record(session, ctx, "specs.update", row)

    cinder.db.write(put)


def drop_spec(cinder: Cinder, ctx: Context, type_id: str, key: str) -> None:
    """Raises GroupTypeNotFound, SpecNotFound."""

    def drop(session: Session) -> None:
        row = find(session, ctx, type_id, held=True)
        if key not in row.group_specs:
            raise SpecNotFound(key, f"Group Type {row.id}")
        row.group_specs = {name: value for name, value in row.group_specs.items() if name != key}
        _record(session, ctx, "specs.delete", row)

    cinder.db.write(drop)


def _put(session: Session, row: GroupType, values: dict[str, Any]) -> None:
    try:
        with session.begin_nested():
            for name, value in values.items():
                setattr(row, name, value)
            session.add(row)
    except IntegrityError:
        raise GroupTypeExists(id=values["name"]) from None


def _record(session: Session, ctx: Context, verb: str, row: GroupType) -> None:
    Event.record(session, ctx, f"group_type.{verb}", "group_type", row.id, {
        "id": row.id, "name": row.name, "description": row.description,
        "is_public": row.is_public, "group_specs": dict(row.group_specs)}, project_id="")
