# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os

import pytest
from ansible_collections.cairn.cloud.plugins.modules import units

GOOD = {"content": "x", "enabled": True, "running": True, "current": True}
NOTHING = {"content": None, "enabled": False, "running": False, "current": False}


def verbs(before, after):
    todo = units.steps({"a.service": before}, {"a.service": after})
    return {verb for verb, names in todo.items() if names}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (GOOD, GOOD, set()),
        (NOTHING, GOOD, {"write", "enable", "restart"}),
        ({**GOOD, "content": "y"}, GOOD, {"write", "restart"}),
        ({**GOOD, "current": False}, GOOD, {"restart"}),
        ({**GOOD, "running": False, "current": False}, GOOD, {"restart"}),
        ({**GOOD, "enabled": False}, GOOD, {"enable"}),
        (GOOD, NOTHING, {"stop", "disable", "write"}),
        (NOTHING, NOTHING, set()),
    ],
)
def test_does_what_is_needed_and_no_more(before, after, expected):
    assert verbs(before, after) == expected


def test_one_changed_unit_leaves_the_others_alone():
    before = {"a.service": GOOD, "b.service": {**GOOD, "current": False}}
    todo = units.steps(before, {"a.service": GOOD, "b.service": GOOD})
    assert todo["restart"] == ["b.service"]


@pytest.mark.parametrize("changed", ["file", "directory", "link"])
def test_a_change_of_anything_read_is_noticed(tmp_path, changed):
    directory, link = tmp_path / "api", tmp_path / "current"
    directory.mkdir()
    file = directory / "a.conf"
    file.write_text("")
    link.symlink_to("nowhere")
    paths = {"file": file, "directory": directory, "link": link}
    for path in paths.values():
        os.utime(path, (1000, 1000), follow_symlinks=False)
    reads = [str(directory), str(link), str(tmp_path / "missing")]
    assert units.newest(reads) == 1000
    os.utime(paths[changed], (2000, 2000), follow_symlinks=False)
    assert units.newest(reads) == 2000
