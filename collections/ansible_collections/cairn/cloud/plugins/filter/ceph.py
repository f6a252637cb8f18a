# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""What follows from a Ceph cluster's size and secret."""

from __future__ import annotations

from ansible_collections.cairn.cloud.plugins.module_utils.ceph import key

# Below this a pool is spread badly, above it daemons have more to remember than it helps.
FEWEST, MOST = 8, 256


def placement_groups(osds, size, pools, each=100):
    """Placement groups of one of C(pools) pools, so that an OSD has about C(each): a power of 2."""
    share = max(osds * each // (max(size, 1) * max(pools, 1)), 1)
    return min(max(1 << (share.bit_length() - 1), FEWEST), MOST)


def keyring(users):
    """A keyring file of users: name, key and, for a monitor's first one, caps."""
    text = "# Written by Ansible, role ceph.\n"
    for user in users:
        text += f"[{user['name']}]\n\tkey = {user['key']}\n"
        text += "".join(f"\tcaps {service} = \"{cap}\"\n"
                        for service, cap in sorted(user.get("caps", {}).items()))
    return text


def every_group_is(summary, state):
    """Whether all placement groups of C(ceph pg stat) are in a state, whatever else they do."""
    states = {one["name"]: one["num"] for one in summary["num_pg_by_state"]}
    wanted = set(state.split("+"))
    return sum(states.values()) > 0 and all(wanted <= set(name.split("+")) for name in states)


class FilterModule:
    def filters(self):
        return {
            "ceph_key": key,
            "ceph_keyring": keyring,
            "every_group_is": every_group_is,
            "placement_groups": placement_groups,
        }
