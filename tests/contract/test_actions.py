"""An action is declared once: whoever does a step of it is held to that."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cairn.cinder import cli as cinder_cli
from cairn.cinder.core import flows as cinder_flows
from cairn.cinder.rpc import BACKUP, SCHEDULER, VOLUME
from cairn.cinder.scheduler import doer as scheduler_doer
from cairn.cinder.scheduler import flows as scheduler
from cairn.cinder.volume import doer as volume_doer
from cairn.cinder.volume import flows as volume
from cairn.cinder.volume.backups import doer as backup_doer
from cairn.cinder.volume.backups import flows as backup
from cairn.common.flows import Action, ActionStep, Do, Doer, Entry, load, make_flows
from cairn.common.work import Job
from cairn.nova import cli as nova_cli
from cairn.nova.compute import doer as compute_doer
from cairn.nova.compute import flows as compute
from cairn.nova.conductor import doer as conductor_doer
from cairn.nova.conductor import flows as conductor
from cairn.nova.core import flows as nova_flows
from cairn.nova.core import states
from cairn.nova.rpc import COMPUTE, CONDUCTOR, DESTINATION, SOURCE

OPERATE = Path(__file__).parents[2] / "docs" / "operate"


class Anything:
    """What no step is made of until it is done."""

    def __getattr__(self, name):
        return self


anything = Anything()


@dataclass
class Component:
    """What declares actions: the rooms that do them, by name; the first is where failures end."""

    name: str
    flows: Any
    rooms: dict[str, Callable[[], Any]]
    cli: Any
    page: str

    @property
    def declared(self):
        return load(self.flows.__name__, "ACTION")

    def made(self):
        for room, make in self.rooms.items():
            yield room, make()

    @property
    def last(self):
        return next(iter(self.rooms))


NOVA = Component("nova", nova_flows, {
    CONDUCTOR: lambda: conductor.make(conductor_doer.Hands(anything, anything)),
    COMPUTE: lambda: compute.make(compute_doer.Hands(*[anything] * 6)),
}, nova_cli, "server-actions.md")
CINDER = Component("cinder", cinder_flows, {
    SCHEDULER: lambda: scheduler.make(scheduler_doer.Hands(anything)),
    VOLUME: lambda: volume.make(volume_doer.Hands(*[anything] * 5)),
    BACKUP: lambda: backup.make(backup_doer.Hands(anything, anything)),
}, cinder_cli, "volume-actions.md")
# A host that a server leaves, or comes to, is a host.
ONE_PROCESS = {SOURCE: COMPUTE, DESTINATION: COMPUTE}
COMPONENTS = pytest.mark.parametrize("component", [NOVA, CINDER], ids=lambda each: each.name)


@COMPONENTS
def test_every_step_is_done_by_its_room_and_by_no_other(component):
    """`make` refuses a step without a doer and a doer without a step; a module without an action
    would be a KeyError."""
    done = {(room, flow.kind, step.name) for room, flows_ in component.made() for flow in flows_
            for step in flow.steps}
    assert done == {(ONE_PROCESS.get(step.room, step.room), action.kind, step.name)
                    for action in component.declared.values() for step in action.steps}


@pytest.mark.parametrize("have", [{}, {"laid": Do(print), "painted": Do(print)},
                                  {"laid": Do(print, print)}])
def test_a_doer_that_does_something_else_is_refused(have):
    class Odd(Doer):
        def steps(self):
            return have

    action = Action("build", "", "", (Entry(None, None),), (ActionStep("mason", "laid", ""),))
    with pytest.raises(ValueError, match=r"mason, build: .*(laid|painted)"):
        make_flows("mason", [Odd(action)])


@COMPONENTS
def test_declarations_are_whole(component):
    for action in component.declared.values():
        names = [step.name for step in action.steps]
        assert len(set(names)) == len(names)
        assert action.does and action.fails and all(step.does for step in action.steps)
        assert {ONE_PROCESS.get(step.room, step.room) for step in action.steps} <= (
            component.rooms.keys())
    assert len(component.flows.actions()) == len(component.declared)


def test_servers_are_in_states_that_there_are():
    for action in NOVA.declared.values():
        for entry in action.entries:
            assert set(entry.states or ()) <= {*states.PLAIN}


def test_kinds_are_upstreams():
    assert {action.kind for action in NOVA.declared.values()} <= {
        "create", "delete", "rebuild", "start", "stop", "reboot", "createImage",
        "attach_interface", "detach_interface", "attach_volume", "detach_volume", "extend_volume",
        "swap_volume", "pause", "unpause", "suspend", "resume", "rescue", "unrescue",
        "shelve", "shelveOffload", "unshelve", "createBackup", "restore",
        "changePassword", "trigger_crash_dump", "resize", "migrate", "confirmResize",
        "revertResize",
        # Shown to clients as delete.
        "soft_delete"}


@COMPONENTS
def test_every_failure_ends_at_a_controller(component):
    for room, flows_ in component.made():
        if room == component.last:
            assert {flow.kind for flow in flows_} == {
                action.kind for action in component.declared.values()}
        else:
            assert {flow.failed(Job, "") for flow in flows_} == {component.last}


@COMPONENTS
def test_the_page_is_current(component, capsys):
    component.cli.list_actions([], Path())
    assert capsys.readouterr().out == (OPERATE / component.page).read_text(), (
        f"cairn-manage {component.name} actions > docs/operate/{component.page}")
