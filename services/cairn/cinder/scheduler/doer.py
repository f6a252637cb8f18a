"""What the scheduler's steps of every action have in common: it has the database."""

import logging
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cairn.cinder.component import Cinder
from cairn.cinder.core import events, group_members, messages, works
from cairn.cinder.db.models import Volume, Work
from cairn.cinder.errors import Withdrawn
from cairn.cinder.rpc import SCHEDULER, runner_of
from cairn.cinder.settings import SchedulerSettings
from cairn.common import flows
from cairn.common.durable import durable
from cairn.common.flows import Action, Do
from cairn.common.work import Job

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Hands:
    """What they are done with."""

    cinder: Cinder
    settings: SchedulerSettings = field(default_factory=SchedulerSettings)


class Doer(flows.Doer):
    """An action without a module here has no steps at the scheduler; what failed elsewhere ends
    here all the same."""

    def __init__(self, action: Action, hands: Hands) -> None:
        super().__init__(action)
        self.cinder, self.settings = hands.cinder, hands.settings

    def runner(self, room: str, job: Job) -> str:
        """The host that the work's volume is on, or that the work was sent to."""
        if room == SCHEDULER:
            return SCHEDULER
        return runner_of(room, self.host(job))

    def host(self, job: Job) -> str:
        """host@backend#pool of the work's volume. Raises Withdrawn where it has none."""
        with self.cinder.db.reading() as session:
            host = session.scalar(select(Volume.host).where(Volume.id == job.subject))
        if host is None:
            raise Withdrawn
        return host

    def failed(self, job: Job, error: str) -> str | None:
        """The resource is as it was, or in error, and its owner is told why; after a host has
        undone what it had done before."""
        if (other := self.others(job)) is not None:
            return other
        self.cinder.db.write(lambda session: self.record_failure(session, job, error))
        return None

    def others(self, job: Job) -> str | None:
        """A host that has something to undo of it."""
        undone = {step.name for step in self.action.steps if step.undo}
        return next((runner for runner, name in reversed(job.begun)
                     if runner != SCHEDULER and name in undone), None)

    def keep(self, session: Session, job: Job, name: str, result: Any) -> None:
        """Something of the work's: a step's result, for a host that has something to undo after the
        step itself was."""
        job.args = {**job.args, name: result}
        session.execute(update(Work).where(Work.id == job.id).values(args=job.args))

    def error_status(self, job: Job) -> str | None:
        """The status after a failure; None: as before."""
        return "error" if self.action.breaks else None

    def record_failure(self, session: Session, job: Job, error: str) -> None:
        """In the transaction that frees the resource."""
        row = self.target(session, job)
        if row is None:
            return
        resource = job.args["resource"]
        self.release(session, job, row, self.error_status(job))
        messages.add(session, job.ctx, self.action.kind, resource, row.id, row.project_id, error)
        events.record_of(resource)(
            session, job.ctx, f"{self.action.event}.error", row, error=error)

    def target(self, session: Session, job: Job) -> Any:
        """The row of what is worked on; None when it is gone."""
        model = works.MODELS[job.args["resource"]]
        return session.scalar(select(model).where(model.id == job.args["resource_id"]))

    def hold_group(self, session: Session, job: Job) -> str | None:
        """The group of the work's volume, held before the volume is changed; None without one."""
        group_id = session.scalar(select(Volume.group_id).where(Volume.id == job.subject))
        if group_id is not None:
            group_members.hold(session, group_id)
        return group_id

    def finish(
        self, session: Session, job: Job, status: str | None = None, **values: Any
    ) -> Any:
        """The resource is free, in that status or (None) the one before, with these values; told
        as the end of the action. Its row; None when it is gone."""
        row = self.target(session, job)
        if row is None:
            return None
        for name, value in values.items():
            setattr(row, name, value)
        session.flush()
        self.release(session, job, row, status)
        events.record_of(job.args["resource"])(session, job.ctx, f"{self.action.event}.end", row)
        return row

    def release(self, session: Session, job: Job, row: Any, status: str | None) -> None:
        """It is free, if it is this action's still: this may be said again after a death, when
        another may have claimed it."""
        tasks = {entry.task for entry in self.action.entries if entry.task}
        if job.error is not None and self.action.breaks:
            tasks.add("available")  # It had come to its end, and is unwound.
        if row.status in tasks:
            works.release(session, job.args["resource"], row.id, status)
            session.expire(row)


def step(do: Any, undo: Any = None) -> Do:
    """A step that a database that is away does not fail."""
    return Do(durable(do), durable(undo) if undo else None)


def record_unknown(cinder: Cinder, job: Job, error: str) -> None:
    """A work that this release does not know ends: what it had is free again, and its owner is
    told."""
    resource = job.args.get("resource")
    if resource not in works.MODELS:
        return
    with cinder.db.writing() as session:
        model = works.MODELS[resource]
        row = session.scalar(select(model).where(model.id == job.args.get("resource_id")))
        if row is not None:
            works.release(session, resource, row.id,
                          "error" if row.status == "creating" else None)
            messages.add(session, job.ctx, job.kind, resource, row.id, row.project_id, error)
            if resource == "volume":
                session.flush()
                group_members.settle(session, job.ctx, row.group_id)
