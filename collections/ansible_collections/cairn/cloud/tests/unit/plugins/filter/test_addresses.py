# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.cairn.cloud.plugins.filter import addresses


def test_counts_from_the_start_of_the_subnet():
    assert addresses.nth_address("172.30.4.0/24", 1) == "172.30.4.1"
    assert addresses.nth_address("172.30.4.0/24", 11, prefix=True) == "172.30.4.11/24"


@pytest.mark.parametrize("subnet", ["172.30.4.1/24", "nonsense", "172.30.4.0/31"])
def test_says_which_subnet_has_no_such_address(subnet):
    with pytest.raises(AnsibleFilterError, match=subnet):
        addresses.nth_address(subnet, 11)


def test_nodes_have_addresses_in_the_order_given():
    nodes = [{"name": "b", "groups": ["x"]}, {"name": "a", "external": True, "binds": ["/srv"]}]
    assert addresses.lab_members(nodes, "10.0.0.0/24") == [
        {"name": "b", "address": "10.0.0.11/24", "external": False, "binds": []},
        {"name": "a", "address": "10.0.0.12/24", "external": True, "binds": ["/srv"]},
    ]


def test_hosts_are_in_the_networks_of_all_their_cards():
    hosts = [{
        "interfaces": ["lo", "eth0", "br-ex", "down"],
        "lo": {"ipv4": {"address": "127.0.0.1", "prefix": "8"}, "ipv6": [
            {"address": "::1", "prefix": "128"}]},
        "eth0": {"ipv4": {"address": "10.1.2.3", "prefix": "16", "netmask": "255.255.0.0"},
                 "ipv4_secondaries": [{"address": "8.8.8.9", "netmask": "255.255.255.0"}],
                 "ipv6": [{"address": "fe80::1", "prefix": "64"},
                          {"address": "2a00:1::7", "prefix": "64"}]},
        "br_ex": {"ipv4": [{"address": "172.31.0.1", "prefix": "24"}]}, "down": {},
    }, {}]
    assert addresses.attached_networks(hosts) == [
        "8.8.8.0/24", "10.1.0.0/16", "172.31.0.0/24", "2a00:1::/64"]
