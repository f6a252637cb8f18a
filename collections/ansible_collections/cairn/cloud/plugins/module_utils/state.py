# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""The one shape every module here has: look, compare, act if allowed, report."""

from __future__ import annotations


def converge(module, before, after, apply, **facts):
    """Make C(before) into C(after) by C(apply) if they differ, then exit with C(facts)."""
    changed = before != after
    if changed and not module.check_mode:
        apply()
    diff = {"before": before or {}, "after": after or {}}
    module.exit_json(changed=changed, diff=diff, **facts)
