"""Servers that were deleted and are kept for a while, for they may be restored."""

import datetime as dt
from dataclasses import replace
from typing import Any

from sqlalchemy import Row, or_, select, update
from sqlalchemy.orm import Session

from cairn.common import ledger
from cairn.common.context import Context, new_request_id
from cairn.common.db import changed, utcnow
from cairn.common.events import unchanged
from cairn.nova.component import Nova
from cairn.nova.core import events, hosts, servers, works
from cairn.nova.core.flows import actions, soft_delete
from cairn.nova.core.flows import restore as restoring
from cairn.nova.db.models import Server, Work
from cairn.nova.rpc import runner_of

STATE, TASK = "soft-delete", soft_delete.ACTION.entry.task
# Of the states before, those in which nothing runs.
OFF = ("stopped", "error", "shelved")
# Servers that one look of `reclaim` begins to delete.
BATCH = 100


def delete(nova: Nova, ctx: Context, server_id: str) -> None:
    """Begin to delete the caller's server; where the cloud keeps such for a while, to make it one
    of them, if its host can. Raises ServerNotFound, ServerLocked."""
    if nova.api.reclaim_instance_interval <= 0:
        works.begin_delete(nova, ctx, server_id)
        return
    row = servers.get(nova, ctx, server_id)
    servers.check_unlocked(ctx, row)
    runner = nova.db.write(lambda session: _begin(nova, session, ctx, server_id))
    if runner is not None:
        nova.ring(ctx, runner)


def _begin(nova: Nova, session: Session, ctx: Context, server_id: str) -> str | None:
    """Whom to ring; None when it is under way, or was done."""
    row = servers.find(session, ctx, server_id)
    if row.vm_state == STATE or row.task_state == TASK:
        unchanged()
        return None
    action = soft_delete.ACTION
    keepable = (row.launched_at is not None and row.host is not None
                and row.vm_state in (action.entry.states or ())
                and hosts.is_up(session, row.host, nova.service))
    # Of what else is done to it only a deletion is not called off.
    if not keepable or not changed(session.execute(
            update(Server).where(
                Server.id == row.id, Server.deleted.is_(False), Server.vm_state == row.vm_state,
                or_(Server.task_state.is_(None), Server.task_state.not_in(("deleting", TASK))))
            .values(task_state=TASK, state_before=row.vm_state, soft_deleted_at=utcnow()))):
        return works.remove(session, ctx, row, nova.service)
    events.record(session, ctx, row, action, events.START)
    ledger.cancel(session, Work, row.id,
                  [each.kind for each in actions().values() if each.cancellable])
    work = ledger.add(session, ctx, Work, kind=action.kind, subject=row.id,
                      runner=runner_of(row.host))
    return str(work.runner)


def finish(session: Session, server_id: str, power_state: int) -> None:
    """It is off: SOFT_DELETED."""
    _settle(session, server_id, vm_state=STATE, power_state=power_state)


def give_up(session: Session, server_id: str, error: str) -> None:
    """It is not deleted; its fault says why."""
    _settle(session, server_id, soft_deleted_at=None, state_before=None,
            fault=servers.fault(*error.partition("\n")[::2]))


def _settle(session: Session, server_id: str, **values: Any) -> None:
    session.execute(update(Server).where(
        Server.id == server_id, Server.deleted.is_(False), Server.task_state == TASK)
        .values(task_state=None, **values))


# --- Back ----------------------------------------------------------------------------------


def restore(nova: Nova, ctx: Context, server_id: str) -> None:
    """Begin to bring back the caller's server. Raises as works.ask."""
    before = servers.get(nova, ctx, server_id).state_before
    starts = before not in OFF
    works.ask(nova, ctx, server_id, restoring.ACTION, args={
        "starts": starts, "state": "active" if starts else before})


def finish_restore(
    session: Session, server_id: str, vm_state: str, power_state: int
) -> None:
    """It is what it was."""
    servers.change(session, server_id, task_state=None, soft_deleted_at=None, state_before=None,
                   vm_state=vm_state, power_state=power_state)


# --- Gone ----------------------------------------------------------------------------------


def reclaim(nova: Nova) -> int:
    """Begin to delete those that were kept for long enough. How many."""
    seconds = nova.api.reclaim_instance_interval
    if seconds <= 0:
        return 0
    with nova.db.reading() as session:
        due = session.execute(select(*servers.COLUMNS).where(
            Server.vm_state == STATE, Server.deleted.is_(False), Server.task_state.is_(None),
            Server.soft_deleted_at <= utcnow() - dt.timedelta(seconds=seconds),
        ).order_by(Server.soft_deleted_at).limit(BATCH)).all()
    for row in due:
        _reclaim(nova, row)
    return len(due)


def _reclaim(nova: Nova, row: Row[Any]) -> None:
    ctx = replace(Context(), project_id=row.project_id, request_id=new_request_id())

    def write(session: Session) -> str | None:
        now = servers.find_any(session, row.id)
        if now is None or now.vm_state != STATE or now.task_state is not None:
            return None  # Restored meanwhile.
        return works.remove(session, ctx, now, nova.service)

    runner = nova.db.write(write)
    if runner is not None:
        nova.ring(ctx, runner)
