"""A server's lock: while it is there, all but admins leave the server alone."""

from typing import Any

from sqlalchemy import Row, update
from sqlalchemy.orm import Session

from cairn.common.context import Context
from cairn.nova.component import Nova
from cairn.nova.core import events, servers
from cairn.nova.db.models import Event, Server

LOCK, UNLOCK = "compute.instance.lock", "compute.instance.unlock"


def lock(nova: Nova, ctx: Context, server_id: str, reason: str | None) -> None:
    """Lock the caller's server. Raises ServerNotFound."""
    with nova.db.writing() as session:
        row = servers.find(session, ctx, server_id)
        by = "owner" if row.project_id == ctx.project else "admin"
        session.execute(update(Server).where(Server.id == row.id)
                        .values(locked_by=by, locked_reason=reason))
        _record(session, ctx, LOCK, row, {"locked_reason": reason})


def unlock(nova: Nova, ctx: Context, server_id: str) -> None:
    """Unlock it. Raises ServerNotFound, Forbidden: an admin's lock is an admin's to lift."""
    with nova.db.writing() as session:
        row = servers.find(session, ctx, server_id)
        if row.locked_by == "admin":
            nova.policy.enforce(ctx, "os_compute_api:os-lock-server:unlock:unlock_override")
        session.execute(update(Server).where(Server.id == row.id)
                        .values(locked_by=None, locked_reason=None))
        _record(session, ctx, UNLOCK, row, {})


def _record(
    session: Session, ctx: Context, type_: str, server: Row[Any], more: dict[str, Any]
) -> None:
    Event.record(session, ctx, type_, "server", server.id, events.describe(server) | more,
                 project_id=server.project_id)
