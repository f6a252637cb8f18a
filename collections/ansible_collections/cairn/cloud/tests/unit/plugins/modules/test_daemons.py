# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import time

import pytest
from ansible_collections.cairn.cloud.plugins.module_utils.state import converge
from ansible_collections.cairn.cloud.plugins.modules import daemons

NEW = {"LoadState": "loaded", "ActiveState": "inactive", "UnitFileState": "enabled",
       "NeedDaemonReload": "no", "Triggers": ""}
RUNS = {**NEW, "ActiveState": "active"}


class Systemd:
    """Behaves like systemd with a few units: what is started runs, what is masked cannot."""

    def __init__(self, check_mode=False, **units):
        self.check_mode, self.result, self.asked = check_mode, None, []
        self.units = {name.replace("_", "."): dict(unit) for name, unit in units.items()}
        self.since = dict.fromkeys(self.units, time.monotonic() - 100)

    def run_command(self, command, check_rc=False):
        assert command[0] == "systemctl"
        verb, name = command[1], command[-1]
        if verb == "show":
            unit = self.units.get(name, {**NEW, "LoadState": "not-found", "UnitFileState": ""})
            since = int(self.since.get(name, 0) * 1e6)
            facts = {**unit, "StateChangeTimestampMonotonic": since}
            return 0, "".join(f"{key}={value}\n" for key, value in facts.items()), ""
        if verb == "--quiet":
            self.asked.append(" ".join(command[2:]))
            self.do(command[2], self.units[name])
            self.since[name] = time.monotonic() + 1
        return 0, "", ""

    def do(self, verb, unit):
        if verb in ("restart", "reload-or-restart"):
            assert unit["LoadState"] == "loaded"
            unit["ActiveState"] = "active"
        elif verb == "stop":
            unit["ActiveState"] = "inactive"
        elif verb in ("enable", "disable"):
            unit["UnitFileState"] = verb + "d"
        elif verb in ("mask", "unmask"):
            unit["LoadState"] = "masked" if verb == "mask" else "loaded"
            unit["UnitFileState"] = "masked" if verb == "mask" else "disabled"

    def exit_json(self, **result):
        self.result = result


def wanted(name, state="started", reads=(), reload=False, wait=True):
    return {"name": name, "state": state, "reads": reads, "reload": reload, "wait": wait}


def run(systemd, *units):
    before = {unit["name"]: daemons.look(systemd, unit) for unit in units}
    after = {unit["name"]: daemons.plan(before[unit["name"]], unit) for unit in units}
    todo = daemons.steps(units, before, after)
    converge(systemd, before, after, lambda: daemons.act(systemd, todo))
    return systemd.result["changed"], systemd.asked


@pytest.mark.parametrize(
    ("unit", "state", "asked"),
    [
        (RUNS, "started", []),
        (NEW, "started", ["restart a.service"]),
        ({**NEW, "UnitFileState": "disabled"}, "started",
         ["enable a.service", "restart a.service"]),
        ({**RUNS, "NeedDaemonReload": "yes"}, "started", ["restart a.service"]),
        (RUNS, "stopped", ["stop a.service", "disable a.service"]),
        (RUNS, "masked", ["stop a.service", "disable a.service", "mask a.service"]),
        ({**NEW, "LoadState": "masked", "UnitFileState": "masked"}, "masked", []),
        ({**NEW, "LoadState": "masked", "UnitFileState": "masked"}, "started",
         ["unmask a.service", "enable a.service", "restart a.service"]),
        (NEW, "on_demand", []),
        (RUNS, "on_demand", []),
        ({**RUNS, "NeedDaemonReload": "yes"}, "on_demand", ["restart a.service"]),
    ],
)
def test_asks_for_what_is_needed_once(unit, state, asked):
    systemd = Systemd(a_service=unit)
    assert run(systemd, wanted("a.service", state)) == (bool(asked), asked)
    systemd.asked = []
    systemd.units["a.service"]["NeedDaemonReload"] = "no"
    assert run(systemd, wanted("a.service", state)) == (False, [])


@pytest.mark.parametrize("state", ["started", "stopped", "masked"])
def test_check_mode_tells_and_does_not_do(state):
    unit = NEW if state == "started" else RUNS
    systemd = Systemd(check_mode=True, a_service=unit)
    assert run(systemd, wanted("a.service", state)) == (True, [])
    assert systemd.units["a.service"] == unit


@pytest.mark.parametrize(("reload", "verb"), [(False, "restart"), (True, "reload-or-restart")])
def test_a_service_older_than_what_it_reads_reads_it_again(tmp_path, reload, verb):
    settings = tmp_path / "a.conf"
    settings.write_text("")
    systemd = Systemd(a_service=RUNS)
    unit = wanted("a.service", reads=[str(tmp_path)], reload=reload)
    assert run(systemd, unit) == (True, [f"{verb} a.service"])
    os.utime(settings, (1000, 1000))
    assert run(systemd, unit)[0] is False


def test_what_is_not_there_does_not_have_to_be_stopped():
    assert run(Systemd(), wanted("a.service", "stopped"), wanted("b.socket", "masked")) == (
        False, [],
    )


def test_a_service_makes_way_for_its_socket():
    systemd = Systemd(a_socket={**NEW, "Triggers": "a.service"}, a_service=RUNS)
    assert run(systemd, wanted("a.socket"))[1] == ["stop a.service", "restart a.socket"]


def test_one_can_be_started_without_waiting():
    assert run(Systemd(a_service=NEW), wanted("a.service", wait=False))[1] == [
        "restart --no-block a.service"
    ]
