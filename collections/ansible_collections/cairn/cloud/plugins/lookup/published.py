# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

DOCUMENTATION = r"""
name: published
short_description: What roles publish for others, by role
version_added: 0.1.0
description:
  - Reads C(<role>_<what>) of each role, from the inventory or else from the role's own defaults,
    whether or not the role is in the play. A role that publishes nothing of the kind is left out.
  - What is published is plain data. Expressions in a role's defaults are not evaluated.
options:
  _terms:
    description: What is asked for, as in V(packages).
    required: true
  roles:
    description: The roles.
    type: list
    elements: str
    required: true
  directories:
    description: Where roles are, instead of where Ansible looks for them.
    type: list
    elements: path
author: [Cairn (@cairn)]
"""

EXAMPLES = r"""
- name: Show which processes there are
  ansible.builtin.debug:
    msg: "{{ lookup('cairn.cloud.published', 'processes', roles=['nova', 'neutron']) }}"
"""

RETURN = r"""
_raw:
  description: What each role publishes, by role.
  type: list
  elements: dict
"""

from functools import lru_cache
from pathlib import Path

import yaml
from ansible import constants
from ansible.plugins.lookup import LookupBase


def defaults(directories, role):
    """The default variables of a role, which is in the first directory that has it."""
    for directory in directories:
        path = Path(directory, role, "defaults", "main.yml")
        if path.exists():
            return parsed(path, path.stat().st_mtime_ns)
    return {}


@lru_cache(maxsize=128)
def parsed(path, written):
    """What the file says that was written then: variables made of this lookup are evaluated
    wherever they are used."""
    return yaml.safe_load(path.read_text()) or {}


class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        self.set_options(var_options=variables, direct=kwargs)
        directories = self.get_option("directories") or constants.DEFAULT_ROLES_PATH
        found = []
        for what in terms:
            published = {}
            for role in self.get_option("roles"):
                name = f"{role}_{what}"
                known = variables if name in variables else defaults(directories, role)
                if name in known:
                    published[role] = self._templar.template(known[name])
            found.append(published)
        return found
