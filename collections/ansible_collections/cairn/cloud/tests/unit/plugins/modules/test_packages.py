# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from ansible_collections.cairn.cloud.plugins.modules import packages


class Machine:
    """Stands for AnsibleModule on a machine whose apt does as told, or fails at one command."""

    def __init__(self, policy, failing=None, busy=0):
        self.policy, self.failing, self.busy = policy, failing, busy
        self.ran, self.stopped = [], []

    def run_command(self, command, environ_update=None):
        if command[0] == "dpkg-query":
            return (1, "", "no package")
        if command[0] == "dpkg" and self.busy:
            self.busy -= 1
            return (2, "", "dpkg: error: dpkg frontend lock was locked by another process")
        self.ran.append(command)
        self.stopped.append(self.policy.exists())
        return (100, "", "E: no such thing") if self.failing in command else (0, "", "")

    def fail_json(self, **result):
        raise SystemExit(result["msg"])


@pytest.fixture
def policy(tmp_path, monkeypatch):
    path = tmp_path / "policy-rc.d"
    monkeypatch.setattr(packages, "POLICY", str(path))
    monkeypatch.setattr(packages, "LOCK", str(tmp_path / "lock"))
    monkeypatch.setattr(packages, "PAUSE", 0.01)
    monkeypatch.setattr(packages.os, "sync", lambda: None)
    return path


def test_only_what_is_configured_counts_as_installed():
    listing = "bash installed\nnginx config-files\nmariadb-server half-configured\n"
    assert packages.installed(listing) == {"bash"}


def test_nothing_starts_while_packages_are_installed(policy):
    machine = Machine(policy)
    packages.act(machine, ["nginx"], 10)
    assert machine.ran[-1][0] == "eatmydata" and machine.ran[-1][-1] == "nginx"
    assert all(machine.stopped)
    assert not policy.exists()


def test_a_failed_install_says_what_apt_said_and_lets_services_start_again(policy):
    with pytest.raises(SystemExit, match="E: no such thing"):
        packages.act(Machine(policy, failing="nginx"), ["nginx"], 10)
    assert not policy.exists()


def test_a_policy_somebody_else_made_is_left_alone(policy):
    policy.write_text("theirs")
    packages.act(Machine(policy), ["nginx"], 10)
    assert policy.read_text() == "theirs"


def test_a_policy_left_by_a_run_that_was_killed_goes(policy):
    policy.write_text(packages.STAY_STOPPED)
    packages.act(Machine(policy), ["nginx"], 10)
    assert not policy.exists()


def test_waits_while_somebody_else_installs(policy):
    machine = Machine(policy, busy=3)
    packages.act(machine, ["nginx"], 10)
    assert machine.ran[-1][-1] == "nginx"


def test_a_run_that_is_still_going_on_is_waited_for_but_not_forever(policy):
    with open(packages.LOCK, "w") as other:
        packages.locked(other)
        with pytest.raises(SystemExit, match="another run of this module"):
            packages.act(Machine(policy), ["nginx"], 0)
