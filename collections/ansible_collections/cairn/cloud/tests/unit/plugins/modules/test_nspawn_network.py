# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

import pytest
from ansible_collections.cairn.cloud.plugins.modules import nspawn_network

WANTED = nspawn_network.plan("172.30.0.1/24", "present")


class Machine:
    """Behaves like a machine's links and tables as far as the module sees them."""

    def __init__(self):
        self.links, self.tables = {"eth0": ["192.0.2.2/24"]}, set()

    def run_command(self, command, check_rc=False, data=None):
        out, rc = "", 0
        match command:
            case ["ip", "-json", *_, "dev", name] if name in self.links:
                out = json.dumps([self.shown(name)])
            case ["ip", "-json", "-4", "address", "show"]:
                out = json.dumps([self.shown(name) for name in self.links])
            case ["ip", "link", "show", "dev", name] if name in self.links:
                pass
            case ["ip", "link", "add", "name", name, *_]:
                self.links[name] = []
            case ["ip", "link", "set", *_]:
                pass
            case ["ip", "link", "delete", name]:
                del self.links[name]
            case ["ip", "address", "add", address, "dev", name]:
                self.links[name].append(address)
            case ["ip", "address", "delete", address, "dev", name]:
                self.links[name].remove(address)
            case ["nft", "list", "table", "ip", name] if name in self.tables:
                pass
            case ["nft", "delete", "table", "ip", name]:
                self.tables.remove(name)
            case ["nft", "-f", "-"]:
                self.tables.add(data.split()[2])
            case _:
                rc = 1
        assert not (check_rc and rc), command
        return rc, out, ""

    def shown(self, name):
        addresses = [address.split("/") for address in self.links[name]]
        info = [{"family": "inet", "local": a, "prefixlen": int(p)} for a, p in addresses]
        return {"ifname": name, "flags": ["UP"], "addr_info": info}


@pytest.fixture(autouse=True)
def forwarding(monkeypatch, tmp_path):
    (tmp_path / "ip_forward").write_text("0\n")
    monkeypatch.setattr(nspawn_network, "FORWARDING", str(tmp_path / "ip_forward"))


@pytest.fixture
def machine():
    return Machine()


def converge(machine, after):
    nspawn_network.act(machine, "cl-x", nspawn_network.look(machine, "cl-x"), after)


def test_makes_the_bridge_and_then_has_nothing_to_do(machine):
    assert nspawn_network.look(machine, "cl-x") is None
    converge(machine, WANTED)
    assert nspawn_network.look(machine, "cl-x") == WANTED


def test_takes_everything_away_again(machine):
    converge(machine, WANTED)
    converge(machine, None)
    assert nspawn_network.look(machine, "cl-x") is None
    assert machine.links == {"eth0": ["192.0.2.2/24"]}


@pytest.mark.parametrize("lost", ["table", "address", "bridge"])
def test_repairs_what_was_lost(machine, lost):
    converge(machine, WANTED)
    if lost == "table":
        machine.tables.clear()
    elif lost == "address":
        machine.links["cl-x"].clear()
    else:
        del machine.links["cl-x"]
    assert nspawn_network.look(machine, "cl-x") != WANTED
    converge(machine, WANTED)
    assert nspawn_network.look(machine, "cl-x") == WANTED


def test_changes_the_address(machine):
    converge(machine, WANTED)
    after = nspawn_network.plan("172.30.5.1/24", "present")
    converge(machine, after)
    assert nspawn_network.look(machine, "cl-x") == after


def test_sees_who_has_the_network_already(machine):
    assert nspawn_network.taken(machine, "cl-x", "192.0.2.1/24") == "eth0"
    assert nspawn_network.taken(machine, "cl-x", "172.30.0.1/24") is None
    converge(machine, WANTED)
    assert nspawn_network.taken(machine, "cl-x", "172.30.0.1/24") is None


def test_only_what_leaves_the_bridge_is_masqueraded():
    rules = nspawn_network.ruleset("cl-x", "172.30.0.1/24")
    assert 'ip saddr 172.30.0.0/24 oifname != "cl-x" masquerade' in rules
