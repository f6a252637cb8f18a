"""Kill and fail whoever does an action, at each of its steps: the server ends where it was asked to
be, or where it was, with a fault that says why; nothing is left. The steps are the
declarations'; an action that is in none of these tables, and in none of test_crashes.py, fails."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from fakes.nova.sweeps import fail, kill_once, settle, steps_of
from unit.nova import test_crashes as crashes

from cairn.nova.core import moves, rebuilds, rescues, works
from cairn.nova.core.flows import actions, reboot
from cairn.nova.db.models import Flavor, Usage
from cairn.nova.drivers.base import PAUSED, RUNNING, SHUTDOWN, SUSPENDED
from cairn.nova.rpc import CONDUCTOR

POWER = {"active": RUNNING, "paused": PAUSED, "stopped": SHUTDOWN, "suspended": SUSPENDED,
         "rescued": RUNNING, "resized": RUNNING}


@dataclass(frozen=True)
class Case:
    """One way through an action: from a state to a state."""

    kind: str
    frm: str
    to: str
    ask: Callable[[Any, str], None]
    # What a failure may leave it as, where that is not what it was.
    failed: str | None = None
    # Whether its actions alone say why it failed: the server is well.
    quiet: bool = False
    # Whether a failure leaves it half done: it may be asked for again, and not be taken back.
    half: bool = False

    def __str__(self) -> str:
        return f"{self.kind}-{self.frm}"


def plain(kind: str, entry: Any = None, **args: Any) -> Callable[[Any, str], None]:
    def ask(alice: Any, server_id: str) -> None:
        works.ask(alice.world.nova, alice.ctx, server_id, actions()[kind], entry=entry, args=args)

    return ask


def rescued(alice: Any, server_id: str) -> None:
    rescues.begin(alice.world.nova, alice.ctx, server_id, {})


def resized(alice: Any, server_id: str) -> None:
    with alice.world.db.writing() as session:
        session.merge(Flavor(number=2, id="m2", name="m2", ram=1024, vcpus=2, disk=2,
                             extra_specs={}))
    moves.resize_server(alice.world.nova, alice.ctx, server_id, "m2", None)


def confirmed(alice: Any, server_id: str) -> None:
    moves.confirm(alice.world.nova, alice.ctx, server_id)


def reverted(alice: Any, server_id: str) -> None:
    moves.revert(alice.world.nova, alice.ctx, server_id)


def rebuilt(alice: Any, server_id: str) -> None:
    rebuilds.begin(alice.world.nova, alice.ctx, server_id, {"imageRef": alice.image})


CASES = [
    Case("start", "stopped", "active", plain("start")),
    Case("stop", "active", "stopped", plain("stop")),
    Case("reboot", "active", "active", plain("reboot")),
    Case("reboot", "paused", "active", plain("reboot", reboot.HARD, hard=True)),
    Case("reboot", "suspended", "active", plain("reboot", reboot.HARD, hard=True)),
    Case("rebuild", "active", "active", rebuilt, failed="error"),
    Case("rebuild", "stopped", "stopped", rebuilt, failed="error"),
    Case("extend_volume", "active", "active", plain("extend_volume", device_id="none", bytes=1),
         quiet=True),
    Case("pause", "active", "paused", plain("pause")),
    Case("unpause", "paused", "active", plain("unpause")),
    Case("suspend", "active", "suspended", plain("suspend")),
    Case("resume", "suspended", "active", plain("resume")),
    Case("rescue", "active", "rescued", rescued),
    Case("rescue", "stopped", "rescued", rescued),
    Case("resize", "active", "resized", resized),
    Case("confirmResize", "resized", "active", confirmed, half=True),
    Case("revertResize", "resized", "active", reverted, failed="error"),
    Case("unrescue", "rescued", "active", plain("unrescue"), failed="stopped"),
]
# How a server comes to each state.
WAYS = {case.to: case for case in CASES if case.frm == "active" and case.to != "active"}
# Those of rooms that take part: none of these servers has a volume.
STEPS = [(case, runner, step) for case in CASES for runner, step in steps_of(actions()[case.kind])
         if runner != CONDUCTOR or case.kind != "rebuild"]
ids = pytest.mark.parametrize(("case", "runner", "step"), STEPS, ids=[
    f"{case}-{step}" for case, _, step in STEPS])


def have(world, alice, state):
    """An own server in that state."""
    server_id = alice.boot()
    settle(world)
    if state != "active":
        WAYS[state].ask(alice, server_id)
        settle(world)
    assert alice.row(server_id).vm_state == state
    return server_id


def assert_is(world, alice, server_id, state, *, faulty):
    row = alice.row(server_id)
    assert (row.vm_state, row.task_state, row.admin_pass) == (state, None, None)
    assert (row.fault is not None) == faulty
    driver = world.drivers[row.host]
    assert driver.domains == {server_id: POWER[state]}
    assert row.power_state == POWER[state] or faulty
    assert (server_id in driver.rescued) == (state == "rescued")
    # What was resized has what it was as well.
    assert len(world.cloud.allocations) == 1 + (state == "resized")
    assert driver.aside == ({server_id} if state == "resized" else set())
    with world.db.reading() as session:
        assert session.get(Usage, "red").cores == row.flavor["vcpus"]
    assert alice.open_works() == 0


@pytest.mark.parametrize("moment", ["begun", "done"])
@ids
def test_it_survives_the_death_of_who_does_it(world, alice, case, runner, step, moment):
    server_id = have(world, alice, case.frm)
    kill_once(world.workers[runner], moment, step)
    case.ask(alice, server_id)
    settle(world)
    assert_is(world, alice, server_id, case.to, faulty=False)


@pytest.mark.parametrize("moment", ["begun", "done"])
@ids
def test_a_step_that_fails_leaves_it_as_it_was(world, alice, case, runner, step, moment):
    """Or as it was asked to be, where that was done before somebody fell over it."""
    server_id = have(world, alice, case.frm)
    world.workers[runner].probe = fail(step, moment=moment)
    case.ask(alice, server_id)
    settle(world)
    row = alice.row(server_id)
    may_be = {case.frm, case.failed} | ({case.to} if moment == "done" else set())
    assert row.vm_state in may_be
    assert (row.task_state, row.admin_pass, alice.open_works()) == (None, None, 0)
    assert case.quiet or row.fault["message"] == f"{step} broke"
    world.workers[runner].probe = lambda *_: None
    if case.half and row.vm_state == case.frm:
        case.ask(alice, server_id)
        settle(world)
        assert_is(world, alice, server_id, case.to, faulty=alice.row(server_id).fault is not None)
    elif row.vm_state == case.frm and moment == "begun":
        assert_is(world, alice, server_id, case.frm, faulty=not case.quiet)
    # Whatever it is, it may be deleted.
    alice.delete(server_id)
    settle(world)
    crashes.assert_nothing_is_left(world, alice)


def test_every_action_is_tried():
    here = {case.kind for case in CASES}
    here.add("migrate")  # The same steps, between two hosts: test_moves.py.
    assert set(actions()) == here | {module.ACTION.kind for module in crashes.SWEPT}
