#!/usr/bin/python
# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

DOCUMENTATION = r"""
module: secrets
short_description: Make the cloud's secrets, once
version_added: 0.1.0
description:
  - Keeps one generated secret per name in a file encrypted with ansible-vault.
  - Runs on the control host, whatever host the task is for.
  - Never changes or removes a secret that exists.
options:
  state_dir:
    description: Where C(secrets.yml) and C(vault-password) are kept, readable by their owner only.
    type: path
    required: true
  names:
    description: Names of the secrets the cloud needs.
    type: list
    elements: str
    required: true
attributes:
  check_mode: {support: full, description: Reports which secrets would be made.}
  diff_mode: {support: full, description: Shows the names before and after. No value is shown.}
author: [Cairn (@cairn)]
"""

EXAMPLES = r"""
- name: Have a secret for every account of the cloud
  cairn.cloud.secrets:
    state_dir: /var/lib/cairn-deploy/cairn
    names: [admin_password, nova_database_password]
"""

RETURN = r""" # """
