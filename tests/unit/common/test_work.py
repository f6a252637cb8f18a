"""The promise of durable work: killed anywhere, it ends whole or leaves nothing, and says so."""

import datetime as dt

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import DeclarativeBase

from cairn.common import ledger as ledgers
from cairn.common.context import Context
from cairn.common.db import Database, new_metadata, utcnow
from cairn.common.ledger import DatabaseLedger, LedgerManager, RemoteLedger, StepRow, WorkRow
from cairn.common.work import Flow, Lost, Step, Worker

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


@pytest.fixture
def db(tmp_path):
    db = Database(f"sqlite:///{tmp_path}/work.db")
    Base.metadata.create_all(db.engine)
    yield db
    db.engine.dispose()


@pytest.fixture(params=["database", "rpc"])
def ledger(db, request):
    own = DatabaseLedger(db, Work, WorkStep)
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


def mason(ledger, house, owner="mason@a"):
    return Worker(ledger, [house.flow()], runner="mason", owner=owner)


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
    job = ledger.take("mason", again.owner, True)
    again.run(job)
    assert house.standing == {"floor", "walls", "roof"}
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
    again.run(ledger.take("mason", again.owner, True))
    assert house.standing == set()
    assert state(db, number)[0] == "failed"


def test_a_lapsed_lease_is_taken_over_and_the_first_owner_stops(db, ledger):
    number = order(db)
    held = ledger.take("mason", "mason@a", False)
    assert ledger.take("mason", "mason@b", False) is None
    with db.writing() as session:
        session.execute(update(Work).values(lease_until=utcnow() - dt.timedelta(seconds=1)))
    taken = ledger.take("mason", "mason@b", False)
    assert taken.id == held.id == number
    with pytest.raises(Lost):
        ledger.begin(held, "floor")
    assert ledger.renew([held]) == [number]


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
    at_plan = Worker(ledger, [planner], runner="planner", owner="p")
    at_plan.drain()
    Worker(ledger, [builder], runner="mason.a", owner="m").drain()
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
    worker = Worker(ledger, [flow], runner="mason", owner="m")
    worker.drain()
    assert state(db, number)[0] == "undoing"
    with db.writing() as session:
        session.execute(update(Work).values(not_before=None))
    worker.drain()
    assert state(db, number)[0] == "failed"
