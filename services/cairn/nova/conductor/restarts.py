"""Servers that ran when their host went down run again when it is back."""

from collections.abc import Collection
from dataclasses import replace
from functools import partial

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cairn.common import ledger
from cairn.common.context import Context, new_request_id
from cairn.nova.component import Nova
from cairn.nova.core import events, servers, works
from cairn.nova.core.flows import start
from cairn.nova.db.models import Server, Work
from cairn.nova.drivers.base import SHUTDOWN
from cairn.nova.errors import ServerBusy, ServerNotFound
from cairn.nova.rpc import runner_of


def resume(nova: Nova, ctx: Context, host: str, stopped: Collection[str]) -> list[str]:
    """Let the host start those of its servers that shall run and do not. Ids of those that a work
    has: what they are after it decides."""
    ctx, asked = replace(ctx, request_id=new_request_id()), set(stopped)
    with nova.db.reading() as session:
        rows = [row for row in servers.of_host(session, host)
                if row.id in asked and row.vm_state == "active" and not row.building
                and row.task_state != start.RESUMED.task]
        at_work = set(session.scalars(select(Work.subject).where(
            Work.subject.in_([row.id for row in rows]), Work.state.in_(ledger.OPEN))))
    busy = []
    for row in rows:
        if row.task_state is None:
            nova.db.write(partial(_start, ctx=ctx, host=host, server_id=row.id))
        elif row.id in at_work:
            busy.append(row.id)
    if len(busy) < len(rows):
        nova.ring(ctx, runner_of(host))
    return busy


def _start(session: Session, ctx: Context, host: str, server_id: str) -> None:
    """Whether its host is up is not asked: that just spoke to us."""
    row = servers.find_any(session, server_id)
    if row is None or row.host != host:
        return
    try:
        works.claim(session, row, start.ACTION, start.RESUMED)
    except (ServerBusy, ServerNotFound):
        return  # Somebody was faster, and knows better what it shall be.
    session.execute(update(Server).where(Server.id == row.id).values(power_state=SHUTDOWN))
    events.record(session, ctx, row, start.ACTION, events.START)
    ledger.add(session, ctx, Work, kind=start.ACTION.kind, subject=row.id, runner=runner_of(host),
               args={"restarted": True})
