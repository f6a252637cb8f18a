# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

DOCUMENTATION = r"""
name: secrets
short_description: The cloud's secrets
version_added: 0.1.0
description:
  - Reads what M(cairn.cloud.secrets) has made, as a dictionary.
  - In check mode a secret that was not made yet is a placeholder, so that a first deployment can be
    looked at before it is done.
options:
  _terms:
    description: The directory the secrets are kept in.
    required: true
  names:
    description: The secrets the cloud needs.
    type: list
    elements: str
    default: []
author: [Cairn (@cairn)]
"""

EXAMPLES = r"""
- name: Log in
  vars:
    cloud_secrets: "{{ lookup('cairn.cloud.secrets', cloud_state_dir) }}"
  ansible.builtin.debug:
    msg: "{{ cloud_secrets.keys() }}"
"""

RETURN = r"""
_raw:
  description: Secrets by name.
  type: dict
"""

from ansible.plugins.lookup import LookupBase
from ansible_collections.cairn.cloud.plugins.plugin_utils.vault import Vault

NOT_YET = "(does not exist yet)"


class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        self.set_options(var_options=variables, direct=kwargs)
        missing = {}
        if variables.get("ansible_check_mode"):
            missing = dict.fromkeys(self.get_option("names"), NOT_YET)
        return [{**missing, **Vault(term).read()} for term in terms]
