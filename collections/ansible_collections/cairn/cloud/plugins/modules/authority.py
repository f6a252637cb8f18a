#!/usr/bin/python
# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

DOCUMENTATION = r"""
module: authority
short_description: Be the cloud's certificate authority
version_added: 0.1.0
description:
  - Keeps an authority, a certificate per host and the keys that sign tokens, on the control host.
  - Runs on the control host, whatever host the task is for.
  - A certificate is made again when its names change or its end is near.
options:
  state_dir:
    description: Where everything is kept, readable by its owner only.
    type: path
    required: true
  cloud:
    description: Name of the cloud, for the authority's own name.
    type: str
    required: true
  hosts:
    description: Every host, with the names and addresses its certificate is for.
    type: dict
    required: true
  days:
    description: How long a host's certificate is good for.
    type: int
    default: 825
  renew_days:
    description: How long before its end a certificate is made again.
    type: int
    default: 30
  token_generation:
    description:
      - Number of the key that signs tokens now. Raise it by one to change keys; the ones before
        stay good for the tokens they have signed.
    type: int
    default: 1
attributes:
  check_mode: {support: full, description: Reports what would be made.}
  diff_mode: {support: full, description: Shows certified names before and after.}
author: [Cairn (@cairn)]
"""

EXAMPLES = r"""
- name: Have certificates for every host
  cairn.cloud.authority:
    state_dir: /var/lib/cairn-deploy/cairn
    cloud: cairn
    hosts:
      controller: [controller, 172.30.0.11]
"""

RETURN = r""" # """
