# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re

import pytest
from ansible_collections.cairn.cloud.plugins.filter import broker

PUBLISHED = {
    "nova": {"from_hosts": ["nova.conductor"]},
    "neutron": {"from_hosts": ["neutron.server"], "to_hosts": ["neutron.agent.all"]},
    "keystone": {"to_controllers": ["identity.revocations.all"]},
}
ACCOUNTS = broker.broker_accounts({"a": "one", "a.b": "two", "axb": "three"}, "zero", PUBLISHED)
RIGHTS = ("configure", "write", "read")


def may(account, right, name):
    return re.search(ACCOUNTS[account][right], name) is not None


def test_a_host_has_its_own_and_no_others():
    for right in RIGHTS:
        assert may("host.a", right, "host.a:nova.compute")
    assert may("host.a", "write", "host.a") and may("host.a", "read", "host.a")
    # The broker's own, which no host makes or takes away.
    assert not may("host.a", "configure", "host.a")


@pytest.mark.parametrize("right", RIGHTS)
@pytest.mark.parametrize("name", [
    "host.a.b", "host.a.b:nova.compute", "host.axb:x", "hostxa:nova.compute", "xhost.a:x",
    "host.", "host", "host.a\nhost.a.b", "x\nhost.a", "nova.conductor", "neutron.server",
    "reply.0123", "amq.default", "amq.topic", "identity.revocations.all", "cairn", "",
])
def test_what_looks_like_its_own_is_not(right, name):
    assert not may("host.a", right, name)


def test_a_name_with_dots_is_no_pattern():
    assert may("host.a.b", "read", "host.a.b:x")
    assert not may("host.a.b", "read", "host.axb:x") and not may("host.a.b", "read", "host.a:x")


def test_a_host_speaks_to_controllers_and_hears_what_is_for_all():
    assert may("host.a", "write", "controller") and not may("host.a", "read", "controller")
    assert may("host.a", "read", "neutron.agent.all")
    assert not may("host.a", "write", "neutron.agent.all")
    assert not may("host.a", "configure", "controller")


@pytest.mark.parametrize(("key", "passes"), [
    ("nova.conductor", True), ("neutron.server", True), ("reply." + "0" * 32, True),
    ("nova.scheduler", False), ("nova.conductorx", False), ("reply.", False), ("#", False),
    ("nova.conductor.ctl1", False), ("glance.worker", False), ("", False),
])
def test_what_it_puts_there_is_for_those_who_hear_hosts(key, passes):
    pattern = ACCOUNTS["host.a"]["topics"]["controller"]["write"]
    assert (re.search(pattern, key) is not None) == passes


def test_each_account_has_a_letterbox():
    assert broker.broker_exchanges(["a"], PUBLISHED) == {
        "controller": "topic", "host.a": "topic", "neutron.agent.all": "fanout",
        "identity.revocations.all": "fanout"}
