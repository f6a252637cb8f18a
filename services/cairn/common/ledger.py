"""Where works are kept: two tables in the component's own schema, and the same over RPC.

A component declares its tables with the mixins here:

    class Work(WorkRow, Base): ...          # __tablename__ = "work"
    class WorkStep(StepRow, Base): ...      # __tablename__ = "work_steps"
"""

import datetime as dt
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from sqlalchemy import (
    JSON,
    ForeignKey,
    String,
    Text,
    bindparam,
    delete,
    exists,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Mapped, Session, declared_attr, mapped_column

from cairn.common.context import Context
from cairn.common.db import (
    Database,
    Moment,
    changed,
    new_hex_id,
    new_id,
    server_now,
    utcnow,
)
from cairn.common.errors import Refused
from cairn.common.remote import LedgerStub as LedgerStub
from cairn.common.remote import RemoteLedger as RemoteLedger
from cairn.common.work import CANCELLED, LEASE, LOST, POSTPONED, SWEEP, Cancelled, Job, Lost

QUEUED, UNDOING, DONE, FAILED = "queued", "undoing", "done", "failed"
OPEN = (QUEUED, UNDOING)
# What a work is that nobody holds.
FREE: dict[str, Any] = {"lease_holder": None, "lease_token": None, "lease_until": None}


class WorkRow:
    """One work: what is to be done to `subject`, by whom, and who holds it until when."""

    __tablename__ = "work"

    # Works of one subject run in this order.
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(36), unique=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(36), index=True)
    project_id: Mapped[str] = mapped_column(String(64))
    user_id: Mapped[str] = mapped_column(String(64))
    request_id: Mapped[str] = mapped_column(String(64))
    runner: Mapped[str] = mapped_column(String(255), index=True)
    state: Mapped[str] = mapped_column(String(16), default=QUEUED, index=True)
    # Who holds it, NULL when nobody does; by which take; and until when, by the database's clock.
    lease_holder: Mapped[str | None] = mapped_column("owner", String(255))
    lease_token: Mapped[str | None] = mapped_column(String(32), index=True)
    lease_until: Mapped[dt.datetime | None] = mapped_column(Moment)
    not_before: Mapped[dt.datetime | None] = mapped_column(Moment)
    cancelled: Mapped[bool] = mapped_column(default=False)
    attempts: Mapped[int] = mapped_column(default=0)
    args: Mapped[dict[str, Any]] = mapped_column(JSON)
    context: Mapped[dict[str, Any]] = mapped_column(JSON)
    error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[dt.datetime] = mapped_column(Moment, default=utcnow)
    updated_at: Mapped[dt.datetime] = mapped_column(Moment, default=utcnow, onupdate=utcnow)
    finished_at: Mapped[dt.datetime | None] = mapped_column(Moment)


class StepRow:
    """One step of a work, as it went. `state` is running, done, failed or undone."""

    __tablename__ = "work_steps"

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    runner: Mapped[str] = mapped_column(String(255))
    name: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16))
    tries: Mapped[int] = mapped_column(default=1)
    started_at: Mapped[dt.datetime] = mapped_column(Moment, default=utcnow)
    finished_at: Mapped[dt.datetime | None] = mapped_column(Moment)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    error: Mapped[str | None] = mapped_column(Text)

    @declared_attr
    def work_id(cls) -> Mapped[str]:
        return mapped_column(String(36), ForeignKey("work.id", ondelete="CASCADE"), index=True)


def add(
    session: Session, ctx: Context, work: Any, *, kind: str, subject: str, runner: str,
    args: dict[str, Any] | None = None, seconds: float = 0.0,
) -> Any:
    """Write a work in the transaction that changes its subject. Ring after the commit. It begins in
    so many seconds, no more than POSTPONED, or when it is woken."""
    row = work(
        id=new_id(), kind=kind, subject=subject, runner=runner, args=args or {},
        context=ctx.to_wire(), project_id=ctx.project, user_id=ctx.user_id,
        request_id=ctx.request_id, not_before=server_now(seconds) if seconds else None,
    )
    session.add(row)
    session.flush()
    return row


def note(session: Session, step: Any, work_id: str, runner: str, name: str,
         started_at: dt.datetime, finished_at: dt.datetime | None = None) -> None:
    """Record a step that is already done (what happened before there was a work)."""
    session.add(step(work_id=work_id, runner=runner, name=name, state="done",
                     started_at=started_at, finished_at=finished_at or utcnow()))


