# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

DOCUMENTATION = r"""
name: kept
short_description: A file that the control host keeps for the cloud
version_added: 0.1.0
description:
  - Reads a file whole, its last newline included.
  - In check mode a file that is not there yet is a placeholder, so that a first deployment can be
    looked at before it is done.
options:
  _terms:
    description: Paths.
    required: true
author: [Cairn (@cairn)]
"""

EXAMPLES = r"""
- name: Deliver the authority's certificate
  cairn.cloud.files:
    files:
      - path: /etc/cairn/pki/ca.pem
        content: "{{ lookup('cairn.cloud.kept', cloud_state_dir ~ '/ca.pem') }}"
"""

RETURN = r"""
_raw:
  description: Contents.
  type: list
  elements: str
"""

from pathlib import Path

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

NOT_YET = "(does not exist yet)\n"


class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        return [self.read(Path(term), variables) for term in terms]

    def read(self, path, variables):
        if variables.get("ansible_check_mode") and not path.exists():
            return NOT_YET
        try:
            return path.read_text()
        except OSError as error:
            raise AnsibleLookupError(f"{path}: {error.strerror}") from error
