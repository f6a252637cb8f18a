#!/usr/bin/python
# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

DOCUMENTATION = r"""
module: wheelhouse
short_description: Build a release of a checkout, ready to install offline
version_added: 0.1.0
description:
  - Builds the wheel of a checkout and puts it in one file with every wheel it needs, of the
    versions and hashes that C(requirements/cloud.txt) names, and the C(uv) that installs them.
  - Runs on the control host, whatever host the task is for. Needs C(pip) and C(uv) there.
  - The same code and the same locked dependencies are the same release, and are built once.
options:
  source:
    description: The checkout.
    type: path
    required: true
  state_dir:
    description: Where releases are kept.
    type: path
    required: true
  wait:
    description:
      - Whether to wait until it is built. Otherwise it is begun, and a later task that waits has
        less to wait for.
    type: bool
    default: true
attributes:
  check_mode: {support: full, description: Reports whether a release would be built.}
  diff_mode: {support: full, description: Shows the release's version.}
author: [Cairn (@cairn)]
"""

EXAMPLES = r"""
- name: Have a release of this checkout
  cairn.cloud.wheelhouse:
    source: "{{ playbook_dir }}"
    state_dir: /var/lib/cairn-deploy/cairn
"""

RETURN = r"""
version:
  description: Version of the release, which names its contents.
  type: str
  returned: always
archive:
  description: The file, on the control host.
  type: str
  returned: always
"""
