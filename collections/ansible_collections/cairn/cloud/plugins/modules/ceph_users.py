#!/usr/bin/python
# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

DOCUMENTATION = r"""
module: ceph_users
short_description: Have a Ceph cluster know users by their keys and rights
version_added: 0.1.0
description:
  - Gives each user exactly the key and the rights that are named. Users that are not named stay.
  - Runs on a host that has the keyring of C(client.admin).
options:
  users:
    description: The users.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name with its kind, as V(client.glance).
        type: str
        required: true
      key:
        description: The user's key.
        type: str
        required: true
      caps:
        description: What it may do, by service.
        type: dict
        required: true
attributes:
  check_mode: {support: full, description: Reports what would change, also without a cluster.}
  diff_mode: {support: full, description: Shows rights, never a key.}
author: [Cairn (@cairn)]
"""

EXAMPLES = r"""
- name: Glance may write images
  cairn.cloud.ceph_users:
    users:
      - name: client.glance
        key: "{{ cloud_secrets.ceph_secret | cairn.cloud.ceph_key('client.glance') }}"
        caps: {mon: profile rbd, osd: profile rbd pool=images}
"""

RETURN = r""" # """

import hashlib

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cairn.cloud.plugins.module_utils.ceph import Cluster, Refused, Unreachable
from ansible_collections.cairn.cloud.plugins.module_utils.state import converge


def look(cluster, names):
    """Those of the users that there are."""
    return {
        user["entity"]: {"key": user["key"], "caps": user["caps"]}
        for user in cluster.ask("auth ls")["auth_dump"] if user["entity"] in names
    }


def plan(users):
    """How they should be. Pure."""
    return {user["name"]: {"key": user["key"], "caps": user["caps"]} for user in users}


def act(cluster, before, after):
    """An import is all a user is, whatever it was."""
    for name, user in after.items():
        if before.get(name) != user:
            caps = "".join(f'\tcaps {service} = "{cap}"\n' for service, cap in user["caps"].items())
            cluster.ask("auth import", f"[{name}]\n\tkey = {user['key']}\n{caps}")


def shown(users):
    """The users, fit for a screen: a key can be seen to change, but not read."""
    return {
        name: {**user, "key": f"<hidden {hashlib.sha256(user['key'].encode()).hexdigest()[:8]}>"}
        for name, user in users.items()
    }


def main():
    user = {
        "name": {"type": "str", "required": True},
        "key": {"type": "str", "required": True, "no_log": True},
        "caps": {"type": "dict", "required": True},
    }
    module = AnsibleModule(
        argument_spec={
            "users": {"type": "list", "elements": "dict", "required": True, "options": user}
        },
        supports_check_mode=True,
    )
    after, before, cluster = plan(module.params["users"]), {}, None
    try:
        cluster = Cluster()
        before = look(cluster, after)
    except (Unreachable, Refused) as error:
        if not module.check_mode:
            module.fail_json(msg=str(error))
    try:
        converge(module, shown(before), shown(after), lambda: act(cluster, before, after))
    except Refused as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
