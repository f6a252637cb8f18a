"""The steps of an action: when, for how long, what they waited for, and how that is drawn."""

import datetime as dt
import io
from types import SimpleNamespace
from typing import Any

import pytest
from openstack.compute.v2.server_action import ServerAction
from openstack.exceptions import ForbiddenException, NotFoundException
from rich.console import Console

from cairn.deploy import progress, sdk, trace, waterfall
from cairn.deploy.cloud import Cloud
from cairn.deploy.errors import Failed

# The SDK's own, of what it does inside.
pytestmark = [pytest.mark.filterwarnings(f"ignore::openstack.warnings.{name}") for name in (
    "RemovedInSDK50Warning", "RemovedInSDK60Warning")]

GONE = "5f0b3c1e-6d0e-4a51-9a39-0d3a2f0c1b11"
TARGET = trace.Target("s-1", "web", "req-1")


def event(name: str, start: float, finish: float | None, host: str = "conductor",
          **more: Any) -> dict[str, Any]:
    def moment(seconds: float) -> str:
        at = dt.datetime(2026, 1, 2, 3, 4, 5) + dt.timedelta(seconds=seconds)
        return at.isoformat(timespec="microseconds")

    return {"event": name, "start_time": moment(start), "host": host, "hostId": "f" * 56,
            "finish_time": None if finish is None else moment(finish),
            "result": None if finish is None else "Success", "details": None, **more}


STEPS = [event("token_issued", -3600, -3600, "api"), event("request_received", 0, 0, "api"),
         event("work_taken", 0.5, 1), event("ports_plugged", 1, 3, "compute1"),
         event("domain_started", 4, None, "compute1")]


def action(events: list[dict[str, Any]], request: str = "req-1", kind: str = "create",
           message: str | None = None) -> ServerAction:
    return ServerAction.existing(action=kind, request_id=request, message=message, events=events,
                                 start_time="2026-01-02T03:04:05.000000")


class Compute:
    """As the SDK's compute: servers by name, actions of each, the newest first."""

    def __init__(self, *actions: ServerAction, admin: bool = True) -> None:
        self.admin, self.actions, self.task = admin, list(actions), "spawning"
        self.alive = True

    def find_server(self, name: str, all_projects: bool = False) -> Any:
        if all_projects and not self.admin:
            raise ForbiddenException("no")
        return SimpleNamespace(id="s-1", name="web") if name in ("web", "s-1") else None

    def get_server(self, server_id: str) -> Any:
        if not self.alive:
            raise NotFoundException("gone")
        return SimpleNamespace(task_state=self.task)

    def server_actions(self, server_id: str, limit: int | None = None) -> Any:
        return iter(self.actions[:limit])

    def get_server_action(self, request_id: str, server_id: str) -> ServerAction:
        return next(each for each in self.actions if each.request_id == request_id)


def test_steps_lie_where_they_happened() -> None:
    read = trace.read(TARGET, action(STEPS), busy=True)
    assert [(s.name, s.begun, s.ended, s.waited, s.handed) for s in read.steps] == [
        ("token_issued", -3600, -3600, 0, False), ("request_received", 0, 0, 0, False),
        ("work_taken", 0.5, 1, 0.5, True), ("ports_plugged", 1, 3, 0, True),
        ("domain_started", 4, None, 1, False)]
    assert not read.over
    assert read.steps[-1].lasted(10) == 6


def test_an_owner_is_told_hosts_apart() -> None:
    steps = [each | {"host": None, "hostId": each["host"] * 9} for each in STEPS]
    read = trace.read(TARGET, action(steps), busy=True)
    assert read.steps[3].where == "compute1"[:8]
    assert read.steps[3].handed and not read.steps[4].handed


@pytest.mark.parametrize(("asked", "chosen"), [(None, "req-3"), ("req-1", "req-1"),
                                               ("reboot", "req-2")])
def test_an_action_is_chosen_by_its_request_or_its_kind(asked: str | None, chosen: str) -> None:
    for admin in (True, False):
        compute = Compute(action([], "req-3", "stop"), action([], "req-2", "reboot"),
                          action([], "req-1", "reboot"), admin=admin)
        assert trace.choose(compute, "web", asked) == trace.Target("s-1", "web", chosen)


