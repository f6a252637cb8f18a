# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import base64
import struct

import pytest
from ansible_collections.cairn.cloud.plugins.filter import ceph


def test_a_key_is_one_of_ceph_s_and_always_the_same():
    key = ceph.key("secret", "client.glance")
    raw = base64.b64decode(key)
    kind, _seconds, _nanoseconds, length = struct.unpack("<HIIH", raw[:12])
    assert (kind, length, len(raw)) == (1, 16, 28)
    assert key == ceph.key("secret", "client.glance")
    assert len({key, ceph.key("secret", "client.cinder"), ceph.key("other", "client.glance")}) == 3


@pytest.mark.parametrize(
    ("osds", "size", "pools", "groups"),
    [(3, 3, 3, 32), (1, 1, 3, 32), (12, 3, 3, 128), (1000, 3, 3, 256), (0, 0, 0, 8)],
)
def test_placement_groups_are_a_power_of_two_that_osds_bear(osds, size, pools, groups):
    assert ceph.placement_groups(osds, size, pools) == groups


def test_a_keyring_is_as_ceph_reads_it():
    users = [{"name": "mon.", "key": "A==", "caps": {"mon": "allow *"}},
             {"name": "client.x", "key": "B=="}]
    assert ceph.keyring(users) == (
        '# Written by Ansible, role ceph.\n[mon.]\n\tkey = A==\n\tcaps mon = "allow *"\n'
        "[client.x]\n\tkey = B==\n")


@pytest.mark.parametrize(
    ("states", "clean", "active"),
    [
        ({"active+clean": 8}, True, True),
        ({"active+clean": 7, "active+clean+scrubbing+deep": 1}, True, True),
        ({"active+clean": 7, "active+undersized+degraded": 1}, False, True),
        ({"active+clean": 7, "peering": 1}, False, False),
        # "inactive" is not active, and a pool that is not there is not usable.
        ({"inactive": 8}, False, False),
        ({}, False, False),
    ],
)
def test_every_group_counts(states, clean, active):
    summary = {"num_pg_by_state": [{"name": name, "num": n} for name, n in states.items()]}
    assert ceph.every_group_is(summary, "active+clean") is clean
    assert ceph.every_group_is(summary, "active") is active
