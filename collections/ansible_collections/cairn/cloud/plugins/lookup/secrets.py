# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

DOCUMENTATION = r"""
name: secrets
short_description: The cloud's secrets
version_added: 0.1.0
description:
  - Reads what M(cairn.cloud.secrets) has made, as a dictionary.
  - Empty when nothing was made yet, so that an inventory can be read before the first deployment.
options:
  _terms:
    description: The directory the secrets are kept in.
    required: true
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


class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        return [Vault(term).read() for term in terms]
