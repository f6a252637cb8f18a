"""A server's lock: while it is there, all but admins leave the server alone."""

from sqlalchemy import update

from cairn.common.context import Context
from cairn.nova.component import Nova
from cairn.nova.core import servers
from cairn.nova.db.models import Server


def lock(nova: Nova, ctx: Context, server_id: str, reason: str | None) -> None:
    """Lock the caller's server. Raises ServerNotFound."""
    with nova.db.writing() as session:
        row = servers.find(session, ctx, server_id)
        by = "owner" if row.project_id == ctx.project else "admin"
        session.execute(update(Server).where(Server.id == row.id)
                        .values(locked_by=by, locked_reason=reason))


def unlock(nova: Nova, ctx: Context, server_id: str) -> None:
    """Unlock it. Raises ServerNotFound, Forbidden: an admin's lock is an admin's to lift."""
    with nova.db.writing() as session:
        row = servers.find(session, ctx, server_id)
        if row.locked_by == "admin":
            nova.policy.enforce(ctx, "os_compute_api:os-lock-server:unlock:unlock_override")
        session.execute(update(Server).where(Server.id == row.id)
                        .values(locked_by=None, locked_reason=None))
