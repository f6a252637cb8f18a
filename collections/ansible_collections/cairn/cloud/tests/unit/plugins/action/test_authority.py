# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import datetime
import stat

import pytest
from ansible_collections.cairn.cloud.plugins.action.authority import act, look, plan
from ansible_collections.cairn.cloud.plugins.plugin_utils.authority import DAY, Authority

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
HOSTS = {"one": ["one", "10.0.0.1"], "two": ["two", "10.0.0.2"]}


def converge(authority, hosts=HOSTS, now=NOW, generation=1):
    before = look(authority, hosts, now, 30 * DAY)
    after = plan(before, hosts, generation)
    act(authority, before, after, now, 825 * DAY)
    return before != after


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "state", "test")


def contents(authority):
    return {p: p.read_bytes() for p in authority.directory.rglob("*") if p.is_file()}


def test_second_time_changes_nothing(authority):
    assert converge(authority)
    made = contents(authority)
    assert not converge(authority)
    assert contents(authority) == made


def test_certificate_names_the_host_and_its_addresses(authority):
    converge(authority)
    assert authority.names("one", NOW, 30 * DAY) == ["10.0.0.1", "one"]


def test_only_the_host_whose_names_changed_gets_a_new_certificate(authority):
    converge(authority)
    made = contents(authority)
    assert converge(authority, {**HOSTS, "two": ["two", "10.0.0.3"]})
    changed = {path.name for path, was in made.items() if path.read_bytes() != was}
    assert changed == {"two.pem", "two.key"}


def test_certificate_is_renewed_when_its_end_is_near(authority):
    converge(authority)
    assert not converge(authority, now=NOW + 700 * DAY)
    assert converge(authority, now=NOW + 800 * DAY)


def test_certificates_of_a_lost_authority_are_made_again(authority):
    converge(authority)
    (authority.directory / "ca.key").unlink()
    assert converge(authority)
    assert not converge(authority)


def test_a_new_token_key_leaves_the_old_one_good(authority):
    converge(authority)
    assert converge(authority, generation=2)
    assert authority.generations() == [1, 2]


def test_private_keys_are_for_their_owner_only(authority):
    converge(authority)
    for path in authority.directory.rglob("*.key"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
