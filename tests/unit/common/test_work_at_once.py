"""Workers on a real database, with clocks that jump and a ledger that goes away: whatever happens,
no two of them have an effect on one thing at the same time, and all of it gets done."""

import threading
import time
from collections import Counter

import pytest
from sqlalchemy import event, func, select, text, update
from sqlalchemy.orm import DeclarativeBase

from cairn.common import ledger as ledgers
from cairn.common.context import Context
from cairn.common.db import changed, new_metadata
from cairn.common.ledger import OPEN, DatabaseLedger, StepRow, WorkRow
from cairn.common.work import Flow, Lost, Step, Worker, check

CTX = Context("alice", project_id="red", roles=frozenset({"member"}), request_id="req-1")
LEASE = 1.0


class Base(DeclarativeBase):
    metadata = new_metadata()


class Work(WorkRow, Base):
    pass


class WorkStep(StepRow, Base):
    pass


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    for module in ("work", "ledger"):
        monkeypatch.setattr(f"cairn.common.{module}.LEASE", LEASE)
        monkeypatch.setattr(f"cairn.common.{module}.SWEEP", LEASE / 5)


class Setting:
    """Sets the database's clock, for everybody."""

    def __init__(self, db):
        self.seconds = 0
        for engine in {db.engine, db._reading.kw["bind"]}:
            event.listen(engine, "before_cursor_execute", self.shift, retval=True)

    def shift(self, connection, cursor, statement, parameters, context, many):
        return statement.replace(
            "UTC_TIMESTAMP(6)", f"(UTC_TIMESTAMP(6) + INTERVAL {self.seconds} SECOND)"), parameters


class Away:
    """A ledger that cannot always be reached."""

    def __init__(self, ledger):
        self.ledger, self.away = ledger, set()

    def __getattr__(self, name):
        def ask(*args):
            if name in self.away or "all" in self.away:
                raise ConnectionError("no ledger")
            return getattr(self.ledger, name)(*args)

        return ask


class Site:
    """Counts who is at work on what, and complains when there are two."""

    def __init__(self, seconds, pause=0.02, stops=True):
        self.seconds, self.pause, self.stops = seconds, pause, stops
        self.at, self.twice, self.ended = Counter(), [], Counter()
        self.lock = threading.Lock()
        self.open = threading.Event()
        self.open.set()

    def do(self, job):
        end = time.monotonic() + self.seconds
        with self.lock:
            self.at[job.subject] += 1
            if self.at[job.subject] > 1:
                self.twice.append(job.subject)
        try:
            while time.monotonic() < end or not self.open.is_set():
                if self.stops:
                    check()
                time.sleep(self.pause)
        finally:
            with self.lock:
                self.at[job.subject] -= 1
        return {}

    def flow(self):
        return Flow("build", (Step("floor", self.do), Step("walls", self.do)),
                    then=lambda job: self.ended.update([job.subject]))


def until(db, done, seconds=40):
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        time.sleep(0.05)
    with db.reading() as session:
        assert not session.scalar(select(func.count()).where(Work.state.in_(OPEN)))


def order(db, number):
    with db.writing() as session:
        for n in range(number):
            ledgers.add(session, CTX, Work, kind="build", subject=f"house{n}", runner="mason")


def open_works(db):
    with db.reading() as session:
        return session.scalar(select(func.count()).where(Work.state.in_(OPEN)))


def test_two_workers_never_meet(mariadb):
    db = mariadb(Base)
    setting, site = Setting(db), Site(0.6)
    # Each with its own eyes on the others' leases, as two conductors have.
    ledgers_ = [Away(DatabaseLedger(db, Work, WorkStep)) for _ in range(2)]
    workers = [Worker(ledger, [site.flow()], runner="mason", lease_holder=f"mason@{n}", threads=4)
               for n, ledger in enumerate(ledgers_)]
    order(db, 12)
    for worker in workers:
        worker.start()
    try:
        for n, jump in enumerate((3600, -3600, 7200, -1, 1, -7200)):
            setting.seconds += jump
            time.sleep(0.5)
            ledgers_[n % 2].away = {"all"}  # Longer than a lease, beside a clock that jumps.
            time.sleep(2.4 * LEASE if n < 2 else 0.3)
            ledgers_[n % 2].away = set()
        until(db, lambda: not open_works(db))
    finally:
        for worker in workers:
            worker.stop()
    assert site.twice == []
    assert set(site.ended) == {f"house{n}" for n in range(12)}


