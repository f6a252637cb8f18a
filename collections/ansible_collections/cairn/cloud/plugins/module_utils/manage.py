# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""cairn-manage, run as the services' own user."""

from __future__ import annotations

import os


def command(release, *words):
    return ["runuser", "-u", "cairn", "--", os.path.join(release, "bin", "cairn-manage"), *words]


def manage(module, release, *words, data=None):
    """What it prints. On failure the module ends with the last thing it said."""
    rc, out, err = module.run_command(command(release, *words), data=data, cwd="/")
    if rc != 0:
        said = [line for line in err.splitlines() if line.strip()]
        module.fail_json(
            msg=f"cairn-manage {' '.join(words)}: {said[-1] if said else f'ended with {rc}'}",
            rc=rc, stdout=out, stderr=err,
        )
    return out