def test_what_there_is_not_is_told() -> None:
    compute = Compute(action([], "req-1", "stop"))
    with pytest.raises(Failed, match="no server 'other'"):
        trace.choose(compute, "other", None)
    with pytest.raises(Failed, match=r"no action 'pause' \(what was done to it: stop\)"):
        trace.choose(compute, "web", "pause")
    assert trace.choose(compute, GONE, None).server_id == GONE


def test_it_is_looked_at_until_it_is_over_twice() -> None:
    compute = Compute(action(STEPS))
    seen: list[int] = []

    def sleep(seconds: float) -> None:
        seen.append(len(seen))
        if len(seen) == 2:  # The step is over, the action goes on.
            compute.actions = [action([*STEPS[:-1], event("domain_started", 4, 5)])]
        if len(seen) == 4:
            compute.task = None
        if len(seen) > 9:
            raise AssertionError("it does not end")

    traces = list(trace.follow(compute, TARGET, sleep))
    assert [each.over for each in traces] == [False, False, False, False, True, True]


@pytest.mark.parametrize("change", ["gone", "later"])
def test_it_is_over_when_the_server_is_gone_or_another_began(change: str) -> None:
    compute = Compute(action(STEPS[:-1]))
    assert not trace.look(compute, TARGET).over
    if change == "gone":
        compute.alive = False
    else:
        compute.actions.insert(0, action([], "req-2", "stop"))
    assert trace.look(compute, TARGET).over


def test_bars_lie_in_the_whole() -> None:
    def cells(begun: float, ended: float, waited: float = 0.0, result: str = "Success") -> str:
        step = trace.Step("x", begun, ended, waited, False, "", result, "")
        return "".join(text for text, _ in waterfall.bar(step, 10.0, 10.0))

    assert cells(0, 10) == "█" * 40
    assert cells(5, 10, 2.5) == " " * 10 + "." * 10 + "█" * 20
    assert cells(-3600, -3600) == "█"
    assert cells(10, 10) == " " * 39 + "█"


def shown(monkeypatch: pytest.MonkeyPatch, terminal: bool, *traces: trace.Trace) -> str:
    to = io.StringIO()
    monkeypatch.setattr(progress, "console", Console(
        file=to, force_terminal=terminal, width=140, highlight=False, color_system=None))
    waterfall.show(traces)
    return to.getvalue()


def test_it_is_drawn_over_and_over_on_a_terminal_and_else_once(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = event("domain_started", 4, 5, "compute1", result="Error", details="No room [x].")
    running = trace.read(TARGET, action(STEPS), busy=True)
    over = trace.read(TARGET, action([*STEPS[:-1], broken], message="Error"), busy=False)
    text = shown(monkeypatch, False, running, over)
    assert text.count("ports_plugged") == 1
    assert "create of web, req-1" in text and "failed after 5.000 s" in text
    assert "0.500 s for conductor" in text and "No room [x]." in text
    assert shown(monkeypatch, True, running, over).count("ports_plugged") > 1


def test_who_asks_is_named_by_the_environment(
    monkeypatch: pytest.MonkeyPatch, lab: Cloud
) -> None:
    for name, value in (("AUTH_URL", "http://127.0.0.1:1/v3"), ("USERNAME", "alice"),
                        ("PASSWORD", "p"), ("PROJECT_NAME", "red"),
                        ("USER_DOMAIN_NAME", "Default"), ("PROJECT_DOMAIN_NAME", "Default")):
        monkeypatch.setenv(f"OS_{name}", value)
    assert trace.connect(lab).config.config["auth"]["username"] == "alice"
    asked: list[str] = []
    monkeypatch.setattr(sdk, "connect", lambda cloud, who, patience: asked.append(who))
    monkeypatch.setattr("cairn.deploy.credentials.entries", lambda cloud: {
        lab.admin: {}, lab.demo: {}})
    monkeypatch.delenv("OS_AUTH_URL")
    trace.connect(lab)
    monkeypatch.setenv("OS_CLOUD", lab.demo)
    trace.connect(lab)
    assert asked == [lab.admin, lab.demo]
