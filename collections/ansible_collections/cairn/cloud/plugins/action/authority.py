# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import datetime

from ansible_collections.cairn.cloud.plugins.plugin_utils.authority import DAY, Authority
from ansible_collections.cairn.cloud.plugins.plugin_utils.control import ControlAction


def look(authority, hosts, now, renew_before):
    return {
        "authority": authority.exists(),
        "hosts": {host: authority.names(host, now, renew_before) for host in hosts},
        "token_keys": authority.generations(),
    }


def plan(before, hosts, token_generation):
    """Pure: what there should be, given what there is."""
    return {
        "authority": True,
        "hosts": {host: sorted(set(names)) for host, names in hosts.items()},
        "token_keys": sorted({*before["token_keys"], token_generation}),
    }


def act(authority, before, after, now, life):
    if not before["authority"]:
        authority.found(now)
    for host, names in after["hosts"].items():
        if names != before["hosts"][host]:
            authority.certify(host, names, now, life)
    for generation in after["token_keys"]:
        if generation not in before["token_keys"]:
            authority.add_token_key(generation)


class ActionModule(ControlAction):
    arguments = {
        "state_dir": {"type": "path", "required": True},
        "cloud": {"type": "str", "required": True},
        "hosts": {"type": "dict", "required": True},
        "days": {"type": "int", "default": 825},
        "renew_days": {"type": "int", "default": 30},
        "token_generation": {"type": "int", "default": 1, "no_log": False},
    }

    def work(self, arguments):
        authority = Authority(arguments["state_dir"], arguments["cloud"])
        now = datetime.datetime.now(datetime.UTC)
        hosts = arguments["hosts"]
        before = look(authority, hosts, now, arguments["renew_days"] * DAY)
        after = plan(before, hosts, arguments["token_generation"])
        return self.converge(
            before, after, lambda: act(authority, before, after, now, arguments["days"] * DAY)
        )
