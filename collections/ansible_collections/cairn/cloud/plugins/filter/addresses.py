# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""Who has which address in a subnet."""

from __future__ import annotations

import ipaddress

from ansible.errors import AnsibleFilterError


def nth_address(subnet, number, prefix=False):
    """The nth address of a subnet, with the subnet's prefix length behind it if so wished."""
    try:
        network = ipaddress.ip_network(subnet)
        address = network[number]
    except (ValueError, IndexError) as error:
        raise AnsibleFilterError(f"no address number {number} in {subnet}: {error}") from error
    return f"{address}/{network.prefixlen}" if prefix else str(address)


def node_addresses(nodes, subnet, first=11):
    """The name of every node to its address: they count from the first one in the order given."""
    return {node["name"]: nth_address(subnet, first + i) for i, node in enumerate(nodes)}


class FilterModule:
    def filters(self):
        return {"nth_address": nth_address, "node_addresses": node_addresses}
