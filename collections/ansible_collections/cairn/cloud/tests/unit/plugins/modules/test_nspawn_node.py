# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

import pytest
from ansible_collections.cairn.cloud.plugins.module_utils.state import converge
from ansible_collections.cairn.cloud.plugins.modules import nspawn_node


def params(**changes):
    one = {"name": "one", "address": "172.30.0.11/24", "external": False, "binds": []}
    return {
        "nodes": [one],
        "lab_dir": "/lab/cairn",
        "base": "/lab/base-1",
        "bridge": "cl-cairn",
        "external_bridge": "cl-cairnx",
        "gateway": "172.30.0.1",
        "hosts": {},
        "binds": [],
        "binds_read_only": [],
        "state": "present",
        **changes,
    }


def wanted(before=None, node=None, **changes):
    given = params(**changes)
    given["nodes"][0].update(node or {})
    return nspawn_node.plan(given, given["nodes"][0], before)


class Steps:
    """Stands in for the machine: remembers what would be done to it."""

    def __init__(self, monkeypatch, tmp_path, place):
        self.done = []
        monkeypatch.setattr(nspawn_node, "start", lambda *_: self.done.append("start"))
        monkeypatch.setattr(nspawn_node, "stop", lambda *_: self.done.append("stop"))
        monkeypatch.setattr(nspawn_node, "write_hosts", lambda *_: self.done.append("hosts"))
        monkeypatch.setattr(nspawn_node.shutil, "rmtree", lambda *_, **__: self.done.append("wipe"))
        place.directory, place.record = str(tmp_path), str(tmp_path / "node.json")


@pytest.fixture
def place():
    return nspawn_node.Place("/lab/cairn", "one")


@pytest.fixture
def steps(monkeypatch, tmp_path, place):
    return Steps(monkeypatch, tmp_path, place)


RUNNING = wanted()
STOPPED = {**RUNNING, "running": False}
HALF_MADE = {"boot": {}, "hosts": {}, "running": False}
ELSEWHERE = wanted(node={"address": "172.30.0.12/24"})


@pytest.mark.parametrize(
    ("before", "after", "done"),
    [
        (None, RUNNING, ["wipe", "start"]),
        (HALF_MADE, RUNNING, ["stop", "wipe", "start"]),
        (STOPPED, RUNNING, ["stop", "start"]),
        (RUNNING, ELSEWHERE, ["stop", "start"]),
        (RUNNING, {**RUNNING, "hosts": {"two": "172.30.0.12"}}, ["hosts"]),
        (RUNNING, None, ["stop", "wipe"]),
        (HALF_MADE, None, ["stop", "wipe"]),
    ],
)
def test_does_to_a_node_what_is_needed_and_no_more(place, steps, before, after, done):
    nspawn_node.act(None, place, before, after, "bookworm")
    assert steps.done == done


class Module:
    check_mode, result = True, None

    def exit_json(self, **result):
        self.result = result


def test_check_mode_tells_and_does_nothing():
    module = Module()
    converge(module, {"one": None}, {"one": RUNNING}, lambda: pytest.fail("acted in check mode"))
    assert module.result["changed"]


def test_another_base_does_not_replace_a_node():
    before = {"boot": {"base": "/lab/base-1"}, "hosts": {}, "running": True}
    assert wanted(before, base="/lab/base-2")["boot"]["base"] == "/lab/base-1"


def test_a_node_that_should_not_be_has_no_state():
    assert wanted(state="absent") is None


def test_only_an_external_node_is_on_the_external_bridge(place):
    inside, outside = wanted(), wanted(node={"external": True})
    assert "cl-cairnx" not in json.dumps(inside)
    assert not any("ext0" in word for word in nspawn_node.nspawn(place, inside["boot"], [], []))
    assert outside["boot"]["external_bridge"] == "cl-cairnx"
    assert any("ext0" in word for word in nspawn_node.nspawn(place, outside["boot"], [], []))


def test_every_node_knows_every_other_and_what_else_it_is_told():
    two = {"name": "two", "address": "172.30.0.12/24", "external": False, "binds": []}
    given = params(hosts={"cloud": "172.30.0.99"})
    given["nodes"].append(two)
    assert nspawn_node.plan(given, two, None)["hosts"] == {
        "one": "172.30.0.11",
        "two": "172.30.0.12",
        "cloud": "172.30.0.99",
    }


@pytest.mark.parametrize("lab", ["/lab/a", "/lab/a-lab-with-quite-a-long-name"])
@pytest.mark.parametrize("name", ["n", "controller-with-a-long-name"])
def test_links_have_names_the_kernel_takes(lab, name):
    place = nspawn_node.Place(lab, name)
    assert len(place.link) <= 15 and len(place.external_link) <= 15


def test_equal_names_in_two_labs_do_not_collide():
    one, other = nspawn_node.Place("/lab/a", "n"), nspawn_node.Place("/lab/b", "n")
    for attribute in ("id", "link", "external_link", "unit", "directory"):
        assert getattr(one, attribute) != getattr(other, attribute)


def test_hosts_are_brought_up_to_date_and_the_rest_is_kept():
    text = nspawn_node.hosts_file("127.0.0.1 localhost\n", {"one": "10.0.0.1"})
    text = nspawn_node.hosts_file(text + "10.9.9.9 mine\n", {"one": "10.0.0.2", "two": "10.0.0.3"})
    assert "10.0.0.1" not in text
    assert text.count("# lab: begin") == 1
    for line in ("127.0.0.1 localhost", "10.9.9.9 mine", "10.0.0.2 one", "10.0.0.3 two"):
        assert f"{line}\n" in text


def test_a_file_written_into_a_node_stays_in_it(tmp_path):
    (tmp_path / "machine").write_text("the machine's")
    (tmp_path / "root" / "etc").mkdir(parents=True)
    (tmp_path / "root" / "etc" / "resolv.conf").symlink_to(tmp_path / "machine")
    nspawn_node.write(str(tmp_path / "root"), "etc/resolv.conf", 0o600, b"the node's")
    assert (tmp_path / "machine").read_text() == "the machine's"
    assert (tmp_path / "root" / "etc" / "resolv.conf").read_text() == "the node's"


@pytest.mark.parametrize(
    ("node", "changes", "named"),
    [
        ({"name": "One"}, {}, "'One' is not a host name"),
        ({"name": "../one"}, {}, "is not a host name"),
        ({"address": None}, {}, "one has no address"),
        ({"external": True}, {"external_bridge": None}, "no external_bridge"),
    ],
)
def test_says_what_is_wrong_with_a_node(node, changes, named):
    given = params(**changes)
    given["nodes"][0].update(node)
    assert named in nspawn_node.check(given)


def test_refuses_two_nodes_of_one_name():
    given = params()
    given["nodes"] *= 2
    assert nspawn_node.check(given) == "nodes: one given twice"
    assert nspawn_node.check(params()) is None
