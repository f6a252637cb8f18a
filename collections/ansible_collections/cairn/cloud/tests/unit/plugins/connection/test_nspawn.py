# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os

import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleFileNotFound
from ansible.playbook.play_context import PlayContext
from ansible_collections.cairn.cloud.plugins.connection import nspawn
from ansible_collections.cairn.cloud.plugins.module_utils import node


@pytest.fixture
def connection(monkeypatch, tmp_path):
    options = {"node": "one", "lab_dir": str(tmp_path)}
    monkeypatch.setattr(nspawn.Connection, "get_option", lambda _self, name: options[name])
    return nspawn.Connection(PlayContext())


@pytest.fixture
def running(monkeypatch):
    """The node runs, and entering it leads back to this machine."""
    monkeypatch.setattr(node, "leader", lambda directory: 1)
    monkeypatch.setattr(node, "enter", lambda pid: ["env", "IN_NODE=yes"])


@pytest.mark.usefixtures("running")
def test_runs_commands_with_their_input(connection):
    assert connection.exec_command("cat; echo $IN_NODE; exit 3", b"in\n") == (3, b"in\nyes\n", b"")


@pytest.mark.parametrize("name", ["plain", "it's", "two words", 'a "quote"', "$(touch x)", "-n"])
@pytest.mark.usefixtures("running")
def test_copies_files_of_any_name_both_ways(connection, tmp_path, name):
    content = os.urandom(100_000)
    (tmp_path / "source").write_bytes(content)
    connection.put_file(str(tmp_path / "source"), str(tmp_path / name))
    connection.fetch_file(str(tmp_path / name), str(tmp_path / "copy"))
    assert (tmp_path / "copy").read_bytes() == content


@pytest.mark.usefixtures("running")
def test_a_copy_that_fails_says_so_and_leaves_nothing(connection, tmp_path):
    with pytest.raises(AnsibleFileNotFound):
        connection.put_file(str(tmp_path / "none"), str(tmp_path / "target"))
    with pytest.raises(AnsibleConnectionFailure, match="cannot read"):
        connection.fetch_file(str(tmp_path / "none"), str(tmp_path / "target"))
    assert not (tmp_path / "target").exists()


def test_a_node_that_does_not_run_is_named(connection):
    with pytest.raises(AnsibleConnectionFailure, match="lab node one does not run"):
        connection.exec_command("true")
