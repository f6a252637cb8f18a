# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from ansible_collections.cairn.cloud.plugins.modules import schemas

FIRST = 'revision = "0001"\ndown_revision = None\n'
SECOND = 'revision: str = "0002"\ndown_revision: str | None = "0001"\n'


class Module:
    """Stands for AnsibleModule: runs nothing, remembers everything."""

    params = {"release": "/opt/cairn/current"}

    def __init__(self, failing=None):
        self.ran, self.failing = [], failing

    def run_command(self, command, data=None, cwd=None):
        self.ran.append(command)
        return (1, "", "trace\nno space left") if self.failing in command else (0, "changed\n", "")

    def fail_json(self, **result):
        raise SystemExit(result["msg"])


def test_the_head_is_what_nothing_builds_on():
    assert schemas.heads([SECOND, FIRST]) == ["0002"]
    assert schemas.heads([]) == []


def test_a_release_says_what_each_schema_should_be(tmp_path):
    room = tmp_path / "lib/python3.11/site-packages/cairn/nova/db/migrations"
    room.mkdir(parents=True)
    (room / "0001_first.py").write_text(FIRST)
    assert schemas.wanted(str(tmp_path), ["nova", "glance"]) == {"nova": ["0001"]}


def test_only_schemas_that_differ_are_brought_up():
    module = Module()
    schemas.act(module, {"nova": ["0001"], "glance": []}, {"nova": ["0001"], "glance": ["0001"]})
    assert [command[-3:] for command in module.ran] == [["glance", "db", "sync"]]


def test_one_that_fails_does_not_keep_the_others_from_coming_up():
    module = Module(failing="glance")
    with pytest.raises(SystemExit, match="glance db sync: no space left"):
        schemas.act(module, {"glance": [], "nova": []}, {"glance": ["1"], "nova": ["1"]})
    assert len(module.ran) == 2