def wake(session: Session, work: type[WorkRow], subject: str, kinds: Sequence[str]) -> list[str]:
    """What open works of these kinds wait for has happened; whom to ring after the commit."""
    waiting = (work.subject == subject, work.state.in_(OPEN), work.kind.in_(kinds))
    session.execute(update(work).where(*waiting).values(not_before=None))
    return list(session.scalars(select(work.runner).where(*waiting)))


def cancel(session: Session, work: Any, subject: str, kinds: Sequence[str]) -> None:
    """Ask the open works of these kinds to stop at their next step, at once where they wait."""
    session.execute(
        update(work)
        .where(work.subject == subject, work.state == QUEUED, work.kind.in_(kinds))
        .values(cancelled=True, not_before=None)
    )


def withdraw(session: Session, work: type[WorkRow], work_id: str) -> bool:
    """Whether a work that nobody had begun is gone, as if it had not been written."""
    return changed(session.execute(delete(work).where(
        work.id == work_id, work.state == QUEUED, work.attempts == 0,
        work.lease_holder.is_(None))))


class Silence:
    """Finds works whose holder is dead: silent for a lease by the database's clock, and for as
    long as we have been watching it, by our own that nobody sets. One clock that jumps frees
    nothing, nor does it keep what is a dead one's."""

    def __init__(
        self, db: Database, work: Any, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.db, self.work, self.clock = db, work, clock
        self._lock = threading.Lock()
        self._looked = -LEASE
        # By id: the end of its lease, and since when it is that.
        self._seen: dict[str, tuple[dt.datetime, float]] = {}

    def free(self) -> None:
        """Free them. To be called often: it looks every few seconds, and after a longer absence
        (the database was away, for their holders as well) it begins to watch anew."""
        now = self.clock()
        with self._lock:
            if now - self._looked < SWEEP / 2:
                return
            if now - self._looked > LEASE / 2:
                self._seen.clear()
            rows = self._held()
            since = {row.id: self._seen[row.id][1] for row in rows
                     if row.id in self._seen and self._seen[row.id][0] == row.lease_until}
            self._seen = {row.id: (row.lease_until, since.get(row.id, now)) for row in rows}
            self._looked = now
            dead = [row for row in rows if row.over and now - self._seen[row.id][1] > LEASE]
        for row in dead:
            # Its holder may come back to life this very moment, and renew.
            self.db.write(partial(self._release, row=row))

    def _release(self, session: Session, row: Any) -> None:
        session.execute(
            update(self.work).where(self.work.id == row.id, self.work.state.in_(OPEN),
                                    self.work.lease_until == row.lease_until)
            .values(**FREE))

    def _held(self) -> Sequence[Any]:
        work = self.work
        # One that ends later than a lease may was made before the clock was set back.
        over = or_(work.lease_until < server_now(), work.lease_until > server_now(2 * LEASE))
        with self.db.reading() as session:
            return session.execute(
                select(work.id, work.lease_until, over.label("over"))
                .where(work.state.in_(OPEN), work.lease_holder.is_not(None))
            ).all()


class DatabaseLedger:
    """work.Ledger on the component's own tables."""

    def __init__(
        self, db: Database, work: Any, step: Any, ring: Callable[[str], None] = lambda runner: None,
        clock: Callable[[], float] = time.monotonic,
        closed: Callable[[Session, Job], None] = lambda session, job: None,
    ) -> None:
        """`closed` is called in the transaction that closes a work."""
        self.db, self.work, self.step = db, work, step
        self._closed = closed
        self._ring = ring
        self._next = _next(work.__table__)
        self._silence = Silence(db, work, clock)

    def take(self, runner: str, lease_holder: str, fresh: bool) -> Job | None:
        work = self.work
        if fresh:
            self.db.write(lambda session: session.execute(
                update(work)
                .where(work.lease_holder == lease_holder, work.runner == runner,
                       work.state.in_(OPEN))
                .values(**FREE, not_before=None)))
        self._silence.free()
        for _ in range(5):
            with self.db.reading() as session:
                work_id = session.scalar(self._next, {"runner": runner})
            if work_id is None:
                return None
            job = self.db.write(partial(self._lease, work_id=work_id, runner=runner,
                                        lease_holder=lease_holder))
            if job is not None:
                return job
        return None

    def _lease(
        self, session: Session, work_id: str, runner: str, lease_holder: str
    ) -> Job | None:
        """The work, under a token that nobody else has; None when another was faster."""
        work, token = self.work, new_hex_id()
        taken = session.execute(
            update(work)
            .where(work.id == work_id, work.runner == runner, work.state.in_(OPEN),
                   work.lease_holder.is_(None))
            .values(lease_holder=lease_holder, lease_token=token, lease_until=server_now(LEASE),
                    attempts=work.attempts + 1))
        return self._job(session, work_id, lease_holder, token) if changed(taken) else None

    def _job(self, session: Session, work_id: str, lease_holder: str, token: str) -> Job:
        row = session.execute(select(self.work).where(self.work.id == work_id)).scalar_one()
        steps = session.scalars(
            select(self.step).where(self.step.work_id == work_id).order_by(self.step.seq)
        ).all()
        return Job(
            id=row.id, kind=row.kind, subject=row.subject, runner=row.runner,
            lease_holder=lease_holder, token=token, args=dict(row.args),
            ctx=Context.from_wire(row.context),
            results={s.name: s.result or {} for s in steps if s.state == "done"},
            begun=[(s.runner, s.name) for s in steps if s.state in ("running", "done", "failed")],
            error=row.error if row.state == UNDOING else None, attempts=row.attempts,
        )

    def is_of(self, work_id: str, runner: str) -> bool:
        """Whether it is an open work, and the runner's now."""
        work = self.work
        with self.db.reading() as session:
            return session.scalar(select(work.id).where(
                work.id == work_id, work.runner == runner, work.state.in_(OPEN))) is not None

    def others_have(self, work_id: str, runner: str, steps: Sequence[str]) -> bool:
        """Whether a step of one of these names is another runner's."""
        if not steps:
            return False
        step = self.step
        with self.db.reading() as session:
            return session.scalar(select(step.seq).where(
                step.work_id == work_id, step.runner != runner, step.name.in_(steps)
            ).limit(1)) is not None

    def renew(self, jobs: list[Job]) -> dict[str, str]:
        work, tokens = self.work, [job.token for job in jobs]
        mine = (work.lease_token.in_(tokens), work.state.in_(OPEN))

        def prolong(session: Session) -> dict[str, bool]:
            session.execute(update(work).where(*mine).values(lease_until=server_now(LEASE)))
            rows = session.execute(select(work.lease_token, work.cancelled).where(*mine))
            return {row.lease_token: row.cancelled for row in rows}

        kept = self.db.write(prolong)
        return {token: CANCELLED if token in kept else LOST
                for token in tokens if kept.get(token, True)}

    def begin(self, job: Job, step: str) -> None:
        with self.db.writing() as session:
            self._hold(session, job)
            if not self._begin(session, job, step):
                raise Cancelled

    def _begin(self, session: Session, job: Job, step: str) -> bool:
        """Whether it may: not when the work is cancelled."""
        if session.scalar(select(self.work.cancelled).where(self.work.id == job.id)):
            return False
        again = session.execute(
            update(self.step).where(*self._of(job, step))
            .values(state="running", tries=self.step.tries + 1, error=None)
        )
        if not changed(again):
            session.add(self.step(work_id=job.id, runner=job.runner, name=step, state="running"))
        return True

    def finish(self, job: Job, step: str, result: dict[str, Any] | None) -> None:
        with self.db.writing() as session:
            self._hold(session, job)
            self._finish(session, job, step, result)

    def _finish(
        self, session: Session, job: Job, step: str, result: dict[str, Any] | None
    ) -> None:
        session.execute(
            update(self.step).where(*self._of(job, step))
            .values(state="done", finished_at=utcnow(), result=result)
        )

    def advance(
        self, job: Job, step: str, result: dict[str, Any] | None, following: str
    ) -> None:
        with self.db.writing() as session:
            self._hold(session, job)
            self._finish(session, job, step, result)
            may = self._begin(session, job, following)
        if not may:
            raise Cancelled

    def fail(self, job: Job, step: str | None, error: str) -> None:
        with self.db.writing() as session:
            self._hold(session, job, state=UNDOING, error=error)
            if step is not None:
                session.execute(
                    update(self.step).where(*self._of(job, step))
                    .values(state="failed", finished_at=utcnow(), error=error)
                )

    def undone(self, job: Job, step: str) -> None:
        with self.db.writing() as session:
            self._hold(session, job)
            session.execute(
                update(self.step).where(*self._of(job, step))
                .values(state="undone", finished_at=utcnow())
            )

    def hand(self, job: Job, runner: str) -> None:
        with self.db.writing() as session:
            self._hold(session, job, runner=runner, not_before=None, **FREE)
        self._ring(runner)

    def close(self, job: Job) -> None:
        with self.db.writing() as session:
            state = DONE if job.error is None else FAILED
            self._hold(session, job, state=state, finished_at=utcnow(), **FREE)
            self._closed(session, job)
            waiting = session.scalar(
                select(self.work.runner)
                .where(self.work.subject == job.subject, self.work.state.in_(OPEN))
                .order_by(self.work.seq).limit(1)
            )
        if waiting is not None:
            self._ring(waiting)

    def postpone(self, job: Job, seconds: float) -> None:
        with self.db.writing() as session:
            self._hold(session, job, not_before=server_now(min(seconds, POSTPONED)), **FREE)

    def _hold(self, session: Session, job: Job, **values: Any) -> None:
        """Change the row if this take of it still holds. Raises Lost."""
        work = self.work
        values.setdefault("lease_until", server_now(LEASE))
        held = session.execute(
            update(work).where(work.id == job.id, work.lease_token == job.token).values(**values)
        )
        if not changed(held):
            raise Lost

    def _of(self, job: Job, step: str) -> tuple[Any, ...]:
        return (self.step.work_id == job.id, self.step.runner == job.runner,
                self.step.name == step)


def _next(table: Any) -> Any:
    """The oldest work that `runner` may take. Of the table, and built once: every runner asks this
    every few seconds of its life."""
    work, older = table.c, table.alias("older").c
    return select(work.id).where(
        work.runner == bindparam("runner"), work.state.in_(OPEN), work.owner.is_(None),
        # Put off for longer than anything is: before the clock was set back.
        or_(work.not_before.is_(None), work.not_before <= server_now(),
            work.not_before > server_now(2 * POSTPONED)),
        ~exists().where(older.subject == work.subject, older.state.in_(OPEN),
                        older.seq < work.seq),
    ).order_by(work.seq).limit(1)


class LedgerManager:
    """The conductor's side of LedgerStub. A host has the works of its own runner, and no others."""

    CHANGES = ("begin", "finish", "advance", "fail", "undone", "hand", "close", "postpone")

    def __init__(self, ledger: DatabaseLedger) -> None:
        self.ledger = ledger

    def work_take(self, ctx: Context, runner: str, owner: str, fresh: bool) -> Any:
        if ctx.host is not None and runner not in self.runners_of(ctx.host):
            raise Refused(reason=f"The works of {runner} are not {ctx.host}'s.")
        job = self.ledger.take(runner, owner, fresh)
        return job.to_wire() if job is not None else None

    def work_change(
        self, ctx: Context, change: str, job: dict[str, Any], args: list[Any]
    ) -> str | None:
        """Make the change; "lost" or "cancelled" where the ledger raised that."""
        if change not in self.CHANGES:
            raise ValueError(change)
        if ctx.host is not None and not self._may(ctx.host, change, job, args):
            return "lost"
        try:
            getattr(self.ledger, change)(Job.from_wire(job), *args)
        except Lost:
            return "lost"
        except Cancelled:
            return "cancelled"
        return None

    def work_renew(self, ctx: Context, jobs: list[dict[str, Any]]) -> dict[str, str]:
        """As Ledger.renew(). What a host holds of another runner is lost to it."""
        mine, lost = [], {}
        for wire in jobs:
            job = Job.from_wire(wire)
            if ctx.host is None or job.runner in self.runners_of(ctx.host):
                mine.append(job)
            else:
                lost[job.token] = LOST
        return self.ledger.renew(mine) | lost

    def runners_of(self, host: str) -> tuple[str, ...]:
        """What a host's works are filed under."""
        raise NotImplementedError

    def to_controllers(self, runner: str) -> bool:
        """Whether a host may hand a work to that runner."""
        raise NotImplementedError

    def _may(self, host: str, change: str, job: dict[str, Any], args: list[Any]) -> bool:
        """Whether the work is the host's now, and the change one that a host may make: what other
        runners have recorded is theirs, and other hosts are given work by controllers only."""
        runner = job["runner"]
        if runner not in self.runners_of(host) or not self.ledger.is_of(job["id"], runner):
            return False
        if change == "hand":
            return self.to_controllers(args[0])
        steps = {"begin": args[:1], "advance": args[2:3]}.get(change, [])
        return not self.ledger.others_have(job["id"], runner, steps)
