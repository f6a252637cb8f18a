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
