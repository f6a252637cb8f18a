#!/usr/bin/python
# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

DOCUMENTATION = r"""
module: clock
short_description: Compare a host's clock with the control host's
version_added: 0.1.0
description:
  - Tokens, leases and certificates are judged by each host's own clock; hosts that differ by
    seconds refuse what is good, or take what has ended.
options:
  most:
    description: Seconds by which the two may differ.
    type: float
    default: 5
  fails:
    description: Whether to fail when they differ by more, or only to tell.
    type: bool
    default: true
attributes:
  check_mode: {support: full, description: It never changes anything.}
  diff_mode: {support: none, description: There is nothing to differ.}
author: [Cairn (@cairn)]
"""

EXAMPLES = r"""
- name: The host's clock is right
  cairn.cloud.clock:
    most: 5
"""

RETURN = r"""
ahead:
  description: By how many seconds at least the host's clock is ahead, below 0 if it is behind.
  type: float
  returned: always
problems:
  description: What is wrong with it.
  type: list
  elements: str
  returned: always
"""
