"""An action is declared once: whoever does a step of it is held to that."""

from pathlib import Path

import pytest

from cairn.common.flows import Action, ActionStep, Do, Doer, Entry, load, make_flows
from cairn.common.work import Job
from cairn.nova import cli
from cairn.nova.compute import doer as compute_doer
from cairn.nova.compute import flows as compute
from cairn.nova.conductor import doer as conductor_doer
from cairn.nova.conductor import flows as conductor
from cairn.nova.core import flows, states
from cairn.nova.rpc import COMPUTE, CONDUCTOR

PAGE = Path(__file__).parents[2] / "docs" / "operate" / "server-actions.md"
DECLARED = load(flows.__name__, "ACTION")


class Anything:
    """What no step is made of until it is done."""

    def __getattr__(self, name):
        return self


def made():
    hands = conductor_doer.Hands(Anything(), Anything())
    yield CONDUCTOR, conductor.make(hands)
    anything = Anything()
    yield COMPUTE, compute.make(compute_doer.Hands(*[anything] * 6))


def test_every_step_is_done_by_its_room_and_by_no_other():
    """`make` refuses a step without a doer and a doer without a step; a module without an action
    would be a KeyError."""
    done = {(room, flow.kind, step.name) for room, flows_ in made() for flow in flows_
            for step in flow.steps}
    assert done == {(step.room, action.kind, step.name) for action in DECLARED.values()
                    for step in action.steps}


@pytest.mark.parametrize("have", [{}, {"laid": Do(print), "painted": Do(print)},
                                  {"laid": Do(print, print)}])
def test_a_doer_that_does_something_else_is_refused(have):
    class Odd(Doer):
        def steps(self):
            return have

    action = Action("build", "", "", (Entry(None, None),), (ActionStep("mason", "laid", ""),))
    with pytest.raises(ValueError, match=r"mason, build: .*(laid|painted)"):
        make_flows("mason", [Odd(action)])


@pytest.mark.parametrize("action", DECLARED.values(), ids=DECLARED)
def test_a_declaration_is_whole(action):
    names = [step.name for step in action.steps]
    assert len(set(names)) == len(names)
    assert action.does and action.fails and all(step.does for step in action.steps)
    assert {step.room for step in action.steps} <= {CONDUCTOR, COMPUTE}
    for entry in action.entries:
        assert set(entry.states or ()) <= {*states.PLAIN}


def test_kinds_are_upstreams():
    assert {action.kind for action in DECLARED.values()} <= {
        "create", "delete", "rebuild", "start", "stop", "reboot", "createImage",
        "attach_interface", "detach_interface", "attach_volume", "detach_volume", "swap_volume"}
    assert len(flows.actions()) == len(DECLARED)


def test_every_failure_ends_at_the_conductor():
    assert {flow.kind for room, made_ in made() if room == CONDUCTOR for flow in made_} == {
        action.kind for action in DECLARED.values()}
    for room, flows_ in made():
        if room != CONDUCTOR:
            assert {flow.failed(Job, "") for flow in flows_} == {CONDUCTOR}


def test_the_page_is_current(capsys):
    cli.list_actions([], Path())
    assert capsys.readouterr().out == PAGE.read_text(), (
        "cairn-manage nova actions > docs/operate/server-actions.md")
