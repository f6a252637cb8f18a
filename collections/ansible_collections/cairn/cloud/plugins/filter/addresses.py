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


def lab_members(nodes, subnet, first=11):
    """The nodes of a lab with their addresses, which count from C(first) on in the order given."""
    return [
        {
            "name": node["name"],
            "address": nth_address(subnet, first + index, prefix=True),
            "external": node.get("external", False),
            "binds": node.get("binds", []),
        }
        for index, node in enumerate(nodes)
    ]


def attached_networks(facts):
    """The networks that hosts are in, by the facts of each: of every card, whatever it is for."""
    found = set()
    for host in facts:
        for name in host.get("interfaces", []):
            card = host.get(name.replace("-", "_"), {})
            first = card.get("ipv4", [])
            for address in [
                *(first if isinstance(first, list) else [first]),
                *card.get("ipv4_secondaries", []), *card.get("ipv6", []),
            ]:
                prefix = address.get("prefix") or address.get("netmask", 32)
                network = ipaddress.ip_network(f"{address['address']}/{prefix}", strict=False)
                if not (network.is_loopback or network.is_link_local):
                    found.add(network)
    return [str(each) for each in sorted(found, key=lambda n: (n.version, n))]


class FilterModule:
    def filters(self):
        return {"nth_address": nth_address, "lab_members": lab_members,
                "attached_networks": attached_networks}
