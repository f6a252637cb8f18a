"""Work: the durable steps of everything that takes longer than a request.

A work row is written in the transaction that changes the resource. A worker takes rows by
compare-and-set and holds them by a lease. Each step is recorded before it begins and after it
ended; a step may be repeated (its process died in the middle), so it must bear that. When one
fails, those that began are undone in reverse. What is kept is also what the owner sees (instance
actions) and what recovery reads.

Works of one subject run one after another, in the order they were made. `runner` names who shall
run a work: a kind of process ("conductor") or one host's ("compute.node1"); a flow may hand its
work to another runner, whose own flow of the same kind continues it. Whoever fails hands it back
the same way, with the error, and the earlier runner undoes its own steps.
"""

import datetime as dt
import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

from cairn.common.context import Context
from cairn.common.errors import Problem

log = logging.getLogger(__name__)

LEASE = 20.0  # Seconds a worker may be silent before another takes its work.
SWEEP = 4.0  # Seconds between looks for work that no bell rang for.


class Lost(Exception):
    """The lease is another's now: stop at once and touch nothing."""


class Cancelled(Problem):
    code = 409
    message = "The work was cancelled."


class Interrupted(Exception):
    """A step could not go on through no fault of its own (the database, the conductor is away):
    it failed nothing, and is repeated later."""


class Elsewhere(Exception):
    """Raised by a step: `runner` goes first. The step comes again when the work is back."""

    def __init__(self, runner: str) -> None:
        super().__init__(runner)
        self.runner = runner


@dataclass
class Job:
    """A work as its runner holds it. JSON-safe except `ctx`: it travels over RPC."""

    id: str
    kind: str
    subject: str
    runner: str
    owner: str
    args: dict[str, Any]
    ctx: Context
    # Results of the finished steps by name, of every runner that had it.
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    # Steps that began and were not undone, oldest first: (runner, name).
    begun: list[tuple[str, str]] = field(default_factory=list)
    # Set when the work is being unwound: what failed, as the owner may read it.
    error: str | None = None
    attempts: int = 0

    def to_wire(self) -> dict[str, Any]:
        return {**vars(self), "ctx": self.ctx.to_wire(), "begun": [list(b) for b in self.begun]}

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> "Job":
        return cls(**{**wire, "ctx": Context.from_wire(wire["ctx"]),
                      "begun": [(r, n) for r, n in wire["begun"]]})


@dataclass(frozen=True)
class Step:
    """`do(job)` returns what is to be remembered (JSON) or None. `undo(job)` must bear a step that
    half happened, wholly happened, or never did."""

    name: str
    do: Callable[[Job], "dict[str, Any] | None"]
    undo: Callable[[Job], None] | None = None


@dataclass(frozen=True)
class Flow:
    """What one runner does for one kind of work.

    `then(job)` runs after the last step: a runner to hand the work to, or None when it is done.
    `failed(job, error)` runs after the undoing: a runner to hand it back to, or None when it
    ends here; it records what the owner shall see. Both may be repeated.
    """

    kind: str
    steps: tuple[Step, ...]
    then: Callable[[Job], str | None] = lambda job: None
    failed: Callable[[Job, str], str | None] = lambda job, error: None


class Ledger(Protocol):
    """Where works are kept: a database (ledger.py), or a conductor that has one, over RPC.

    Every change raises Lost when the work is no longer `job.owner`'s.
    """

    def take(self, runner: str, owner: str, fresh: bool) -> Job | None:
        """The next work of `runner`, leased; with `fresh` first release what `owner` held in an
        earlier life."""
        ...

    def renew(self, jobs: list[Job]) -> list[str]:
        """Prolong the leases; the ids of the works that are lost or cancelled."""
        ...

    def begin(self, job: Job, step: str) -> None:
        """Record that a step begins. Raises Cancelled when the owner of the resource gave it up."""
        ...

    def finish(self, job: Job, step: str, result: dict[str, Any] | None) -> None: ...

    def advance(
        self, job: Job, step: str, result: dict[str, Any] | None, following: str
    ) -> None:
        """finish(step) and begin(following) at once. Raises Cancelled with the step finished."""
        ...

    def fail(self, job: Job, step: str | None, error: str) -> None:
        """Record that a step failed (None: no step) and that the work is being undone."""
        ...

    def undone(self, job: Job, step: str) -> None: ...

    def hand(self, job: Job, runner: str) -> None:
        """Let `runner` go on (or undo, if the work has an error)."""
        ...

    def close(self, job: Job) -> None:
        """Done, or failed if it has an error."""
        ...

    def postpone(self, job: Job, seconds: float) -> None:
        """Try again later: an undo could not be done."""
        ...


