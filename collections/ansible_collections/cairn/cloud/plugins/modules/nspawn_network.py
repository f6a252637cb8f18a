#!/usr/bin/python
# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

DOCUMENTATION = r"""
module: nspawn_network
short_description: Own a bridge that lab nodes are plugged into
version_added: 0.1.0
description:
  - Makes a bridge with the machine's address on it, and lets what is behind it out through the
    machine (NAT).
  - Turns the machine's IPv4 forwarding on, and leaves it on when the bridge is removed.
options:
  name:
    description: Name of the bridge, at most fifteen characters.
    type: str
    required: true
  address:
    description:
      - Address of the machine on the bridge, with prefix length. Required when O(state=present).
    type: str
  state:
    description: Whether the bridge should exist.
    type: str
    choices: [present, absent]
    default: present
attributes:
  check_mode: {support: full, description: Reports what would change.}
  diff_mode: {support: full, description: Shows the bridge before and after.}
author: [Cairn (@cairn)]
"""

EXAMPLES = r"""
- name: The nodes have a network
  cairn.cloud.nspawn_network:
    name: cl-cairn
    address: 172.30.0.1/24
"""

RETURN = r""" # """

import hashlib
import ipaddress
import json
import re

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cairn.cloud.plugins.module_utils.state import converge

FORWARDING = "/proc/sys/net/ipv4/ip_forward"


def table_of(name):
    """nftables names know no dash."""
    return "cairn_lab_" + re.sub(r"\W", "_", name)


def ruleset(name, address):
    """What leaves from behind the bridge does so in the machine's name."""
    network = ipaddress.ip_interface(address).network
    return (
        f"table ip {table_of(name)} {{ chain postrouting {{\n"
        "  type nat hook postrouting priority srcnat;\n"
        f'  ip saddr {network} oifname != "{name}" masquerade\n'
        "}\n}\n"
    )


def look(module, name):
    """What there is of the bridge and its table, or None."""
    rc, out, _err = module.run_command(["ip", "-json", "address", "show", "dev", name])
    links = json.loads(out) if rc == 0 and out.strip() else []
    rc, _out, _err = module.run_command(["nft", "list", "table", "ip", table_of(name)])
    if not links and rc:
        return None
    addresses = [
        f"{found['local']}/{found['prefixlen']}"
        for link in links
        for found in link.get("addr_info", [])
        if found["family"] == "inet"
    ]
    with open(FORWARDING, encoding="ascii") as file:
        forwarding = file.read().strip() == "1"
    up = any("UP" in link["flags"] for link in links)
    return {"addresses": addresses, "up": up, "nat": rc == 0, "forwarding": forwarding}


def plan(address, state):
    if state == "absent":
        return None
    return {"addresses": [address], "up": True, "nat": True, "forwarding": True}


def taken(module, name, address):
    """Another interface that already has addresses of this network, or None."""
    network = ipaddress.ip_interface(address).network
    _rc, out, _err = module.run_command(["ip", "-json", "-4", "address", "show"], check_rc=True)
    for link in json.loads(out):
        for found in link.get("addr_info", []):
            if link["ifname"] != name and ipaddress.ip_address(found["local"]) in network:
                return link["ifname"]
    return None


def act(module, name, before, after):
    """Take the bridge from one state to the other, one difference at a time."""

    def run(*words, data=None):
        module.run_command(list(words), data=data, check_rc=True)

    have = before or {"addresses": [], "up": False, "nat": False, "forwarding": False}
    want = after or {"addresses": [], "up": False, "nat": False}
    if have["nat"]:
        run("nft", "delete", "table", "ip", table_of(name))
    exists = module.run_command(["ip", "link", "show", "dev", name])[0] == 0
    if after is None:
        if exists:
            run("ip", "link", "delete", name)
        return
    if not exists:
        # Without an address of its own a bridge takes one of its ports', until that port goes.
        digest = hashlib.sha256(name.encode()).hexdigest()
        mac = ":".join(["02", *(digest[i : i + 2] for i in range(0, 10, 2))])
        run("ip", "link", "add", "name", name, "address", mac, "type", "bridge")
    for address in have["addresses"]:
        if address not in want["addresses"]:
            run("ip", "address", "delete", address, "dev", name)
    for address in want["addresses"]:
        if address not in have["addresses"]:
            run("ip", "address", "add", address, "dev", name)
        run("nft", "-f", "-", data=ruleset(name, address))
    run("ip", "link", "set", "dev", name, "up")
    with open(FORWARDING, "w", encoding="ascii") as file:
        file.write("1")


def main():
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "address": {"type": "str"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        required_if=[("state", "present", ["address"])],
        supports_check_mode=True,
    )
    name, address, state = (module.params[key] for key in ("name", "address", "state"))
    if not re.fullmatch(r"[a-z][a-z0-9_.-]{0,14}", name):
        module.fail_json(msg=f"name: {name!r} cannot be a bridge (a-z first, at most fifteen long)")
    if state == "present":
        other = taken(module, name, address)
        if other:
            msg = f"address: {other} has an address in the network of {address}; choose another"
            module.fail_json(msg=msg)
    before = look(module, name)
    after = plan(address, state)
    converge(module, before, after, lambda: act(module, name, before, after))


if __name__ == "__main__":
    main()
