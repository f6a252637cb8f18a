"""What the conductor's steps of every action have in common."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from cairn.common import flows
from cairn.common.durable import durable
from cairn.common.flows import Action, Do
from cairn.common.patience import patiently
from cairn.common.work import Job
from cairn.nova.component import Nova
from cairn.nova.core import servers
from cairn.nova.errors import Withdrawn
from cairn.nova.rpc import CONDUCTOR, Scheduler, runner_of
from cairn.nova.settings import ConductorSettings

PATIENCE = 60.0  # Seconds a step waits for a neighbour that is away.

T = TypeVar("T")


@dataclass(frozen=True)
class Hands:
    """What they are done with."""

    nova: Nova
    scheduler: Scheduler
    settings: ConductorSettings = field(default_factory=ConductorSettings)
    patience: float = PATIENCE


class Doer(flows.Doer):
    """An action without a module here has no steps at the conductor; what failed elsewhere ends
    here all the same."""

    def __init__(self, action: Action, hands: Hands) -> None:
        super().__init__(action)
        self.nova, self.scheduler, self.settings = hands.nova, hands.scheduler, hands.settings
        self.patience = hands.patience

    def runner(self, room: str, job: Job) -> str:
        if room == CONDUCTOR:
            return CONDUCTOR
        host = self.row(job).host
        if host is None:
            raise Withdrawn
        return runner_of(host)

    def failed(self, job: Job, error: str) -> str | None:
        with self.nova.db.writing() as session:
            servers.record_failure(session, job.subject, error, breaks=self.action.breaks)
        return None

    def row(self, job: Job) -> Any:
        """The server, if it is not to be deleted meanwhile. Raises Withdrawn."""
        row = self.row_or_none(job)
        if row is None or row.deleted or row.task_state == "deleting":
            raise Withdrawn
        return row

    def row_or_none(self, job: Job) -> Any:
        """The server, whatever becomes of it; None when it is forgotten."""
        with self.nova.db.reading() as session:
            return servers.find_any(session, job.subject)

    def others(self, job: Job) -> str | None:
        """Another room that began to do something, and has to undo it before this one."""
        return next((runner for runner, _ in job.begun if runner != CONDUCTOR), None)

    def patiently(self, func: Callable[[], T], what: str) -> T:
        return patiently(func, self.patience, what)


def record_unknown(nova: Nova, job: Job, error: str) -> None:
    """A work that this release does not know ends: the server has no task, and its fault says
    why. One that was being built is in error: nobody else will build it."""
    with nova.db.writing() as session:
        row = servers.find_any(session, job.subject)
        if row is not None:
            servers.record_failure(session, job.subject, error, breaks=row.vm_state == "building")


def step(do: Callable[[Job], Any], undo: Callable[[Job], None] | None = None) -> Do:
    """A step that a database that is away does not fail."""
    return Do(durable(do), undo)
