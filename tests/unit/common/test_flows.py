"""A work goes from room to room in the order that its action declares."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase

from cairn.common import ledger as ledgers
from cairn.common.context import Context
from cairn.common.db import new_metadata
from cairn.common.flows import Action, ActionStep, Do, Doer, Entry, make_flows
from cairn.common.ledger import DatabaseLedger, StepRow, WorkRow
from cairn.common.work import Worker


class Base(DeclarativeBase):
    metadata = new_metadata()


class Work(WorkRow, Base):
    pass


class WorkStep(StepRow, Base):
    pass


ACTION = Action("move", "", "", (Entry(None, None),), tuple(
    ActionStep(room, name, "") for room, name in (
        ("office", "asked"), ("old", "packed"), ("new", "unpacked"), ("office", "billed"))))


class Mover(Doer):
    def __init__(self, room, done, without=()):
        super().__init__(ACTION)
        self.room, self.done, self.without = room, done, without

    def steps(self):
        return {step.name: Do(lambda job, name=step.name: self.done.append(name))
                for step in ACTION.steps_of(self.room)}

    def absent(self, room, job):
        return room in self.without

    def runner(self, room, job):
        return room

    def failed(self, job, error):
        return None


@pytest.mark.parametrize(("without", "steps"), [
    ((), ["asked", "packed", "unpacked", "billed"]),
    (("old",), ["asked", "unpacked", "billed"]),
    (("old", "new"), ["asked", "billed"]),
])
def test_each_room_has_its_turns(sqlite, without, steps):
    db, done = sqlite(Base), []
    ledger = DatabaseLedger(db, Work, WorkStep)
    workers = [Worker(ledger, make_flows(room, [Mover(room, done, without)]), runner=room,
                      lease_holder=room) for room in ("office", "old", "new")]
    with db.writing() as session:
        ledgers.add(session, Context(), Work, kind="move", subject="house", runner="office")
    for _ in range(3):
        for worker in workers:
            worker.drain()
    assert done == steps
    with db.reading() as session:
        assert session.scalar(select(Work.state)) == "done"
        assert session.scalars(select(WorkStep.name).order_by(WorkStep.seq)).all() == steps
