"""/messages"""

from typing import Any

from cairn.cinder.api.pages import following, queries
from cairn.cinder.api.schemas import Query
from cairn.cinder.api.views import links
from cairn.cinder.component import Cinder
from cairn.cinder.core import message_lists
from cairn.cinder.core.values import stamp
from cairn.cinder.policy import RULES
from cairn.common.api import Api, Document
from cairn.common.context import Context

api = Api(RULES)


def view(row: Any) -> Document:
    """As all of them are shown."""
    shown = {
        "id": row.id, "event_id": row.event_id, "user_message": row.text,
        "message_level": row.level, "created_at": stamp(row.created_at),
        "guaranteed_until": stamp(row.expires_at), "request_id": row.request_id,
        "resource_type": row.resource_type, "links": links("messages", row.id),
    }
    return shown | ({"resource_uuid": row.resource_id} if row.resource_id else {})


@api.get("/messages", policy="message:get_all", since="3.3",
         query=queries("offset", *message_lists.FILTERS))
def index(cinder: Cinder, ctx: Context, query: Query) -> Document:
    """List why things that were begun did not come to their end, and what may be done."""
    part = message_lists.index(cinder, ctx, query)
    return {"messages": [view(row) for row in part.rows],
            **following("messages_links", "messages", query, part)}


@api.get("/messages/<message_id>", policy="message:get", since="3.3")
def show(cinder: Cinder, ctx: Context, message_id: str) -> Document:
    """Show a message."""
    return {"message": view(message_lists.show(cinder, ctx, message_id))}


@api.delete("/messages/<message_id>", policy="message:delete", since="3.3", status=204,
            event="message.delete")
def delete(cinder: Cinder, ctx: Context, message_id: str) -> None:
    """Forget a message before its time."""
    message_lists.remove(cinder, ctx, message_id)
