"""Works on servers: one is claimed for an action as that is declared, and the work written."""

import time
from dataclasses import dataclass
from typing import Any, NoReturn

from sqlalchemy import ColumnElement, Row, or_, select, true, update
from sqlalchemy.orm import Session

from cairn.common import ledger
from cairn.common.context import Context
from cairn.common.db import changed
from cairn.common.events import unchanged
from cairn.common.flows import Action, Entry
from cairn.nova.component import Nova
from cairn.nova.core import events, hosts, migrations, servers
from cairn.nova.core.flows import actions, delete
from cairn.nova.db.models import Server, Work, WorkStep
from cairn.nova.errors import HostDown, NotOnAHost, ServerBusy, ServerNotFound
from cairn.nova.rpc import COMPUTE, CONDUCTOR, runner_of
from cairn.nova.settings import ServiceSettings


def ask(
    nova: Nova, ctx: Context, server_id: str, action: Action, *, entry: Entry | None = None,
    args: dict[str, Any] | None = None,
) -> None:
    """Claim the caller's server for an action and let its host begin. Raises ServerNotFound,
    ServerLocked, ServerBusy, NotOnAHost, HostDown."""

    def write(session: Session) -> str:
        row = servers.find(session, ctx, server_id)
        servers.check_unlocked(ctx, row)
        claim(session, row, action, entry)
        return str(add(session, ctx, row, action, nova.service, args).runner)

    nova.ring(ctx, nova.db.write(write))


def refuse(nova: Nova, ctx: Context, server_id: str, verb: str) -> NoReturn:
    """Raises ServerBusy for what no state of the caller's server allows, or ServerNotFound."""
    with nova.db.reading() as session:
        row = servers.find(session, ctx, server_id)
    raise ServerBusy(action=verb, id=row.id, attribute="vm_state", state=row.vm_state)


def check_may(server: Row[Any], action: Action, entry: Entry | None = None) -> None:
    """Whether the action could begin, as the row was read: before anything is made for it that
    would have to be taken back. `claim` decides. Raises ServerBusy."""
    entry = entry or action.entry
    busy = server.task_state is not None and entry.over is not None and (
        server.task_state not in entry.over)
    if (entry.states is not None and server.vm_state not in entry.states) or busy:
        raise _busy(server.id, action, entry, server)


def claim(
    session: Session, server: Row[Any], action: Action, entry: Entry | None = None
) -> None:
    """Take the server for the action's task, if its state allows and no other task has it. The
    database decides (compare-and-set): two requests cannot both get it. Raises ServerBusy."""
    entry = entry or action.entry
    if _take(session, server.id, entry):
        return
    now = session.execute(
        select(Server.vm_state, Server.task_state, Server.deleted).where(Server.id == server.id)
    ).one()
    if now.deleted:
        raise ServerNotFound(server.id)
    raise _busy(server.id, action, entry, now)


def _take(session: Session, server_id: str, entry: Entry) -> bool:
    """Whether the server is the task's now."""
    return changed(session.execute(
        update(Server).where(Server.id == server_id, Server.deleted.is_(False), *_free(entry))
        .values(task_state=entry.task)))


def _free(entry: Entry) -> list[ColumnElement[bool]]:
    if entry.over is None:
        task: ColumnElement[bool] = Server.task_state != entry.task
    else:
        task = Server.task_state.in_(entry.over) if entry.over else ~true()
    state = true() if entry.states is None else Server.vm_state.in_(entry.states)
    return [or_(Server.task_state.is_(None), task), state]


def _busy(server_id: str, action: Action, entry: Entry, now: Any) -> ServerBusy:
    attribute, state = "vm_state", now.vm_state
    if entry.states is None or now.vm_state in entry.states:
        attribute, state = "task_state", now.task_state
    return ServerBusy(action=action.kind, id=server_id, attribute=attribute, state=state)


