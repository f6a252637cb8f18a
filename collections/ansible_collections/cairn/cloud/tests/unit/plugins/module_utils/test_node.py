# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os

import pytest
from ansible_collections.cairn.cloud.plugins.module_utils import node


def test_a_stale_note_is_not_believed(tmp_path):
    (tmp_path / "root").mkdir()
    for text in (f"{os.getpid()}\n", "1\n", "4194304\n", "", "x"):
        (tmp_path / "leader").write_text(text)
        assert node.leader(str(tmp_path)) is None
    (tmp_path / "leader").unlink()
    assert node.leader(str(tmp_path)) is None


def test_a_node_that_nobody_runs_is_not_found(tmp_path):
    assert node.find_leader(str(tmp_path)) is None


def test_knows_a_processs_parent():
    assert node.parent(os.getpid()) == os.getppid()


def test_entering_brings_the_nodes_own_environment(monkeypatch, tmp_path):
    lines = '# comment\nPIP_CERT="/etc/ca.crt"\nexport no_proxy=a,b\nnonsense\n'
    (tmp_path / "environment").write_text(lines)
    real = open
    monkeypatch.setattr(
        "builtins.open",
        lambda path, *args, **options: real(
            tmp_path / "environment" if str(path).endswith("/etc/environment") else path,
            *args,
            **options,
        ),
    )
    words = node.enter(42)
    assert words[:4] == ["nsenter", "--target", "42", "--all"]
    assert {"PIP_CERT=/etc/ca.crt", "no_proxy=a,b", "HOME=/root"} <= set(words)
    assert not any("nonsense" in word or "#" in word for word in words)


@pytest.mark.parametrize("pid", [os.getpid(), 4194304], ids=["alive", "none"])
def test_an_ordinary_process_is_no_leader(pid):
    assert not node.is_leader(pid, "/")
