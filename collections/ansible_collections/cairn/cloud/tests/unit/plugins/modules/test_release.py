# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os

import pytest
from ansible_collections.cairn.cloud.plugins.modules.release import COMPLETE, Releases


@pytest.fixture
def releases(tmp_path):
    for age, name in enumerate(["new", "old", "older", "oldest"]):
        (tmp_path / name).mkdir()
        (tmp_path / name / COMPLETE).touch()
        os.utime(tmp_path / name / COMPLETE, (1000 - age, 1000 - age))
    (tmp_path / "half").mkdir()
    found = Releases(str(tmp_path))
    found.switch("new")
    return found


def test_a_release_a_killed_run_left_half_installed_does_not_count(releases):
    assert releases.installed() == ["new", "old", "older", "oldest"]


def test_going_back_changes_one_link(releases):
    releases.switch("older")
    assert releases.current() == "older"
    assert os.path.exists(releases.path(f"current/{COMPLETE}"))


def test_forgets_the_oldest_but_never_the_current_one(releases):
    releases.switch("oldest")
    releases.prune(2)
    assert releases.installed() == ["new", "oldest"]
