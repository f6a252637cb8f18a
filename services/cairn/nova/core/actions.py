"""Instance actions: the works of a server and their steps, as its owner reads them.

One request may need several works (each host that is tried is one); they are one action, by the
request's id.
"""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from cairn.common.context import Context
from cairn.common.errors import NotFound
from cairn.nova.component import Nova
from cairn.nova.core import servers
from cairn.nova.core.flows import create, delete, soft_delete
from cairn.nova.db.models import Work, WorkStep
from cairn.nova.errors import ServerNotFound

# What clients know another action as.
_CALLED = {soft_delete.ACTION.kind: delete.ACTION.kind}


@dataclass
class Event:
    """One step of an action; `runner` is who did it (api, conductor, compute.HOST)."""

    name: str
    runner: str
    started_at: dt.datetime
    finished_at: dt.datetime | None
    state: str
    error: str | None


@dataclass
class Action:
    """What one request had done to a server, from its first work to its last; failed when the last
    one did. `events` are there only when one action is asked for."""

    request_id: str
    kind: str
    user_id: str
    project_id: str
    started_at: dt.datetime
    updated_at: dt.datetime
    failed: bool
    error: str | None
    events: list[Event] = field(default_factory=list)


def list_actions(
    nova: Nova, ctx: Context, server_id: str, *, since: dt.datetime | None = None,
    before: dt.datetime | None = None,
) -> list[Action]:
    """The actions on the caller's server, newest first. Raises ServerNotFound."""
    with nova.db.reading() as session:
        row = _find_server(session, ctx, server_id)
        return _list(session, row.id, since=since, before=before)


def get_action(
    nova: Nova, ctx: Context, server_id: str, request_id: str
) -> tuple[Action, str]:
    """One action with its events, oldest first, and whose project the server is. Raises
    ServerNotFound, NotFound."""
    with nova.db.reading() as session:
        row = _find_server(session, ctx, server_id)
        return _find(session, row.id, request_id), row.project_id


def _find_server(session: Session, ctx: Context, server_id: str) -> Row[Any]:
    """The caller's server; since 2.21 a deleted one, too."""
    if ctx.version < (2, 21):
        return servers.find(session, ctx, server_id)
    row = servers.find_any(session, server_id)
    if row is None or not (ctx.is_admin or row.project_id == ctx.project):
        raise ServerNotFound(server_id)
    return row


def _list(
    session: Session, server_id: str, *, since: dt.datetime | None = None,
    before: dt.datetime | None = None,
) -> list[Action]:
    columns = (Work.seq, Work.kind, Work.request_id, Work.user_id, Work.project_id,
               Work.created_at, Work.updated_at, Work.state, Work.error)
    rows = session.execute(
        select(*columns).where(Work.subject == server_id).order_by(Work.seq)
    ).all()
    by_request: dict[str, Action] = {}
    for row in rows:
        action = by_request.get(row.request_id)
        if action is None:
            action = by_request[row.request_id] = Action(
                row.request_id, _CALLED.get(row.kind, row.kind), row.user_id, row.project_id,
                row.created_at, row.updated_at, False, None)
        action.updated_at = row.updated_at
        action.failed, action.error = row.state == "failed", row.error
    return [a for a in reversed(by_request.values())
            if (since is None or a.updated_at >= since)
            and (before is None or a.updated_at <= before)]


def _find(session: Session, server_id: str, request_id: str) -> Action:
    for action in _list(session, server_id):
        if action.request_id == request_id:
            break
    else:
        raise NotFound("Action for request_id", request_id)
    rows = session.execute(
        select(WorkStep.name, WorkStep.runner, WorkStep.started_at, WorkStep.finished_at,
               WorkStep.state, WorkStep.error)
        .join(Work, Work.id == WorkStep.work_id)
        .where(Work.subject == server_id, Work.request_id == request_id)
        .order_by(WorkStep.seq)
    )
    action.events = [Event(*row) for row in rows]
    return action


def maker_roles(session: Session, server_id: str) -> list[str]:
    """The roles of whoever had the server made, as long as that is known."""
    context = session.scalar(
        select(Work.context).where(Work.subject == server_id, Work.kind == create.ACTION.kind)
        .order_by(Work.seq).limit(1))
    return list((context or {}).get("roles", ()))


def result(event: Event) -> str | None:
    """In the API's words: None while it lasts."""
    return {"done": "Success", "failed": "Error", "undone": "Error"}.get(event.state)

