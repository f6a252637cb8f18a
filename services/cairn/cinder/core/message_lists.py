"""Messages, as their owners read and delete them. One whose time is over is not there any more."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.cinder.component import Cinder
from cairn.cinder.core.pages import page
from cairn.cinder.db.models import Event, Message
from cairn.cinder.errors import MessageNotFound
from cairn.common import listing
from cairn.common.context import Context
from cairn.common.db import utcnow
from cairn.common.listing import Part, Query

M: Any = Message.__table__.c
SORTABLE = {"id": M.id, "created_at": M.created_at, "event_id": M.event_id,
            "message_level": M.level, "resource_type": M.resource_type,
            "resource_uuid": M.resource_id, "request_id": M.request_id,
            "guaranteed_until": M.expires_at, "expires_at": M.expires_at}
FILTERS = {"event_id": M.event_id, "message_level": M.level, "resource_type": M.resource_type,
           "resource_uuid": M.resource_id, "request_id": M.request_id}


def _mine(ctx: Context) -> list[Any]:
    return [M.project_id == ctx.project, M.expires_at > utcnow()]


def index(cinder: Cinder, ctx: Context, query: Query) -> Part:
    """The page that is asked for. Raises Invalid, NotFound for the marker."""
    conditions = _mine(ctx)
    for name, column in FILTERS.items():
        value = listing.read_value(query, name)
        if value is not None:
            conditions.append(column == value)
    with cinder.db.reading() as session:
        return page(session, Message, query, SORTABLE, *conditions, most=cinder.api.max_limit)


def show(cinder: Cinder, ctx: Context, message_id: str) -> Any:
    """Raises MessageNotFound."""
    with cinder.db.reading() as session:
        return _one(session, ctx, message_id)


def remove(cinder: Cinder, ctx: Context, message_id: str) -> None:
    """Raises MessageNotFound."""

    def forget(session: Session) -> None:
        row = _one(session, ctx, message_id)
        Event.record(session, ctx, "message.delete", "message", row.id,
                     {"id": row.id, "event_id": row.event_id, "resource_uuid": row.resource_id},
                     project_id=row.project_id)
        session.delete(row)

    cinder.db.write(forget)


def _one(session: Session, ctx: Context, message_id: str) -> Message:
    row = session.scalar(select(Message).where(M.id == message_id, *_mine(ctx)))
    if row is None:
        raise MessageNotFound(message_id)
    return row
