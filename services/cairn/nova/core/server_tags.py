"""Tags of servers: changed under a lock of the row, so that of two writers neither is lost."""

from collections.abc import Callable, Sequence

from sqlalchemy import update
from sqlalchemy.orm import Session

from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.nova.component import Nova
from cairn.nova.core import servers
from cairn.nova.db.models import Server
from cairn.nova.errors import TagNotFound

MOST = 50  # Of one server.


def replace(nova: Nova, ctx: Context, server_id: str, tags: Sequence[str]) -> list[str]:
    """Let it have these tags and no others; each once. Raises ServerNotFound,
    ServerBusy."""
    unique = list(dict.fromkeys(tags))
    return _change(nova, ctx, server_id, lambda have: unique)


def add(nova: Nova, ctx: Context, server_id: str, tag: str) -> bool:
    """Whether it was new to the server. Raises Invalid when that has as many as it may,
    ServerNotFound, ServerBusy."""
    added = False

    def append(tags: list[str]) -> list[str]:
        nonlocal added
        added = tag not in tags
        if added and len(tags) >= MOST:
            raise Invalid(reason=f"The number of tags exceeded the per-server limit {MOST}")
        return [*tags, tag] if added else tags

    _change(nova, ctx, server_id, append)
    return added


def remove(nova: Nova, ctx: Context, server_id: str, tag: str) -> None:
    """Raises TagNotFound, ServerNotFound, ServerBusy."""

    def without(tags: list[str]) -> list[str]:
        if tag not in tags:
            raise TagNotFound(tag)
        return [name for name in tags if name != tag]

    _change(nova, ctx, server_id, without)


def _change(
    nova: Nova, ctx: Context, server_id: str, change: Callable[[list[str]], list[str]]
) -> list[str]:
    def write(session: Session) -> list[str]:
        row = servers.hold(session, ctx, server_id)
        servers.check_settled(row, "update_instance_tags", idle=False)
        tags = change(row.tags)
        session.execute(update(Server).where(Server.id == row.id).values(tags=tags))
        servers.record_update(session, ctx, row)
        return tags

    return nova.db.write(write)
