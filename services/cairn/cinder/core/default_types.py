"""The types of projects' volumes that name none."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.cinder.component import Cinder
from cairn.cinder.core import types
from cairn.cinder.db.models import DefaultType, Event
from cairn.cinder.errors import NoDefaultType
from cairn.common.context import Context


def index(cinder: Cinder) -> Sequence[Any]:
    """All there are, by project."""
    with cinder.db.reading() as session:
        return session.scalars(select(DefaultType).order_by(DefaultType.project_id)).all()


def show(cinder: Cinder, project_id: str) -> DefaultType:
    """Raises NoDefaultType."""
    with cinder.db.reading() as session:
        return _one(session, project_id)


def put(cinder: Cinder, ctx: Context, project_id: str, name: str) -> DefaultType:
    """Set it or change it. Raises TypeNotFound."""

    def change(session: Session) -> DefaultType:
        type_ = types.find(session, ctx, name)
        row = session.merge(DefaultType(project_id=project_id, type_id=type_.id))
        session.flush()
        _record(session, ctx, "default_type.update", row)
        return row

    return cinder.db.write(change)


def unset(cinder: Cinder, ctx: Context, project_id: str) -> None:
    """The cloud's holds again. Raises NoDefaultType."""

    def change(session: Session) -> None:
        row = _one(session, project_id)
        _record(session, ctx, "default_type.delete", row)
        session.delete(row)

    cinder.db.write(change)


def _one(session: Session, project_id: str) -> DefaultType:
    row = session.get(DefaultType, project_id)
    if row is None:
        raise NoDefaultType(project_id)
    return row


def _record(session: Session, ctx: Context, type_: str, row: DefaultType) -> None:
    Event.record(session, ctx, type_, "default_type", row.project_id,
                 {"project_id": row.project_id, "volume_type_id": row.type_id},
                 project_id=row.project_id)