def add(
    session: Session, ctx: Context, server: Row[Any], action: Action, service: ServiceSettings,
    args: dict[str, Any] | None = None, seconds: float = 0.0,
) -> Any:
    """Write the work of a server that was claimed for it; the row, with whom to ring. It begins in
    so many seconds, or when it is woken. Raises NotOnAHost, HostDown."""
    rooms = action.rooms(args or {})
    if server.host is None:
        # Unless it needs none, or is only about to get one.
        if COMPUTE in rooms and not (action.moves and rooms[0] == CONDUCTOR):
            raise NotOnAHost(id=server.id)
    elif COMPUTE in rooms and not hosts.is_up(session, server.host, service):
        raise HostDown(host=server.host, action=action.kind)
    # Which host another room is, the conductor says.
    runner = runner_of(server.host) if rooms[0] == COMPUTE else CONDUCTOR
    events.record(session, ctx, server, action, events.START,
                  **events.facts(action.kind, args or {}))
    return ledger.add(session, ctx, Work, kind=action.kind, subject=server.id, runner=runner,
                      args=args, seconds=seconds)


def begin_delete(nova: Nova, ctx: Context, server_id: str) -> None:
    """Begin to delete the caller's server, whatever is being done to it. Raises ServerNotFound,
    ServerLocked."""
    row = servers.get(nova, ctx, server_id)
    servers.check_unlocked(ctx, row)
    runner = nova.db.write(lambda session: remove(session, ctx, row, nova.service))
    if runner is not None:
        nova.ring(ctx, runner)


def remove(
    session: Session, ctx: Context, server: Row[Any], service: ServiceSettings
) -> str | None:
    """Begin to delete: what is being done to it is called off, its deletion comes next.

    Whom to ring; None when that is already under way. A host that is down is not waited for.
    """
    if not _take(session, server.id, delete.ACTION.entry):
        unchanged()
        return None
    events.record(session, ctx, server, delete.ACTION, events.START)
    ledger.cancel(session, Work, server.id,
                  [action.kind for action in actions().values() if action.cancellable])
    local = server.host is None or not hosts.is_up(session, server.host, service)
    runner = CONDUCTOR if local else runner_of(server.host)
    args: dict[str, Any] = {"local": server.host is not None and local}
    if (migration := migrations.waiting(session, server.id)) is not None:
        args |= {"migration": migration.id, "source": migration.source}
    ledger.add(session, ctx, Work, kind=delete.ACTION.kind, subject=server.id, runner=runner,
               args=args)
    return runner


# --- What becomes of one -------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """How a work ended: `error` is None when all of it was done."""

    error: str | None
    # The step that failed, where one did.
    failed_step: str | None
    # What steps said, by name.
    results: dict[str, dict[str, Any]]


def wait(nova: Nova, work_id: str, seconds: float) -> Outcome | None:
    """How it ended; None when it has not within so many seconds: it goes on."""
    end = time.monotonic() + seconds
    pause = 0.05
    while True:
        with nova.db.reading() as session:
            work = session.execute(
                select(Work.state, Work.error).where(Work.id == work_id)).one()
            if work.state not in ledger.OPEN:
                return _outcome(session, work_id, work.error)
        if time.monotonic() > end:
            return None
        nova.pause(pause)
        pause = min(pause * 1.5, 0.5)


def _outcome(session: Session, work_id: str, error: str | None) -> Outcome:
    steps = session.execute(
        select(WorkStep.name, WorkStep.state, WorkStep.error, WorkStep.result)
        .where(WorkStep.work_id == work_id).order_by(WorkStep.seq)
    ).all()
    # One that failed and was undone keeps its error.
    failed = next((step.name for step in steps if step.error is not None), None)
    return Outcome(error, failed, {step.name: step.result or {} for step in steps})


# --- What an admin says of a server, whatever became of its works --------------------------


def reset_state(nova: Nova, ctx: Context, server_id: str, vm_state: str) -> None:
    """It is in that state now, and has no task. Raises ServerNotFound."""
    with nova.db.writing() as session:
        row = servers.find(session, ctx, server_id)
        session.execute(update(Server).where(Server.id == row.id)
                        .values(vm_state=vm_state, task_state=None))
        servers.record_update(session, ctx, row, {
            "old_state": row.vm_state, "state": vm_state, "old_task_state": row.task_state,
            "new_task_state": None})
