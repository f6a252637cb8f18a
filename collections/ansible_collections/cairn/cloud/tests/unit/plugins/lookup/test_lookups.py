# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from ansible.errors import AnsibleLookupError
from ansible_collections.cairn.cloud.plugins.lookup import kept
from ansible_collections.cairn.cloud.plugins.lookup.components import components
from ansible_collections.cairn.cloud.plugins.lookup.published import defaults

CHECKING = {"ansible_check_mode": True}


def test_a_role_that_publishes_nothing_is_no_error(tmp_path):
    (tmp_path / "nova/defaults").mkdir(parents=True)
    (tmp_path / "nova/defaults/main.yml").write_text("nova_packages: [one]\n")
    assert defaults([tmp_path], "nova") == {"nova_packages": ["one"]}
    assert defaults([tmp_path], "nothing") == {}


def test_a_role_is_a_component_when_it_publishes_processes(tmp_path):
    for role, text in {"echo": "a: 1\necho_processes:\n  echo-api: {}\n", "nginx": "nginx_x: 1\n",
                       "base": "b: '{{ echo_processes }}'\n# base_processes:\n"}.items():
        (tmp_path / role / "defaults").mkdir(parents=True)
        (tmp_path / role / "defaults/main.yml").write_text(text)
    assert components([tmp_path, tmp_path / "nowhere"]) == ["echo"]


def test_a_file_that_is_not_there_is_a_placeholder_only_in_a_check(tmp_path):
    lookup = kept.LookupModule()
    assert lookup.run([str(tmp_path / "ca.pem")], CHECKING) == [kept.NOT_YET]
    with pytest.raises(AnsibleLookupError, match="ca.pem"):
        lookup.run([str(tmp_path / "ca.pem")], {})


def test_a_file_comes_whole(tmp_path):
    (tmp_path / "ca.pem").write_text("line\n")
    assert kept.LookupModule().run([str(tmp_path / "ca.pem")], {}) == ["line\n"]
