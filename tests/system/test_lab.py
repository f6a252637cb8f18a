# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""Two labs on this machine at once: they work, do not meet, and leave nothing behind."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.cairn.cloud.plugins.modules.nspawn_node import Place

pytestmark = pytest.mark.lab

HOUSE = Path(__file__).parents[2]
ONE = {
    "lab_name": "test-one",
    "lab_subnet": "172.30.240.0/24",
    "lab_external_subnet": "172.31.240.0/24",
    "lab_nodes": [{"name": "a", "groups": ["controller"], "external": True}, {"name": "b"}],
}
OTHER = {
    "lab_name": "test-other",
    "lab_subnet": "172.30.241.0/24",
    "lab_external_subnet": "172.31.241.0/24",
    "lab_nodes": [{"name": "a"}],
}


PLACES = [
    Place(f"/var/lib/cairn-lab/{lab}", node)
    for lab, node in (("test-one", "a"), ("test-one", "b"), ("test-other", "a"))
]
# In whatever the kernel or a program shows of a lab of this test.
MARK = re.compile("|".join(["test[-_](one|other)", *(place.machine for place in PLACES)]))


def run(*words: str) -> str:
    """The output of a command; the test fails with it if the command does."""
    done = subprocess.run(words, cwd=HOUSE, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def play(name: str, variables: dict[str, object], *options: str) -> int:
    """Run a playbook of the lab; how many tasks changed something."""
    book = f"playbooks/{name}.yml"
    out = run("ansible-playbook", book, "--extra-vars", json.dumps(variables), *options)
    found = re.search(r"changed=(\d+)", out)
    assert found, out
    return int(found.group(1))


def directory(lab: dict[str, object]) -> Path:
    return Path("/var/lib/cairn-lab") / str(lab["lab_name"])


def within(lab: dict[str, object], node: str, command: str) -> str:
    leader = (directory(lab) / "nodes" / node / "leader").read_text().strip()
    return run("nsenter", "--target", leader, "--all", "--", "/bin/sh", "-c", command)


def traces() -> list[str]:
    """Whatever on this machine has to do with the labs of this test."""
    found = [str(directory(lab)) for lab in (ONE, OTHER) if directory(lab).exists()]
    for text in (
        Path("/proc/mounts").read_text(),
        run("ip", "-brief", "link"),
        run("nft", "list", "tables"),
        run("ps", "-eo", "args"),
        "\n".join(path for path, _directories, _files in os.walk("/sys/fs/cgroup")),
    ):
        found += [line for line in text.splitlines() if MARK.search(line)]
    return found


@pytest.fixture(scope="module")
def labs() -> Iterator[None]:
    if os.geteuid():
        pytest.skip("making lab nodes needs root")
    try:
        for lab in (ONE, OTHER):
            play("lab-destroy", lab)
            assert play("lab", lab) > 0
        yield
    finally:
        for lab in (ONE, OTHER):
            play("lab-destroy", lab)
    assert traces() == []


@pytest.mark.usefixtures("labs")
class TestLab:
    def test_a_second_run_changes_nothing(self) -> None:
        assert play("lab", ONE) == 0

    def test_every_node_runs_without_a_failed_unit(self) -> None:
        assert within(ONE, "a", "systemctl is-system-running") == "running\n"
        assert within(OTHER, "a", "systemctl is-system-running") == "running\n"

    def test_ansible_reaches_the_nodes_by_the_labs_inventory(self) -> None:
        inventory = str(directory(ONE) / "inventory.yml")
        out = run("ansible", "--inventory", inventory, "all", "-m", "ansible.builtin.ping")
        assert out.count("pong") == 2

    def test_nodes_know_each_other_by_name(self) -> None:
        within(ONE, "a", "ping -c 1 -W 2 b")

    def test_a_node_installs_packages_from_outside(self) -> None:
        within(ONE, "b", "apt-get -q update && apt-get -qy install tree && tree --version")

    def test_equal_names_in_two_labs_are_two_nodes(self) -> None:
        ids = {within(lab, "a", "cat /etc/machine-id") for lab in (ONE, OTHER)}
        assert len(ids) == 2

    def test_only_an_external_node_has_the_outer_interface(self) -> None:
        assert "ext0" in within(ONE, "a", "ls /sys/class/net")
        assert "ext0" not in within(ONE, "b", "ls /sys/class/net")

    def test_check_mode_sees_a_dead_node_and_a_run_revives_it_with_its_data(self) -> None:
        within(ONE, "b", "echo kept > /root/note")
        leader = int((directory(ONE) / "nodes" / "b" / "leader").read_text())
        os.kill(leader, 9)
        assert play("lab", ONE, "--check") == 1
        assert play("lab", ONE) == 1
        assert within(ONE, "b", "cat /root/note") == "kept\n"

    def test_a_taken_subnet_is_refused_by_name(self) -> None:
        with pytest.raises(AssertionError, match="cl-test-one has an address in the network"):
            play("lab", {**OTHER, "lab_name": "test-third", "lab_subnet": ONE["lab_subnet"]})
