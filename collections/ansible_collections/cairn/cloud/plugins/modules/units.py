#!/usr/bin/python
# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

DOCUMENTATION = r"""
module: units
short_description: Run systemd services, each with what it reads now
version_added: 0.1.0
description:
  - Writes the unit files, enables and starts the units, all at once, and waits until they are up.
  - Restarts a unit that was started before something it reads was last changed. What was changed
    by a run that was killed is noticed too, which a handler would forget.
options:
  units:
    description: The units.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name with suffix.
        type: str
        required: true
      state:
        description: Whether it runs and starts at boot, or does not exist.
        type: str
        choices: [started, absent]
        default: started
      content:
        description: The unit file.
        type: str
        default: ""
      reads:
        description: Files and directories, with what is in them, that it reads when it starts.
        type: list
        elements: path
        default: []
  directory:
    description: Where unit files are.
    type: path
    default: /etc/systemd/system
attributes:
  check_mode: {support: full, description: Reports what would be started and restarted.}
  diff_mode: {support: full, description: Shows unit files before and after.}
author: [Cairn (@cairn)]
"""

EXAMPLES = r"""
- name: Run the APIs
  cairn.cloud.units:
    units:
      - name: cairn-api.service
        content: "{{ lookup('ansible.builtin.template', 'cairn-api.service.j2') }}"
        reads: [/etc/cairn/api, /opt/cairn/current]
"""

RETURN = r"""
restarted:
  description: Units that were started or restarted.
  type: list
  elements: str
  returned: always
"""

import os
import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cairn.cloud.plugins.module_utils.age import newest
from ansible_collections.cairn.cloud.plugins.module_utils.state import converge

PROPERTIES = ("ActiveState", "UnitFileState", "NeedDaemonReload", "InactiveExitTimestampMonotonic")


def look(module, unit, path):
    """How a unit is: its file, whether it is enabled, and whether it runs what is on disk."""
    content = None
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            content = file.read()
    shown = module.run_command(
        ["systemctl", "show", "--property", ",".join(PROPERTIES), unit["name"]], check_rc=True
    )[1]
    facts = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
    running = facts["ActiveState"] == "active"
    started = time.time() - time.monotonic() + int(facts["InactiveExitTimestampMonotonic"]) / 1e6
    return {
        "content": content,
        "enabled": facts["UnitFileState"] == "enabled",
        "running": running,
        "current": running
        and facts["NeedDaemonReload"] == "no"
        and newest(unit["reads"], started) <= started,
    }


def plan(unit):
    """How a unit should be. Pure."""
    started = unit["state"] == "started"
    content = unit["content"] if started else None
    return {"content": content, "enabled": started, "running": started, "current": started}


def steps(before, after):
    """The commands of systemctl that take the units there, with the units of each. Pure."""
    changed = {name for name in after if before[name] != after[name]}
    gone = sorted(name for name in changed if not after[name]["running"])
    kept = changed.difference(gone)
    rewritten = {name for name in kept if before[name]["content"] != after[name]["content"]}
    stale = {name for name in kept if not before[name]["current"]}
    return {
        "stop": gone,
        "disable": [name for name in gone if before[name]["enabled"]],
        "write": sorted(rewritten | set(gone)),
        "enable": sorted(name for name in kept if not before[name]["enabled"]),
        "restart": sorted(rewritten | stale),
    }


def act(module, before, after, directory):
    todo = steps(before, after)
    for verb in ("stop", "disable"):
        if todo[verb]:
            module.run_command(["systemctl", verb, *todo[verb]], check_rc=True)
    for name in todo["write"]:
        path = os.path.join(directory, name)
        if after[name]["content"] is None:
            if os.path.exists(path):
                os.unlink(path)
            continue
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(after[name]["content"])
        os.chmod(path + ".new", 0o644)
        os.replace(path + ".new", path)
    if todo["write"] or todo["restart"]:
        module.run_command(["systemctl", "daemon-reload"], check_rc=True)
    if todo["enable"]:
        module.run_command(["systemctl", "--quiet", "enable", *todo["enable"]], check_rc=True)
    if todo["restart"]:
        # It had failed too often: that was before what has been changed now.
        module.run_command(["systemctl", "reset-failed", *todo["restart"]])
        rc, out, err = module.run_command(["systemctl", "restart", *todo["restart"]])
        if rc != 0:
            module.fail_json(
                msg=f"Not every unit came up: {err.strip()}", log=_last_words(module, after)
            )


def _last_words(module, names):
    """What the units that are not up have logged last."""
    log = []
    for name in names:
        if module.run_command(["systemctl", "is-active", "--quiet", name])[0] != 0:
            command = ["journalctl", "--unit", name, "--lines=30", "--no-pager", "--output=cat"]
            log += [f"{name}:", *module.run_command(command)[1].splitlines()]
    return log


def main():
    unit = {
        "name": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["started", "absent"], "default": "started"},
        "content": {"type": "str", "default": ""},
        "reads": {"type": "list", "elements": "path", "default": []},
    }
    module = AnsibleModule(
        argument_spec={
            "units": {"type": "list", "elements": "dict", "required": True, "options": unit},
            "directory": {"type": "path", "default": "/etc/systemd/system"},
        },
        supports_check_mode=True,
    )
    directory, units = module.params["directory"], module.params["units"]
    before = {u["name"]: look(module, u, os.path.join(directory, u["name"])) for u in units}
    after = {u["name"]: plan(u) for u in units}
    converge(
        module, before, after, lambda: act(module, before, after, directory),
        restarted=steps(before, after)["restart"],
    )


if __name__ == "__main__":
    main()
