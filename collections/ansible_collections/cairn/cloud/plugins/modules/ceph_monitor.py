#!/usr/bin/python
# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

DOCUMENTATION = r"""
module: ceph_monitor
short_description: Have the store of a Ceph monitor
version_added: 0.1.0
description:
  - Makes what a monitor begins with, beside its place, and moves it there. A monitor of a cluster
    that runs already joins it when it is started.
options:
  name:
    description: The monitor's name.
    type: str
    required: true
  keyring:
    description: The keyring that the cluster begins with, of C(mon.) and C(client.admin).
    type: str
    required: true
  directory:
    description: Where monitors' stores are.
    type: path
    default: /var/lib/ceph/mon
attributes:
  check_mode: {support: full, description: Reports what would change.}
  diff_mode: {support: full, description: Shows whether there is a store.}
author: [Cairn (@cairn)]
"""

EXAMPLES = r"""
- name: The monitor has its store
  cairn.cloud.ceph_monitor:
    name: one
    keyring: "{{ users | cairn.cloud.ceph_keyring }}"
"""

RETURN = r""" # """

import os
import shutil
import tempfile

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cairn.cloud.plugins.module_utils.state import converge


def look(place):
    """Whether there is a store. The monitor writes this file when it is whole."""
    return {"store": os.path.exists(os.path.join(place, "kv_backend"))}


def act(module, name, keyring, place):
    unfinished = os.path.join(os.path.dirname(place), f".cairn-{name}")
    shutil.rmtree(unfinished, ignore_errors=True)
    os.mkdir(unfinished, mode=0o750)
    shutil.chown(unfinished, "ceph", "ceph")
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", prefix="cairn-") as file:
        file.write(keyring)
        file.flush()
        shutil.chown(file.name, "ceph", "ceph")
        module.run_command(
            ["ceph-mon", "--mkfs", "--setuser", "ceph", "--setgroup", "ceph", "--id", name,
             "--mon-data", unfinished, "--keyring", file.name],
            check_rc=True,
        )
    # An empty one comes with nothing; one that is not whole is nobody's.
    shutil.rmtree(place, ignore_errors=True)
    os.rename(unfinished, place)


def main():
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "keyring": {"type": "str", "required": True, "no_log": True},
            "directory": {"type": "path", "default": "/var/lib/ceph/mon"},
        },
        supports_check_mode=True,
    )
    name, keyring = module.params["name"], module.params["keyring"]
    place = os.path.join(module.params["directory"], f"ceph-{name}")
    converge(module, look(place), {"store": True}, lambda: act(module, name, keyring, place))


if __name__ == "__main__":
    main()
