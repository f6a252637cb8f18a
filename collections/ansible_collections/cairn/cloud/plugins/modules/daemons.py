#!/usr/bin/python
# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

DOCUMENTATION = r"""
module: daemons
short_description: Run services that Debian packages bring, each with the settings it has now
version_added: 0.1.0
description:
  - Starts, stops and masks units whose files belong to a package, all in one go.
  - Restarts a unit that was started before something it reads was last changed. What was changed
    by a run that was killed is noticed too, which a handler would forget.
  - A socket cannot be started beside its running service, so that service makes way for a moment.
options:
  daemons:
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
        description:
          - V(started) runs and starts at boot; V(stopped) does neither; V(masked) cannot.
          - V(on_demand) starts by its socket or as its package wishes, may have ended since,
            and is only restarted when it runs with old settings.
        type: str
        choices: [started, stopped, masked, on_demand]
        default: started
      reads:
        description: Files, and directories with what is in them, that it reads when it starts.
        type: list
        elements: path
        default: []
      reload:
        description: Whether a reload is enough for it to read them again.
        type: bool
        default: false
      wait:
        description: Whether to wait until it is up.
        type: bool
        default: true
attributes:
  check_mode: {support: full, description: Reports what would be started, stopped and restarted.}
  diff_mode: {support: full, description: Shows how each unit is before and after.}
author: [Cairn (@cairn)]
"""

EXAMPLES = r"""
- name: The web server runs
  cairn.cloud.daemons:
    daemons:
      - {name: nginx.service, reads: [/etc/nginx/nginx.conf], reload: true}
"""

RETURN = r"""
commands:
  description: What systemctl was, or would be, asked to do.
  type: list
  elements: str
  returned: always
"""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cairn.cloud.plugins.module_utils.age import newest
from ansible_collections.cairn.cloud.plugins.module_utils.state import converge

PROPERTIES = [
    "LoadState",
    "ActiveState",
    "UnitFileState",
    "NeedDaemonReload",
    "StateChangeTimestampMonotonic",
    "Triggers",
]


def look(module, daemon):
    """How a unit is now."""
    command = ["systemctl", "show", f"--property={','.join(PROPERTIES)}", daemon["name"]]
    out = module.run_command(command, check_rc=True)[1]
    facts = dict(line.split("=", 1) for line in out.splitlines() if "=" in line)
    running = facts["ActiveState"] in ("active", "activating", "reloading")
    # A reload counts as well as a start: both change the state.
    since = time.time() - time.monotonic() + int(facts["StateChangeTimestampMonotonic"]) / 1e6
    return {
        "known": facts["LoadState"] != "not-found",
        "enabled": facts["UnitFileState"] in ("enabled", "enabled-runtime", "static", "indirect"),
        "masked": facts["LoadState"] == "masked",
        "running": running,
        "current": not running or (
            facts["NeedDaemonReload"] == "no" and newest(daemon["reads"]) <= since
        ),
        "triggers": facts["Triggers"],
    }


def plan(before, daemon):
    """How the unit should be. Pure."""
    state = daemon["state"]
    if state in ("stopped", "masked") and not before["known"]:
        return before
    if state == "on_demand":
        return {**before, "known": True, "masked": False, "current": True}
    started = state == "started"
    return {
        **before,
        "known": True,
        "enabled": started,
        "masked": state == "masked",
        "running": started,
        "current": True,
    }


def steps(daemons, before, after):
    """The commands that take the units there, in order. Pure."""
    todo = []
    differ = [daemon for daemon in daemons if before[daemon["name"]] != after[daemon["name"]]]
    for daemon in differ:
        name, was, wanted = daemon["name"], before[daemon["name"]], after[daemon["name"]]
        if was["masked"] and not wanted["masked"]:
            todo.append(["unmask", name])
        if was["running"] and not wanted["running"]:
            todo.append(["stop", name])
        if was["enabled"] and not wanted["enabled"] and not was["masked"]:
            todo.append(["disable", name])
        if wanted["masked"] and not was["masked"]:
            todo.append(["mask", name])
        if wanted["enabled"] and not was["enabled"]:
            todo.append(["enable", name])
        if not wanted["running"]:
            continue
        if not was["running"] or not was["current"]:
            hurry = [] if daemon["wait"] else ["--no-block"]
            verb = "reload-or-restart" if daemon["reload"] and was["running"] else "restart"
            if name.endswith(".socket") and was["triggers"]:
                todo.append(["stop", was["triggers"]])
            todo.append([verb, *hurry, name])
    return todo


def act(module, todo):
    module.run_command(["systemctl", "daemon-reload"], check_rc=True)
    for verb, *names in todo:
        if verb in ("restart", "reload-or-restart"):
            # It had failed too often: that was before what has been changed now.
            module.run_command(["systemctl", "reset-failed", names[-1]])
        rc, out, err = module.run_command(["systemctl", "--quiet", verb, *names])
        if rc != 0:
            said = last_words(module, f"_SYSTEMD_UNIT={names[-1]}")
            reason = " ".join(said[-3:]) or err.strip() or out.strip()
            module.fail_json(
                msg=f"systemctl {verb} {names[-1]} failed: {reason}",
                log=last_words(module, f"--unit={names[-1]}"),
            )


def last_words(module, whose):
    log = ["journalctl", "--lines=30", "--no-pager", "--output=cat", whose]
    return module.run_command(log)[1].splitlines()


def main():
    daemon = {
        "name": {"type": "str", "required": True},
        "state": {
            "type": "str",
            "choices": ["started", "stopped", "masked", "on_demand"],
            "default": "started",
        },
        "reads": {"type": "list", "elements": "path", "default": []},
        "reload": {"type": "bool", "default": False},
        "wait": {"type": "bool", "default": True},
    }
    module = AnsibleModule(
        argument_spec={
            "daemons": {"type": "list", "elements": "dict", "required": True, "options": daemon}
        },
        supports_check_mode=True,
    )
    daemons = module.params["daemons"]
    before = {daemon["name"]: look(module, daemon) for daemon in daemons}
    after = {daemon["name"]: plan(before[daemon["name"]], daemon) for daemon in daemons}
    todo = steps(daemons, before, after)
    converge(
        module, before, after, lambda: act(module, todo),
        commands=[" ".join(command) for command in todo],
    )


if __name__ == "__main__":
    main()
