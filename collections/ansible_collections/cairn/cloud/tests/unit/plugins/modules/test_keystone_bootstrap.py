# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

import pytest
from ansible_collections.cairn.cloud.plugins.modules.keystone_bootstrap import bootstrap


class Module:
    """Stands for AnsibleModule, with a cairn-manage that answers as told."""

    def __init__(self, rc, out, err=""):
        self.params = {"release": "/opt", "document": '{"password": "hunter2"}'}
        self.answer, self.commands, self.data = (rc, out, err), [], None

    def run_command(self, command, data=None, cwd=None):
        self.commands.append(command)
        self.data = data
        return self.answer

    def fail_json(self, **result):
        raise SystemExit(result["msg"])


@pytest.mark.parametrize("changed", [True, False])
def test_reports_what_keystone_reports(changed):
    module = Module(0, f"a word before\n{json.dumps({'changed': changed})}\n")
    assert bootstrap(module, "--check") is changed
    assert module.commands[0][-1] == "--check"


def test_passwords_are_not_on_the_command_line():
    module = Module(0, '{"changed": true}')
    bootstrap(module)
    assert "hunter2" in module.data
    assert not any("hunter2" in word for word in module.commands[0])


@pytest.mark.parametrize("module", [Module(1, "", "trace\nno database"), Module(0, "eh?")])
def test_a_failure_says_what_keystone_said(module):
    with pytest.raises(SystemExit, match="no database|eh?"):
        bootstrap(module)
