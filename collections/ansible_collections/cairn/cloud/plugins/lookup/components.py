# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

DOCUMENTATION = r"""
name: components
short_description: The cloud's components
version_added: 0.1.0
description:
  - A component is a role that publishes C(<role>_processes) in its defaults. Nothing else has to
    name it. They come in the order of the alphabet.
options:
  _terms:
    description: Where roles are, instead of where Ansible looks for them.
author: [Cairn (@cairn)]
"""

EXAMPLES = r"""
- name: Show the components
  ansible.builtin.debug:
    msg: "{{ lookup('cairn.cloud.components') }}"
"""

RETURN = r"""
_raw:
  description: Their names.
  type: list
  elements: list
"""

import re
from pathlib import Path

from ansible import constants
from ansible.plugins.lookup import LookupBase


def components(directories):
    """The names of the roles in there that publish processes. Pure but for reading files."""
    return sorted({
        path.parents[1].name
        for directory in directories
        for path in Path(directory).glob("*/defaults/main.yml")
        if re.search(rf"^{re.escape(path.parents[1].name)}_processes:", path.read_text(), re.M)
    })


class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        return [components(terms or constants.DEFAULT_ROLES_PATH)]