class Worker:
    """Runs the works of one runner, several at once, for as long as the process lives."""

    def __init__(
        self, ledger: Ledger, flows: list[Flow], *, runner: str, owner: str, threads: int = 8,
        explain: Callable[[Exception], str] = str,
    ) -> None:
        self.ledger, self.runner, self.owner = ledger, runner, owner
        self.flows = {flow.kind: flow for flow in flows}
        self.threads = threads
        self.explain = explain
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=f"work {runner}")
        self._bell = threading.Event()
        self._ended = threading.Event()
        self._held: dict[str, Job] = {}
        self._lock = threading.Lock()
        # Where a test may end the process: called with (moment, job, step).
        self.probe: Callable[[str, Job, str], None] = lambda moment, job, step: None

    def start(self) -> None:
        threading.Thread(target=self._loop, daemon=True, name=f"take {self.runner}").start()
        threading.Thread(target=self._keep, daemon=True, name=f"renew {self.runner}").start()

    def stop(self) -> None:
        """Take nothing new. What runs is left to its lease."""
        self._ended.set()
        self._bell.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def ring(self) -> None:
        """There may be work."""
        self._bell.set()

    def drain(self) -> None:
        """Run what there is, here and now, and return (tests)."""
        while (job := self.ledger.take(self.runner, self.owner, False)) is not None:
            self.run(job)

    def _loop(self) -> None:
        fresh = True
        while not self._ended.is_set():
            self._bell.clear()
            try:
                while len(self._held) < self.threads and not self._ended.is_set():
                    job = self.ledger.take(self.runner, self.owner, fresh)
                    fresh = False
                    if job is None:
                        break
                    with self._lock:
                        self._held[job.id] = job
                    self._pool.submit(self._run_held, job)
            except Exception as error:
                log.warning("%s: no work could be taken: %s", self.runner, error)
                self._ended.wait(0.5)
            self._bell.wait(SWEEP)

    def _keep(self) -> None:
        while not self._ended.wait(LEASE / 4):
            with self._lock:
                held = list(self._held.values())
            try:
                if held:
                    self.ledger.renew(held)
            except Exception as error:
                log.warning("%s: leases were not renewed: %s", self.runner, error)

    def _run_held(self, job: Job) -> None:
        try:
            self.run(job)
        finally:
            with self._lock:
                self._held.pop(job.id, None)
            self._bell.set()

    def run(self, job: Job) -> None:
        """One work to its end, or as far as this runner goes."""
        try:
            flow = self.flows[job.kind]
            if job.error is None:
                self._forward(flow, job)
            if job.error is not None:
                self._backward(flow, job)
        except Lost:
            log.warning("%s %s of %s was lost to another", self.runner, job.kind, job.subject)
        except Interrupted as error:
            log.warning("%s: %s of %s waits: %s", self.runner, job.kind, job.subject, error)
            self._release(job)
        except Exception:
            # The ledger itself failed; the lease lapses, or the next start takes it up again.
            log.exception("%s: %s of %s was interrupted", self.runner, job.kind, job.subject)

    def _release(self, job: Job) -> None:
        try:
            self.ledger.postpone(job, 1.0)
        except Exception as error:
            log.info("%s: the lease of %s is left to lapse: %s", self.runner, job.id, error)

    def _record(self, change: Callable[..., None], job: Job, *args: Any) -> None:
        """Change the ledger, patiently: what keeps it may be restarting. Raises Interrupted."""
        end = time.monotonic() + LEASE / 2
        pause = 0.1
        while True:
            try:
                change(job, *args)
                return
            except (Lost, Cancelled):
                raise
            except Exception as error:
                if self._ended.is_set() or time.monotonic() + pause > end:
                    raise Interrupted(str(error)) from error
                log.warning("%s: %s of %s is not recorded yet: %s", self.runner, job.kind,
                            job.subject, error)
            self._ended.wait(pause)
            pause = min(pause * 2, 1.0)

    def _forward(self, flow: Flow, job: Job) -> None:
        step = None
        try:
            steps = [s for s in flow.steps
                     if s.name not in job.results or (self.runner, s.name) not in job.begun]
            if steps:
                step = steps[0]
                self._record(self.ledger.begin, job, step.name)
            for done, following_step in zip(steps, [*steps[1:], None], strict=True):
                if (self.runner, done.name) not in job.begun:
                    job.begun.append((self.runner, done.name))
                self.probe("begun", job, done.name)
                result = done.do(job)
                self.probe("done", job, done.name)
                job.results[done.name] = result or {}
                step = following_step
                if step is None:
                    self._record(self.ledger.finish, job, done.name, result)
                else:
                    self._record(self.ledger.advance, job, done.name, result, step.name)
            following = flow.then(job)
        except (Lost, Interrupted):
            raise
        except Elsewhere as other:
            self._record(self.ledger.hand, job, other.runner)
            return
        except Exception as error:
            if not isinstance(error, Problem):
                log.exception("%s: %s of %s failed", self.runner, job.kind, job.subject)
            job.error = self.explain(error) or type(error).__name__
            self._record(self.ledger.fail, job, step.name if step else None, job.error)
            return
        self._pass_on(job, following)

    def _pass_on(self, job: Job, following: str | None) -> None:
        if following is None:
            self._record(self.ledger.close, job)
        else:
            self._record(self.ledger.hand, job, following)

    def _backward(self, flow: Flow, job: Job) -> None:
        assert job.error is not None
        steps = {step.name: step for step in flow.steps}
        for runner, name in reversed(list(job.begun)):
            if runner != self.runner:
                continue
            step = steps.get(name)
            try:
                if step is not None and step.undo is not None:
                    self.probe("undoing", job, name)
                    step.undo(job)
            except Exception:
                log.exception("%s: %s of %s could not be undone yet", self.runner, name,
                              job.subject)
                self.ledger.postpone(job, min(2.0 ** min(job.attempts, 5), 30.0))
                return
            self._record(self.ledger.undone, job, name)
            job.begun.remove((runner, name))
        try:
            following = flow.failed(job, job.error)
        except Exception:
            log.exception("%s: the end of %s of %s could not be recorded yet", self.runner,
                          job.kind, job.subject)
            self.ledger.postpone(job, 2.0)
            return
        self._pass_on(job, following)


def seconds_from(now: dt.datetime, seconds: float) -> dt.datetime:
    return now + dt.timedelta(seconds=seconds)
