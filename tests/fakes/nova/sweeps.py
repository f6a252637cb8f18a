"""Whoever does a step of an action dies in it, or fails."""

from cairn.common.errors import Invalid
from cairn.nova.rpc import COMPUTE, CONDUCTOR, DESTINATION, SOURCE
from fakes.deaths import Killed

RUNNERS = {CONDUCTOR: CONDUCTOR, COMPUTE: "compute.one", SOURCE: "compute.one",
           DESTINATION: "compute.one"}


def steps_of(action):
    """(runner, step) of each, in a world of one host."""
    return [(RUNNERS[step.room], step.name) for step in action.steps]


def kill_once(worker, moment, step):
    def probe(now, job, name):
        if (now, name) == (moment, step):
            worker.probe = lambda *_: None
            raise Killed

    worker.probe = probe


def fail(step, reason=None, moment="begun"):
    """A probe by which that step fails, "begun" or "done"."""
    def probe(now, job, name):
        if (now, name) == (moment, step):
            raise Invalid(reason=reason or f"{step} broke")

    return probe


def settle(world):
    """Run what there is; a killed process starts again."""
    for _ in range(5):
        try:
            world.settle()
            return
        except Killed:
            pass
    raise AssertionError("it never settles")
