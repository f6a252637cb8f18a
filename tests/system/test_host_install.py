"""`./cairn up` on a machine that is a bare Debian 12 with systemd and nothing else: a lab node."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .clouds import HOUSE, run

pytestmark = pytest.mark.lab

LAB = "syshost"
DIRECTORY = Path("/var/lib/cairn-lab", LAB)
NODE = DIRECTORY / "nodes" / "bare"
# What a machine shows of itself that a cloud could leave something in.
LOOKS = {
    "links": "ls /sys/class/net",
    "namespaces": "ip netns",
    "tables": "nft list tables 2>/dev/null || true",
    # The folder of namespaces is iproute2's, which never unmounts it.
    "mounts": "cut -d' ' -f2 /proc/mounts | grep -vE '^/run/(user|netns$)' | sort",
    "units": "systemctl list-units --plain --no-legend 'cairn*' | cut -d' ' -f1",
    "directories": "ls -d /etc/cairn /opt/cairn /run/cairn /var/lib/cairn* 2>/dev/null || true",
    # libvirtd and such end by themselves when nobody asks them anything.
    "processes": "ps -eo args= | grep -E '[q]emu-system|[d]nsmasq|[h]aproxy|[/]opt/cairn' || true",
}


class Machine:
    def __init__(self) -> None:
        leader = (NODE / "leader").read_text().strip()
        pairs = (NODE / "root/etc/environment").read_text().replace('"', "").split("\n")
        self.enter = ["nsenter", "--target", leader, "--all", "--", "env", "-i",
                      "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", *filter(None, pairs)]

    def run(self, command: str, *, good: bool = True) -> str:
        return run(*self.enter, "/bin/sh", "-c", f"cd /root; {command}", good=good, timeout=1800)

    def looks(self) -> dict[str, list[str]]:
        return {what: self.run(command).splitlines() for what, command in LOOKS.items()}


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """A bare node, with the checkout in it as `git clone` would leave it."""
    facts = {
        "lab_name": LAB, "lab_subnet": "172.30.231.0/24", "lab_external_subnet": "172.31.231.0/24",
        "lab_nodes": [{"name": "bare"}],
    }
    playbook = [str(Path(sys.executable).with_name("ansible-playbook")), "-e", json.dumps(facts)]
    run(*playbook, "playbooks/lab.yml")
    try:
        found = Machine()
        files = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=HOUSE,
            capture_output=True, check=True,
        ).stdout
        here = [name for name in files.split(b"\0") if name and Path(HOUSE, name.decode()).exists()]
        packed = subprocess.run(
            ["tar", "--create", "--null", "--files-from=-"], cwd=HOUSE, input=b"\0".join(here),
            capture_output=True, check=True,
        ).stdout
        unpack = "mkdir /root/cairn && tar --extract --directory /root/cairn"
        subprocess.run([*found.enter, "/bin/sh", "-c", unpack], input=packed, check=True)
        yield found
    finally:
        run(*playbook, "playbooks/lab-destroy.yml")


@pytest.fixture(scope="module")
def before(machine: Machine) -> dict[str, list[str]]:
    return machine.looks()


@pytest.fixture(scope="module")
def first(machine: Machine, before: dict[str, list[str]]) -> str:
    return machine.run("cairn/cairn up </dev/null 2>&1")


def changes(output: str) -> list[int]:
    return [int(number) for number in re.findall(r"tasks, (\d+) changed", output)]


def test_one_command_ends_with_a_shell_on_a_first_server(machine: Machine, first: str) -> None:
    assert "Cairn allinone, on this machine" in first
    login = re.search(r"first server (ssh .*)", first)
    assert login, first
    options = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
    assert machine.run(f"{login[1]} {options} hostname").strip() == "demo"
    assert "demo" in machine.run("cairn/cairn openstack server list --all-projects -f value")


def test_all_is_well(machine: Machine, first: str) -> None:
    assert "All is well." in machine.run("cairn/cairn status")
    assert "!!!" not in machine.run("cairn/cairn doctor")


def test_the_secrets_are_roots_alone(machine: Machine, first: str) -> None:
    directory = "/var/lib/cairn-deploy/cairn"
    assert machine.run(f"stat -c %a {directory}").strip() == "700"
    for name in ("clouds.yaml", "openrc", "secrets.yml", "vault-password", "demo-key"):
        assert machine.run(f"stat -c '%a %U' {directory}/{name}").strip() == "600 root"


def test_a_second_run_changes_nothing(machine: Machine, first: str) -> None:
    again = machine.run("cairn/cairn up </dev/null 2>&1")
    assert changes(again) and set(changes(again)) == {0}, again


def test_a_killed_run_is_resumed(machine: Machine, first: str) -> None:
    stopped = machine.run("timeout --signal=INT 15 cairn/cairn up </dev/null 2>&1", good=False)
    assert "run the same again to go on" in stopped
    assert "The cloud is up" in machine.run("cairn/cairn up </dev/null 2>&1")


def test_what_is_wrong_is_told_before_anything_changes(machine: Machine, first: str) -> None:
    assert "exists already" in machine.run("cairn/cairn up --topology multinode 2>&1", good=False)
    machine.run("echo CONFIG_NOVA_VIRT_TIPE=kvm >answers")
    said = machine.run("cairn/cairn up --answer-file answers 2>&1", good=False)
    assert "there is no knob CONFIG_NOVA_VIRT_TIPE" in said


def test_down_leaves_nothing(
    machine: Machine, first: str, before: dict[str, list[str]]
) -> None:
    machine.run("cairn/cairn down")
    assert machine.looks() == before