def test_a_worker_that_takes_its_own_again_waits_for_its_old_thread(mariadb):
    """Its renewals were lost for longer than a lease, and the effect cannot be stopped."""
    db = mariadb(Base)
    site = Site(0.2, stops=False)
    site.open.clear()
    ledger = Away(DatabaseLedger(db, Work, WorkStep))
    ledger.away = {"renew"}
    worker = Worker(ledger, [site.flow()], runner="mason", lease_holder="mason@a", threads=3)
    order(db, 1)
    worker.start()
    try:
        end = time.monotonic() + 150
        while len(worker._held) < 2:  # It has it again, and waits.
            assert time.monotonic() < end
            time.sleep(0.05)
        ledger.away = set()
        site.open.set()
        until(db, lambda: not open_works(db))
    finally:
        worker.stop()
    assert site.twice == []
    assert site.ended == {"house0": 1}


def test_a_twin_that_lives_keeps_what_it_does(mariadb):
    """A second process of the same name (a unit started by hand) frees nothing of the first's."""
    db = mariadb(Base)
    site = Site(0.8)

    def worker():
        return Worker(DatabaseLedger(db, Work, WorkStep), [site.flow()], runner="mason",
                      lease_holder="mason@a")

    first, second = worker(), worker()
    order(db, 2)
    first.start()
    time.sleep(0.4)
    second.start()
    try:
        until(db, lambda: not open_works(db))
    finally:
        first.stop()
        second.stop()
    assert site.twice == []
    assert site.ended == {"house0": 1, "house1": 1}


def test_many_takers_get_each_work_once(mariadb, monkeypatch):
    for module in ("work", "ledger"):  # Nothing lapses, however slow the machine is.
        monkeypatch.setattr(f"cairn.common.{module}.LEASE", 600.0)
    db = mariadb(Base, pool_size=24)
    order(db, 40)
    taken, lock = Counter(), threading.Lock()

    def take(n):
        ledger = DatabaseLedger(db, Work, WorkStep)
        while (job := ledger.take("mason", f"mason@{n}", False)) is not None:
            with lock:
                taken[job.id] += 1

    threads = [threading.Thread(target=take, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(taken.values()) == {1}
    # A taker may have lost five races in a row; its next look finds what is left.
    take(0)
    assert len(taken) == 40


def at_once(*doings):
    """Run each in a thread of its own, all from one moment on; what they returned."""
    start, answers = threading.Barrier(len(doings)), [None] * len(doings)

    def run(n):
        start.wait()
        answers[n] = doings[n]()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(doings))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_of_a_renewal_and_a_taking_at_once_one_has_the_work(mariadb):
    """A holder that was silent for a lease comes back in the moment in which another takes over."""
    db = mariadb(Base, pool_size=8)
    late, eyes = DatabaseLedger(db, Work, WorkStep), [0.0]
    for round_ in range(30):
        with db.writing() as session:
            ledgers.add(session, CTX, Work, kind="build", subject=f"plot{round_}", runner="mason")
        held = late.take("mason", "mason@late", False)
        next_ = DatabaseLedger(db, Work, WorkStep, clock=lambda: eyes[0])
        with db.writing() as session:
            session.execute(update(Work).where(Work.id == held.id)
                            .values(lease_until=func.utc_timestamp(6) - text("INTERVAL 1 SECOND")))
        # It has watched the silence for a lease, and takes what is left when it looks again.
        for _ in range(5):
            next_._silence.free()
            eyes[0] += LEASE / 4
        fates, job = at_once(lambda held=held: late.renew([held]),
                             lambda next_=next_: next_.take("mason", "mason@next", False))
        kept = fates == {}
        assert kept == (job is None), (fates, job)
        if kept:
            late.begin(held, "floor")
            late.close(held)
            continue
        with pytest.raises(Lost):
            late.begin(held, "floor")
        next_.begin(job, "floor")
        next_.close(job)
    assert not open_works(db)


def test_of_many_who_end_a_work_one_has_ended_it(mariadb):
    closed = []
    db = mariadb(Base, pool_size=12)
    ledger = DatabaseLedger(db, Work, WorkStep, closed=lambda session, job: closed.append(job.id))
    for _ in range(10):
        order(db, 1)
        job = ledger.take("mason", "mason@a", False)

        def end(job=job):
            try:
                ledger.close(job)
            except Lost:
                return "lost"
            return "ended"

        assert Counter(at_once(*[end] * 8)) == {"ended": 1, "lost": 7}
    assert len(closed) == len(set(closed)) == 10


def test_a_compare_and_set_takes_once(mariadb):
    """`changed` counts the rows that were met: also one that was set to what it was."""
    db = mariadb(Base, pool_size=12)
    order(db, 1)

    def take(lease_holder):
        with db.writing() as session:
            return changed(session.execute(
                update(Work).where(Work.lease_holder.is_(None)).values(lease_holder=lease_holder)))

    answers = at_once(*(lambda n=n: take(f"mason@{n}") for n in range(10)))
    assert sorted(answers) == [False] * 9 + [True]
    with db.writing() as session:
        same = update(Work).where(Work.lease_holder.is_not(None)).values(
            lease_holder=Work.lease_holder)
        assert changed(session.execute(same))
