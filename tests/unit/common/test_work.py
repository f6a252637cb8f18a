"""The promise of durable work: killed anywhere, it ends whole or leaves nothing, and says so."""

import os

import pytest
from sqlalchemy import event, select, update
from sqlalchemy.orm import DeclarativeBase

from cairn.common import ledger as ledgers
from cairn.common.context import Context
from cairn.common.db import new_metadata
from cairn.common.ledger import DatabaseLedger, LedgerManager, RemoteLedger, StepRow, WorkRow
from cairn.common.work import CANCELLED, LEASE, LOST, Flow, Lost, Sole, Step, Worker, check

CTX = Context("alice", project_id="red", roles=frozenset({"member"}), request_id="req-1")


class Base(DeclarativeBase):
    metadata = new_metadata()


class Work(WorkRow, Base):
    pass


class WorkStep(StepRow, Base):
    pass


class Killed(BaseException):
    """The process dies: nothing catches this."""


class Direct:
    """An RPC stub whose manager is in the same process, with the wire between them."""

    def __init__(self, manager):
        self.manager = manager

    def __getattr__(self, name):
        return lambda ctx, **args: getattr(self.manager, name)(ctx, **args)


class Times:
    """The two clocks a lease is kept by: our own, and the database's, which somebody may set."""

    def __init__(self, db):
        self.now, self.set_on = 1000.0, 0
        event.listen(db.engine, "before_cursor_execute", self.shift, retval=True)

    def shift(self, connection, cursor, statement, parameters, context, many):
        return statement.replace("'now', (", f"'now', '{self.set_on} seconds', ("), parameters

    def pass_(self, seconds, then=lambda: None):
        """Time goes by for everybody, in steps of a sweep; `then` after each."""
        for _ in range(int(seconds // 4)):
            self.now += 4
            self.set_on += 4
            then()


@pytest.fixture
def db(sqlite):
    return sqlite(Base)


@pytest.fixture
def times(db):
    return Times(db)


@pytest.fixture(params=["database", "rpc"])
def ledger(db, times, request):
    own = DatabaseLedger(db, Work, WorkStep, clock=lambda: times.now)
    return own if request.param == "database" else RemoteLedger(Direct(LedgerManager(own)))


class House:
    """Something to build in steps: knows what stands, and bears repetition."""

    def __init__(self, breaks_at=None):
        self.breaks_at, self.standing, self.ended = breaks_at, set(), None

    def flow(self, **ends):
        return Flow("build", (self.step("floor"), self.step("walls"), self.step("roof")),
                    then=self.done, failed=self.gave_up, **ends)

    def step(self, name):
        def do(job):
            self.standing.add(name)
            if name == self.breaks_at:
                raise RuntimeError(f"{name} broke")
            return {"made": name}

        return Step(name, do, lambda job: self.standing.discard(name))

    def done(self, job):
        self.ended = "done"

    def gave_up(self, job, error):
        self.ended = error


def order(db, subject="house1", kind="build", runner="mason"):
    with db.writing() as session:
        return ledgers.add(session, CTX, Work, kind=kind, subject=subject, runner=runner).id


def mason(ledger, house, lease_holder="mason@a"):
    return Worker(ledger, [house.flow()], runner="mason", lease_holder=lease_holder)


def state(db, work_id):
    with db.reading() as session:
        row = session.execute(select(Work).where(Work.id == work_id)).scalar_one()
        steps = session.scalars(
            select(WorkStep).where(WorkStep.work_id == work_id).order_by(WorkStep.seq)).all()
        return row.state, row.error, [(s.name, s.state) for s in steps]


def test_steps_run_in_order_and_are_recorded(db, ledger):
    house, number = House(), order(db)
    mason(ledger, house).drain()
    assert house.ended == "done"
    assert state(db, number) == (
        "done", None, [("floor", "done"), ("walls", "done"), ("roof", "done")])


@pytest.mark.parametrize("step", ["floor", "walls", "roof"])
def test_a_failed_step_unwinds_those_before_it(db, ledger, step):
    house, number = House(breaks_at=step), order(db)
    mason(ledger, house).drain()
    assert house.standing == set()
    assert house.ended == f"{step} broke"
    assert state(db, number)[:2] == ("failed", f"{step} broke")


@pytest.mark.parametrize("moment", ["begun", "done"])
@pytest.mark.parametrize("step", ["floor", "walls", "roof"])
def test_killed_at_any_step_it_is_finished_by_the_next_life(db, ledger, moment, step):
    house, number = House(), order(db)
    worker = mason(ledger, house)

    def kill(now, job, name):
        if (now, name) == (moment, step):
            raise Killed

    worker.probe = kill
    with pytest.raises(Killed):
        worker.drain()
    again = mason(ledger, house)
    job = ledger.take("mason", again.lease_holder, True)
    again.run(job)
    assert house.standing == {"floor", "walls", "roof"}
    assert state(db, number)[0] == "done"


def test_killed_before_the_last_step_is_told_to_be_over_it_is_finished(db, ledger):
    """Every step is recorded, and then the process dies: nothing is left to do but to say so."""
    house, number = House(), order(db)
    worker = mason(ledger, house)
    job = ledger.take("mason", worker.lease_holder, False)
    for name in ("floor", "walls", "roof"):
        ledger.begin(job, name)
        ledger.finish(job, name, None)
    again = mason(ledger, house)
    again.run(ledger.take("mason", again.lease_holder, True))
    assert house.ended == "done"
    assert state(db, number)[0] == "done"


@pytest.mark.parametrize("step", ["floor", "walls"])
def test_killed_while_undoing_it_is_undone_by_the_next_life(db, ledger, step):
    house, number = House(breaks_at="roof"), order(db)
    worker = mason(ledger, house)

    def kill(now, job, name):
        if (now, name) == ("undoing", step):
            raise Killed

    worker.probe = kill
    with pytest.raises(Killed):
        worker.drain()
    again = mason(ledger, house)
    again.run(ledger.take("mason", again.lease_holder, True))
    assert house.standing == set()
    assert state(db, number)[0] == "failed"


def taken_by(ledger, lease_holder="mason@b"):
    return ledger.take("mason", lease_holder, False)


def test_a_lapsed_lease_is_taken_over_and_the_first_owner_stops(db, ledger, times):
    number = order(db)
    held = taken_by(ledger, "mason@a")
    times.pass_(LEASE - 4, lambda: pytest.fail("too early") if taken_by(ledger) else None)
    taken = []
    times.pass_(12, lambda: taken.append(taken_by(ledger)))
    assert [job.id for job in taken if job] == [held.id] == [number]
    with pytest.raises(Lost):
        ledger.begin(held, "floor")
    assert ledger.renew([held]) == {held.token: LOST}


@pytest.mark.parametrize("step", [3600, -3600])
def test_a_clock_that_is_set_takes_nothing_from_who_is_alive(db, ledger, times, step):
    order(db)
    held = taken_by(ledger, "mason@a")
    assert taken_by(ledger) is None
    times.set_on += step

    def live():
        assert taken_by(ledger) is None
        assert ledger.renew([held]) == {}

    times.pass_(40, live)


@pytest.mark.parametrize("step", [3600, -3600])
def test_a_clock_that_is_set_keeps_nothing_for_who_is_dead(db, ledger, times, step):
    number = order(db)
    taken_by(ledger, "mason@a")
    times.set_on += step
    taken = []
    times.pass_(40, lambda: taken.append(taken_by(ledger)))
    assert [job.id for job in taken if job] == [number]


def test_after_an_outage_the_living_have_time_to_say_so(db, ledger, times):
    order(db)
    held = taken_by(ledger, "mason@a")
    times.pass_(16, lambda: taken_by(ledger))
    times.now += 60
    times.set_on += 60  # The database was away, for all.
    assert taken_by(ledger) is None
    assert ledger.renew([held]) == {}
    ledger.begin(held, "floor")


def test_the_same_worker_taking_again_does_not_bring_an_old_thread_back(db, ledger, times):
    order(db)
    old = taken_by(ledger, "mason@a")
    new = ledger.take("mason", "mason@a", True)
    assert (new.id, new.lease_holder) == (old.id, old.lease_holder)
    for change in (lambda: ledger.begin(old, "floor"), lambda: ledger.finish(old, "floor", None),
                   lambda: ledger.hand(old, "other"), lambda: ledger.close(old),
                   lambda: ledger.postpone(old, 1), lambda: ledger.fail(old, None, "no")):
        with pytest.raises(Lost):
            change()
    assert ledger.renew([old, new]) == {old.token: LOST}
    ledger.begin(new, "floor")


def test_renewing_says_what_was_cancelled(db, ledger):
    order(db)
    job = taken_by(ledger)
    with db.writing() as session:
        ledgers.cancel(session, Work, "house1", ["build"])
    assert ledger.renew([job]) == {job.token: CANCELLED}


def test_what_was_put_off_comes_back_though_the_clock_was_set_back(db, ledger, times):
    number = order(db)
    ledger.postpone(taken_by(ledger), 30)
    assert taken_by(ledger) is None
    times.set_on -= 3600
    assert taken_by(ledger).id == number


def test_a_process_has_its_name_alone():
    # The names of this run alone: they are the machine's.
    name, other = f"mason a {os.getpid()}", f"mason b {os.getpid()}" * 40
    first, second, third = Sole(name), Sole(name), Sole(other)
    assert first.claim() and first.claim() and not second.claim()
    assert third.claim()
    third.release()
    first.release()
    assert second.claim()
    second.release()


class Own:
    """This host's clock, as a worker sees it."""

    def __init__(self, monkeypatch):
        self.now = 5000.0
        monkeypatch.setattr("cairn.common.work.clock", lambda: self.now)


@pytest.mark.parametrize("when", ["in a step", "between two", "while undoing"])
def test_who_could_not_renew_for_a_lease_stops_before_the_next_effect(
    db, ledger, monkeypatch, when,
):
    own, effects = Own(monkeypatch), []

    def long(job):
        if when == "in a step":
            own.now += LEASE + 1
        check()
        effects.append("floor")
        if when == "while undoing":
            raise RuntimeError("broken")

    flow = Flow("build", (Step("floor", long, lambda job: effects.append("no floor")),
                          Step("walls", lambda job: effects.append("walls"))))
    number = order(db)
    worker = Worker(ledger, [flow], runner="mason", lease_holder="m")
    moments = {"between two": ("begun", "walls"), "while undoing": ("undoing", "floor")}

    def probe(moment, job, name):
        if (moment, name) == moments.get(when):
            own.now += LEASE + 1
            if when == "while undoing":
                raise Lost

    worker.probe = probe
    worker.drain()
    assert effects == ([] if when == "in a step" else ["floor"])
    assert state(db, number)[0] == ("undoing" if when == "while undoing" else "queued")


def test_a_step_that_fails_with_the_ledger_is_repeated_when_that_is_back(
    db, ledger, times, monkeypatch,
):
    own, said = Own(monkeypatch), ["the database is away"]

    def ask(job):
        if said:
            own.now += LEASE + 1
            raise RuntimeError(said.pop())

    number = order(db)
    worker = Worker(ledger, [Flow("build", (Step("floor", ask),))], runner="mason",
                    lease_holder="m")
    worker.drain()
    assert state(db, number)[:2] == ("queued", None)
    times.set_on += 2  # At once: nobody has to wait for the lease to lapse.
    worker.drain()
    assert state(db, number)[:2] == ("done", None)


def test_what_could_not_be_let_go_is_let_go_when_the_ledger_is_back(db, ledger, monkeypatch):
    own, postpone = Own(monkeypatch), ledger.postpone

    def away(job, seconds):
        raise ConnectionError("no ledger")

    def ask(job):
        own.now += LEASE + 1
        raise RuntimeError("the database is away")

    number = order(db)
    monkeypatch.setattr(ledger, "postpone", away)
    worker = Worker(ledger, [Flow("build", (Step("floor", ask),))], runner="mason",
                    lease_holder="m")
    worker.drain()
    worker.renew()
    with db.reading() as session:
        assert session.scalar(select(Work.lease_holder).where(Work.id == number)) == "m"
    monkeypatch.setattr(ledger, "postpone", postpone)
    worker.renew()
    with db.reading() as session:
        assert session.scalar(select(Work.lease_holder).where(Work.id == number)) is None


def test_a_ledger_that_took_a_change_proves_the_hold(db, ledger, monkeypatch):
    """A step that cannot be stopped outlasts an outage: if nobody took the work, it goes on."""
    own = Own(monkeypatch)
    house, number = House(), order(db)
    worker = mason(ledger, house)

    def outage(moment, job, name):
        if moment == "done":
            own.now += LEASE * 3

    worker.probe = outage
    worker.drain()
    assert state(db, number)[0] == "done"


def test_a_lasting_step_of_a_cancelled_work_ends_early(db, ledger):
    ended = []

    def long(job):
        with db.writing() as session:
            ledgers.cancel(session, Work, "house1", ["build"])
        worker.renew()
        check()
        ended.append("late")

    worker = Worker(ledger, [Flow("build", (Step("floor", long),))], runner="mason",
                    lease_holder="m")
    number = order(db)
    job = taken_by(ledger, "m")
    from cairn.common.work import Hold, clock
    worker._begin(Hold(job, clock()))
    worker._pool.shutdown(wait=True)
    assert (ended, state(db, number)[:2]) == ([], ("failed", "The work was cancelled."))


def test_works_of_one_subject_wait_for_each_other(db, ledger):
    first, second = order(db), order(db)
    other = order(db, "house2")
    one = ledger.take("mason", "mason@a", False)
    two = ledger.take("mason", "mason@a", False)
    assert [one.id, two.id] == [first, other]
    assert ledger.take("mason", "mason@a", False) is None
    ledger.close(one)
    assert ledger.take("mason", "mason@a", False).id == second


def test_a_cancelled_work_unwinds_at_its_next_step(db, ledger):
    house, number = House(), order(db)
    worker = mason(ledger, house)

    def give_up(now, job, name):
        if (now, name) == ("done", "floor"):
            with db.writing() as session:
                ledgers.cancel(session, Work, "house1", ["build"])

    worker.probe = give_up
    worker.drain()
    assert house.standing == set()
    assert state(db, number)[0] == "failed"
    assert house.ended == "The work was cancelled."


def test_work_is_handed_on_and_its_failure_comes_back(db, ledger):
    seen = []
    planner = Flow("build", (Step("plan", lambda job: {"host": "a"},
                                  lambda job: seen.append("unplanned")),),
                   then=lambda job: f"mason.{job.results['plan']['host']}",
                   failed=lambda job, error: seen.append(error))

    def broken(job):
        raise RuntimeError("no bricks")

    builder = Flow("build", (Step("lay", broken, lambda job: seen.append("unlaid")),),
                   failed=lambda job, error: "planner")
    number = order(db, runner="planner")
    at_plan = Worker(ledger, [planner], runner="planner", lease_holder="p")
    at_plan.drain()
    Worker(ledger, [builder], runner="mason.a", lease_holder="m").drain()
    at_plan.drain()
    assert seen == ["unlaid", "unplanned", "no bricks"]
    assert state(db, number)[:2] == ("failed", "no bricks")


def test_an_undo_that_cannot_be_done_is_tried_again(db, ledger):
    stuck = [True]

    def undo(job):
        if stuck:
            stuck.clear()
            raise RuntimeError("the door is locked")

    def broken(job):
        raise RuntimeError("no")

    flow = Flow("build", (Step("enter", broken, undo),))
    number = order(db)
    worker = Worker(ledger, [flow], runner="mason", lease_holder="m")
    worker.drain()
    assert state(db, number)[0] == "undoing"
    with db.writing() as session:
        session.execute(update(Work).values(not_before=None))
    worker.drain()
    assert state(db, number)[0] == "failed"
