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

Nobody works on what may be another's by now. Every take has a token of its own, without which the
ledger changes nothing. Every step is recorded before it begins, so that the ledger has just said
whose the work is. And a step that lasts calls `check()` before each of its effects, which knows by
this host's own clock, that nobody sets, for how long that is still true.
"""

import dataclasses
import hashlib
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol

from cairn.common.context import Context
from cairn.common.errors import Problem, UnknownWork

log = logging.getLogger(__name__)

LEASE = 20.0  # Seconds a worker may be silent before another takes its work.
# Seconds between looks for work that no bell rang for; they grow while there is nothing to find.
SWEEP, SWEEP_MOST = 4.0, 12.0
POSTPONED = 30.0  # The most seconds that a work is put off at once.

LOST, CANCELLED = "lost", "cancelled"


class Lost(Exception):
    """The lease is another's now: stop at once and touch nothing."""


class Cancelled(Problem):
    code = 409
    message = "The work was cancelled."


class Interrupted(Exception):
    """A step could not go on through no fault of its own (the database, the conductor is away):
    it failed nothing, and is repeated later."""


class Later(Exception):
    """Raised by a step: what it waits for has not happened. It comes again in so many seconds, or
    when the work is woken (ledger.wake)."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


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
    # Called `owner` where it travels: the release before says so too.
    lease_holder: str
    args: dict[str, Any]
    ctx: Context
    # Of this take, and of no other: who shows it holds the work.
    token: str = ""
    # Results of the finished steps by name, of every runner that had it.
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    # Steps that began and were not undone, oldest first: (runner, name).
    begun: list[tuple[str, str]] = field(default_factory=list)
    # Set when the work is being unwound: what failed, as the owner may read it.
    error: str | None = None
    attempts: int = 0

    def to_wire(self) -> dict[str, Any]:
        wire = {**vars(self), "owner": self.lease_holder, "ctx": self.ctx.to_wire(),
                "begun": [list(b) for b in self.begun]}
        del wire["lease_holder"]
        return wire

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> "Job":
        names = {f.name for f in dataclasses.fields(cls)}  # A newer release may say more.
        return cls(**{**{name: value for name, value in wire.items() if name in names},
                      "lease_holder": wire["owner"], "ctx": Context.from_wire(wire["ctx"]),
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
    # The steps up to another runner's turn; all of them where none is said.
    due: Callable[[Job], Sequence[Step]] | None = None


class Ledger(Protocol):
    """Where works are kept: a database (ledger.py), or a conductor that has one, over RPC.

    Every change prolongs the lease, and raises Lost when `job.token` does not hold the work.
    """

    def take(self, runner: str, lease_holder: str, fresh: bool) -> Job | None:
        """The next work of `runner`, leased under a new token; with `fresh` first release what
        `lease_holder` held in an earlier life, which must be over."""
        ...

    def renew(self, jobs: list[Job]) -> dict[str, str]:
        """Prolong the leases. By their tokens, which jobs are LOST (not prolonged) or CANCELLED
        (prolonged, but to be unwound at the next step)."""
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


def clock() -> float:
    """Seconds by a clock that nobody sets, and that goes on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Hold:
    """A work in this process's hands, and until when that is sure."""

    def __init__(self, job: Job, asked: float) -> None:
        self.job = job
        self.lost = self.cancelled = False
        self.prove(asked)

    def prove(self, asked: float) -> None:
        """The ledger granted what it was asked at that moment: nobody else had the work, nor may
        have it for a lease from then."""
        self.until = asked + LEASE

    def sure(self) -> None:
        """Raises Lost unless the work is surely ours."""
        if self.lost or clock() > self.until:
            raise Lost

    def check(self) -> None:
        """As sure(); and raises Cancelled when the work's owner gave it up."""
        self.sure()
        if self.cancelled and self.job.error is None:
            raise Cancelled


_hold: ContextVar[Hold | None] = ContextVar("hold", default=None)


def check() -> None:
    """To be called before each effect of a step that lasts (a download's next bytes, another try
    of a question). Raises Lost or Cancelled when the work that this thread does must stop; does
    nothing in a thread that does none."""
    hold = _hold.get()
    if hold is not None:
        hold.check()


