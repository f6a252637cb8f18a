#!/usr/bin/python
# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

DOCUMENTATION = r"""
module: keystone_bootstrap
short_description: Give keystone what a cloud begins with
version_added: 0.1.0
description:
  - Has the admin, the roles, projects and services' users there should be, and the catalog.
  - Works in keystone's database, so keystone need not run.
  - What is there and not named is left as it is.
options:
  document:
    description:
      - Everything that should be, as the JSON that C(cairn-manage keystone bootstrap) reads. It is
        text so that Ansible hides it whole, and not each word of it wherever it appears.
    type: str
    required: true
  release:
    description: Where the release is.
    type: path
    default: /opt/cairn/current
attributes:
  check_mode: {support: full, description: Reports whether anything would change.}
  diff_mode: {support: none, description: It would hold passwords.}
author: [Cairn (@cairn)]
"""

EXAMPLES = r"""
- name: Have an admin and a catalog
  cairn.cloud.keystone_bootstrap:
    document: "{{ what_there_should_be | to_json }}"
"""

RETURN = r""" # """

import json
import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cairn.cloud.plugins.module_utils.manage import manage


def bootstrap(module, *options):
    """Whether it changes, or with --check would change, anything."""
    out = manage(
        module, module.params["release"], "keystone", "bootstrap", "--file", "-", *options,
        data=module.params["document"],
    )
    try:
        return bool(json.loads(out.strip().splitlines()[-1])["changed"])
    except (ValueError, LookupError, TypeError):
        module.fail_json(msg=f"cairn-manage keystone bootstrap printed no result: {out!r}")


def main():
    module = AnsibleModule(
        argument_spec={
            "document": {"type": "str", "required": True, "no_log": True},
            "release": {"type": "path", "default": "/opt/cairn/current"},
        },
        supports_check_mode=True,
    )
    if not module.check_mode:
        module.exit_json(changed=bootstrap(module))
    if not os.path.exists(os.path.join(module.params["release"], "bin", "cairn-manage")):
        module.exit_json(changed=True)  # On a host that is yet to be installed, everything.
    module.exit_json(changed=bootstrap(module, "--check"))


if __name__ == "__main__":
    main()
