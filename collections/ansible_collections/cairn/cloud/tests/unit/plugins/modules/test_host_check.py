# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import socket

import pytest
from ansible_collections.cairn.cloud.plugins.modules import host_check
from ansible_collections.cairn.cloud.plugins.modules.host_check import GIB, Host

GOOD = {
    "etc/os-release": 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian 12"\n',
    "proc/1/comm": "systemd\n",
    "proc/meminfo": "MemTotal:        4194304 kB\n",
    "proc/net/tcp": "head\n   0: 00000000:01BB 00000000:0000 0A 0:0 0:0 0 0 0 4242 1\n"
    "   1: 0100007F:0CEA 00000000:0000 01 0:0 0:0 0 0 0 4343 1\n",
    "proc/77/comm": "apache2\n",
}


class Machine(Host):
    """A machine that is a directory."""

    def __init__(self, root, files=GOOD, free=10 * GIB):
        super().__init__(str(root))
        self._free = free
        for name, content in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(content)
        (root / "proc/77/fd").mkdir(parents=True, exist_ok=True)
        (root / "proc/77/fd/5").symlink_to("socket:[4242]")

    def free(self, path):
        return self._free


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_a_good_host_is_not_complained_about(machine):
    assert not [
        *host_check.check_system(machine, ["debian 12"]),
        *host_check.check_init(machine),
        *host_check.check_disk(machine, 3),
        *host_check.check_memory(machine, 2),
        *host_check.check_ports(machine, [{"port": 3306, "ours": "/etc/ours"}]),
        *host_check.check_root(0),
    ]


@pytest.mark.parametrize(
    ("files", "check", "said"),
    [
        ({"etc/os-release": "ID=ubuntu\nVERSION_ID=24.04\nPRETTY_NAME=Ubuntu\n"},
         lambda m: host_check.check_system(m, ["debian 12"]), "it runs Ubuntu"),
        ({"proc/1/comm": "tini"}, host_check.check_init, "./cairn up --lab"),
        ({}, lambda m: host_check.check_disk(m, 30), "10.0 GiB free and needs 30"),
        ({}, lambda m: host_check.check_memory(m, 8), "4.0 GiB of memory and needs 8"),
        ({}, lambda m: host_check.check_ports(m, [{"port": 443, "ours": "/etc/ours"}]),
         "port 443 is taken by apache2"),
        ({}, lambda m: host_check.check_root(1000), "not root"),
    ],
)
def test_what_is_in_the_way_is_named(tmp_path, files, check, said):
    problems = list(check(Machine(tmp_path, GOOD | files)))
    assert len(problems) == 1
    assert said in problems[0]


def test_what_is_ours_is_not_in_the_way(tmp_path):
    machine = Machine(tmp_path, {**GOOD, "etc/ours": "", "opt/cairn/current": ""}, free=GIB)
    assert not list(host_check.check_ports(machine, [{"port": 443, "ours": "/etc/ours"}]))
    # What is installed does not have to fit again; but a full disk is one.
    assert not list(host_check.check_disk(machine, 3))
    machine._free = GIB / 10
    assert list(host_check.check_disk(machine, 3))


class Apt:
    def __init__(self, uris, proxy=""):
        self.uris, self.proxy = uris, proxy

    def run_command(self, command):
        if command[0] == "apt-config":
            return 0, f"proxy='{self.proxy}'\n" if self.proxy else "", ""
        return 0, "".join(f"'{uri}' name 0\n" for uri in self.uris), ""


@pytest.fixture
def mirror():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def test_the_mirror_is_asked_for_once(mirror):
    uris = [f"http://{mirror}/debian/{name}" for name in ("a", "b")]
    assert not list(host_check.check_packages(Apt(uris)))


def test_where_there_is_a_proxy_only_the_proxy_has_to_answer(mirror):
    uris = ["http://nowhere.invalid/debian/a"]
    assert not list(host_check.check_packages(Apt(uris, f"http://{mirror}/")))
    assert "resolve" in next(host_check.check_packages(Apt(uris)))


def test_a_mirror_that_does_not_answer_is_named():
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = f"127.0.0.1:{server.getsockname()[1]}"
    assert "cannot reach 127.0.0.1" in next(host_check.check_packages(Apt([f"http://{closed}/a"])))


def test_no_sources_at_all():
    assert "no sources" in next(host_check.check_packages(Apt([])))
