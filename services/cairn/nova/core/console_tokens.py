"""What lets somebody open a console: a token each, kept as its hash."""

import datetime as dt
import hashlib
import secrets
from dataclasses import asdict, dataclass

from sqlalchemy import ColumnElement, insert, select
from sqlalchemy.orm import Session

from cairn.common.context import Context
from cairn.common.db import server_now, utcnow
from cairn.common.purge import drop
from cairn.common.tokens import Token, read
from cairn.nova.db.models import ConsoleToken, Server

# Power states of a guest that has a console: it runs, or is paused.
_HAS_CONSOLE = (1, 3)
# No token of ours is longer; what is need not be looked up.
LONGEST = 128


@dataclass(frozen=True)
class Pass:
    """What a token lets its bearer open. `address` and `port` are where `host` hands consoles
    over; `access` is what the asker's own token said, None where there was none."""

    token_hash: str
    server_id: str
    user_id: str
    project_id: str
    console_type: str
    host: str
    address: str
    port: int
    access: Token | None


def issue(
    session: Session, ctx: Context, *, server_id: str, project_id: str, console_type: str,
    host: str, address: str, port: int, seconds: float,
) -> str:
    """A new token for a console of a server that is on `host` now, good for so many seconds."""
    token = secrets.token_urlsafe(32)
    session.execute(insert(ConsoleToken).values(
        token_hash=_hash(token), server_id=server_id, user_id=ctx.user_id, project_id=project_id,
        access=asdict(read(ctx.token)) if ctx.token else None, console_type=console_type,
        host=host, address=address, port=port, created_at=utcnow(),
        expires_at=server_now(seconds)))
    return token


def find(session: Session, token: str) -> Pass | None:
    """What it opens; None where it is none, has expired, or its server does not run any more, runs
    elsewhere or is another project's. Whether its asker lost his access is not looked at."""
    if not 0 < len(token) <= LONGEST:
        return None
    row = session.execute(
        select(*ConsoleToken.__table__.c)
        .join(Server, Server.id == ConsoleToken.server_id)
        .where(ConsoleToken.token_hash == _hash(token), ConsoleToken.expires_at > server_now(),
               Server.host == ConsoleToken.host, Server.project_id == ConsoleToken.project_id,
               *_there(), Server.power_state.in_(_HAS_CONSOLE))
    ).one_or_none()
    if row is None:
        return None
    return Pass(row.token_hash, row.server_id, row.user_id, row.project_id, row.console_type,
                row.host, row.address, row.port, Token(**row.access) if row.access else None)


def holds(session: Session, opened: Pass) -> bool:
    """Whether the server of a console that is open is still where and whose it was."""
    return session.scalar(select(Server.number).where(
        Server.id == opened.server_id, Server.host == opened.host,
        Server.project_id == opened.project_id, *_there())) is not None


def _there() -> tuple[ColumnElement[bool], ...]:
    return Server.deleted.is_(False), Server.task_state.is_distinct_from("deleting")


def purge(session: Session, before: dt.datetime, limit: int) -> int:
    """Forget what expired before then; how many."""
    keys = session.scalars(
        select(ConsoleToken.number).where(ConsoleToken.expires_at < before)
        .order_by(ConsoleToken.expires_at).limit(limit)).all()
    return drop(session, ConsoleToken, ConsoleToken.number.in_(keys)) if keys else 0


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
