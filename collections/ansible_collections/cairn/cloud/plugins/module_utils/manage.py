# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""cairn-manage, run as who a component's settings belong to."""

from __future__ import annotations

import os
import pwd


def owner(component, directory="/etc/cairn/api"):
    """Whose the settings of a component are. Of one that has none, cairn-manage will say so."""
    try:
        return pwd.getpwuid(os.stat(f"{directory}/{component}-api.conf").st_uid).pw_name
    except FileNotFoundError:
        return "cairn"


def command(release, component, *words):
    program = os.path.join(release, "bin", "cairn-manage")
    return ["runuser", "-u", owner(component), "--", program, component, *words]


def attempt(module, release, *words, data=None):
    """What it prints, and what there is to say of its failure: None when there was none."""
    rc, out, err = module.run_command(command(release, *words), data=data, cwd="/")
    if rc == 0:
        return out, None
    said = [line for line in err.splitlines() if line.strip()]
    reason = said[-1] if said else f"ended with {rc}"
    message = f"cairn-manage {' '.join(words)}: {reason}"
    return out, {"msg": message, "rc": rc, "stdout": out, "stderr": err}


def manage(module, release, *words, data=None):
    """What it prints. On failure the module ends with the last thing it said."""
    out, failure = attempt(module, release, *words, data=data)
    if failure:
        module.fail_json(**failure)
    return out
