# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from ansible_collections.cairn.cloud.plugins.filter import components

PROCESSES = {
    "echo": {"echo-api": {"group": "controller", "sections": ["database", "identity"]}},
    "relay": {
        "relay-api": {"group": "controller", "sections": ["identity"]},
        "relay-agent": {"group": ["network", "compute"], "sections": ["messaging"]},
    },
}


def test_a_component_is_applied_where_it_has_processes():
    platform = {"controller": ["nginx"], "network": ["bridge"], "storage": []}
    assert components.roles_of_groups(platform, PROCESSES) == {
        "controller": ["nginx", "echo", "relay"], "network": ["bridge", "relay"], "storage": []}


def test_a_play_gets_the_components_of_the_groups_it_serves():
    assert components.served(PROCESSES, ["controller"]) == ["echo", "relay"]
    assert components.served(PROCESSES, ["network"]) == ["relay"]
    assert components.served(PROCESSES, ["storage"]) == []


def test_a_components_name_is_its_tag():
    assert components.served(PROCESSES, ["controller"], ["echo"]) == ["echo"]
    assert components.served(PROCESSES, ["controller"], ["release"]) == []
    assert components.served(PROCESSES, ["controller"], ["all"], ["echo"]) == ["relay"]


def test_secrets_are_those_of_accounts_and_users_and_what_is_named():
    secrets = components.component_secrets(
        PROCESSES, {"relay": [{"name": "relay-ear"}]},
        {"relay": {"shared": ["network"]}, "echo": {"shared": ["compute"], "own": []}})
    assert secrets == {
        "echo_database_password": [], "relay_ear_user_password": [],
        "shared": ["compute", "network"], "own": [],
    }
    assert components.known_in(secrets, ["network"]) == ["shared"]
    assert components.known_in(secrets, ["controller"]) == []