class Sole:
    """At most one process of this machine has a name: the kernel gives it, and takes it back when
    the process is gone, however it went."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._mark: int | None = None

    def claim(self) -> bool:
        """Whether no living process has the name but this one."""
        if self._mark is None:
            mark = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            try:
                mark.bind("\0cairn-" + hashlib.sha256(self.name.encode()).hexdigest())
            except OSError:
                mark.close()
                return False
            self._mark = mark.detach()  # Kept until it is released, whatever becomes of us.
        return True

    def release(self) -> None:
        if self._mark is not None:
            os.close(self._mark)
            self._mark = None


class Worker:
    """Runs the works of one runner, several at once, for as long as the process lives."""

    def __init__(
        self, ledger: Ledger, flows: list[Flow], *, runner: str, lease_holder: str,
        threads: int = 8,
        explain: Callable[[Exception], str] = str,
        unknown: Callable[[Job, str], str | None] = lambda job, error: None,
    ) -> None:
        """`unknown` is Flow.failed of the kinds that are in no flow here: another release's."""
        self.ledger, self.runner, self.lease_holder = ledger, runner, lease_holder
        self.flows = {flow.kind: flow for flow in flows}
        self.threads = threads
        self.explain, self.unknown = explain, unknown
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=f"work {runner}")
        self._bell = threading.Event()
        self._ended = threading.Event()
        # By token: a work that was lost and taken again is here twice until the first is over. And
        # by id: what a thread runs now.
        self._held: dict[str, Hold] = {}
        self._running: dict[str, Hold] = {}
        # Works that nothing here runs any more, which the ledger could not be told.
        self._unreleased: list[Job] = []
        self._lock = threading.Lock()
        self._sole = Sole(f"{runner} {lease_holder}")
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
        with self._lock:
            self._let_go()

    def _let_go(self) -> None:
        """Another life may begin once nothing of this one runs."""
        if self._ended.is_set() and not self._running:
            self._sole.release()

    def ring(self) -> None:
        """There may be work."""
        self._bell.set()

    def drain(self) -> None:
        """Run what there is, here and now, and return (tests)."""
        while (job := self.ledger.take(self.runner, self.lease_holder, False)) is not None:
            self.run(job)

    def _loop(self) -> None:
        # What a twin that is not dead yet does is left to its lease.
        fresh = self._sole.claim()
        if not fresh:
            log.warning("%s: another process of this host has the name %s", self.runner,
                        self.lease_holder)
        pause = SWEEP
        while not self._ended.is_set():
            self._bell.clear()
            try:
                while len(self._held) < self.threads and not self._ended.is_set():
                    asked = clock()
                    job = self.ledger.take(self.runner, self.lease_holder, fresh)
                    fresh = False
                    if job is None:
                        break
                    pause = SWEEP
                    self._begin(Hold(job, asked))
            except Exception as error:
                log.warning("%s: no work could be taken: %s", self.runner, error)
                self._ended.wait(0.5)
                pause = SWEEP
            pause = SWEEP if self._bell.wait(pause) else min(pause * 1.25, SWEEP_MOST)

    def _begin(self, hold: Hold) -> None:
        """Run it. One that was lost and came back waits until the thread that lost it has noticed:
        it is held until then, by nobody else."""
        with self._lock:
            waiting = self._waiting(hold.job.id)
            if waiting is not None:
                del self._held[waiting.job.token]
            self._held[hold.job.token] = hold
            if hold.job.id in self._running or self._ended.is_set():
                return
            self._running[hold.job.id] = hold
            self._pool.submit(self._run_held, hold)

    def _waiting(self, job_id: str) -> Hold | None:
        return next((hold for hold in self._held.values() if hold.job.id == job_id
                     and hold is not self._running.get(job_id)), None)

    def _keep(self) -> None:
        while not self._ended.wait(LEASE / 4):
            try:
                self.renew()
            except Exception as error:
                log.warning("%s: leases were not renewed: %s", self.runner, error)

    def renew(self) -> None:
        """Prolong what is held, and tell those who run it what became of it. Let go what could
        not be let go before."""
        with self._lock:
            over, self._unreleased = self._unreleased, []
        for job in over:
            self._release(job)
        with self._lock:
            held = [hold for hold in self._held.values() if not hold.lost]
        if not held:
            return
        asked = clock()
        fates = self.ledger.renew([hold.job for hold in held])
        for hold in held:
            fate = fates.get(hold.job.token)
            if fate == LOST:
                hold.lost = True
                if hold.job.token not in self._held:
                    continue  # It ended while we asked.
                log.warning("%s: %s of %s is another's now", self.runner, hold.job.kind,
                            hold.job.subject)
                continue
            hold.cancelled = fate == CANCELLED
            hold.prove(asked)

    def _run_held(self, hold: Hold) -> None:
        try:
            self._run(hold)
        finally:
            with self._lock:
                self._held.pop(hold.job.token, None)
                self._running.pop(hold.job.id, None)
                again = self._waiting(hold.job.id)
                self._let_go()
            if again is not None:
                self._begin(again)
            self._bell.set()

    def run(self, job: Job) -> None:
        """One work that was just taken, to its end, or as far as this runner goes."""
        self._run(Hold(job, clock()))

    def _run(self, hold: Hold) -> None:
        job = hold.job
        mine = _hold.set(hold)
        try:
            hold.sure()
            flow = self.flows.get(job.kind)
            if flow is None:
                flow = Flow(job.kind, (), failed=self.unknown)
            if job.error is None:
                self._recognise(hold)
            if job.error is None:
                self._forward(flow, hold)
            if job.error is not None:
                self._backward(flow, hold)
        except Lost:
            if not hold.lost:
                # Nobody took it, as far as we know; what we did is over, so whoever may go on.
                log.warning("%s: %s of %s waits: its lease was not renewed for too long",
                            self.runner, job.kind, job.subject)
                self._release(job)
        except Interrupted as error:
            log.warning("%s: %s of %s waits: %s", self.runner, job.kind, job.subject, error)
            self._release(job)
        except Later as later:
            self._release(job, later.seconds)
        except Exception:
            # The ledger itself failed; the lease lapses, or the next start takes it up again.
            log.exception("%s: %s of %s was interrupted", self.runner, job.kind, job.subject)
        finally:
            _hold.reset(mine)

    def _recognise(self, hold: Hold) -> None:
        """Fail a work of a kind that no flow here is of, or that began a step which its flow has
        not: a newer release made or had it."""
        job, flow = hold.job, self.flows.get(hold.job.kind)
        if flow is None:
            what = f"the work {job.kind}"
        else:
            names = {step.name for step in flow.steps}
            strange = [name for runner, name in job.begun
                       if runner == self.runner and name not in names]
            if not strange:
                return
            what = f"the step {strange[0]} of {job.kind}"
        error = UnknownWork(what=what)
        log.warning("%s: %s of %s: %s", self.runner, job.kind, job.subject, error)
        job.error = self.explain(error)
        self._record(self.ledger.fail, hold, None, job.error)

    def _release(self, job: Job, seconds: float = 1.0) -> None:
        try:
            self.ledger.postpone(job, seconds)
        except Lost:
            pass
        except Exception as error:
            log.info("%s: the lease of %s is kept until the ledger is back: %s", self.runner,
                     job.id, error)
            with self._lock:
                self._unreleased.append(job)

    def _record(self, change: Callable[..., None], hold: Hold, *args: Any) -> None:
        """Change the ledger, patiently: what keeps it may be restarting. Raises Interrupted.

        One that was taken proves that the work is ours, even when we could not be sure."""
        end = time.monotonic() + LEASE / 2
        pause = 0.1
        job = hold.job
        while True:
            if hold.lost:
                raise Lost
            asked = clock()
            try:
                change(job, *args)
                hold.prove(asked)
                return
            except Cancelled:
                hold.prove(asked)
                raise
            except Lost:
                raise
            except Exception as error:
                if self._ended.is_set() or time.monotonic() + pause > end:
                    raise Interrupted(str(error)) from error
                log.warning("%s: %s of %s is not recorded yet: %s", self.runner, job.kind,
                            job.subject, error)
            self._ended.wait(pause)
            pause = min(pause * 2, 1.0)

    def _forward(self, flow: Flow, hold: Hold) -> None:
        job, step = hold.job, None
        try:
            steps = [s for s in (flow.due(job) if flow.due else flow.steps)
                     if s.name not in job.results or (self.runner, s.name) not in job.begun]
            if steps:
                step = steps[0]
                self._record(self.ledger.begin, hold, step.name)
            for done, following_step in zip(steps, [*steps[1:], None], strict=False):
                if (self.runner, done.name) not in job.begun:
                    job.begun.append((self.runner, done.name))
                self.probe("begun", job, done.name)
                hold.sure()
                result = done.do(job)
                self.probe("done", job, done.name)
                job.results[done.name] = result or {}
                step = following_step
                if step is None:
                    self._record(self.ledger.finish, hold, done.name, result)
                else:
                    self._record(self.ledger.advance, hold, done.name, result, step.name)
            hold.sure()
            following = flow.then(job)
        except (Lost, Interrupted, Later):
            raise
        except Elsewhere as other:
            self._record(self.ledger.hand, hold, other.runner)
            return
        except Exception as error:
            # What fails while the ledger is away fails with it, and is repeated when it is back.
            hold.sure()
            if not isinstance(error, Problem):
                log.exception("%s: %s of %s failed", self.runner, job.kind, job.subject)
            job.error = self.explain(error) or type(error).__name__
            self._record(self.ledger.fail, hold, step.name if step else None, job.error)
            return
        self._pass_on(hold, following)

    def _pass_on(self, hold: Hold, following: str | None) -> None:
        if following is None:
            self._record(self.ledger.close, hold)
        else:
            self._record(self.ledger.hand, hold, following)

    def _backward(self, flow: Flow, hold: Hold) -> None:
        job = hold.job
        assert job.error is not None
        steps = {step.name: step for step in flow.steps}
        for runner, name in reversed(list(job.begun)):
            if runner != self.runner:
                continue
            step = steps.get(name)
            hold.sure()
            if step is None:
                # Kept as it is: whoever reads the record sees what was not undone.
                log.error("%s: nobody here can undo %s of %s", self.runner, name, job.subject)
                job.begun.remove((runner, name))
                continue
            try:
                if step.undo is not None:
                    self.probe("undoing", job, name)
                    step.undo(job)
            except Lost:
                raise
            except Exception:
                log.exception("%s: %s of %s could not be undone yet", self.runner, name,
                              job.subject)
                self.ledger.postpone(job, min(2.0 ** min(job.attempts, 5), POSTPONED))
                return
            self._record(self.ledger.undone, hold, name)
            job.begun.remove((runner, name))
        hold.sure()
        try:
            following = flow.failed(job, job.error)
        except Lost:
            raise
        except Exception:
            log.exception("%s: the end of %s of %s could not be recorded yet", self.runner,
                          job.kind, job.subject)
            self.ledger.postpone(job, 2.0)
            return
        self._pass_on(hold, following)
