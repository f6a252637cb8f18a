# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import secrets

from ansible_collections.cairn.cloud.plugins.plugin_utils.control import ControlAction
from ansible_collections.cairn.cloud.plugins.plugin_utils.vault import Vault

LENGTH = 32


def plan(before, names):
    """The names there should be secrets for. What exists stays, even if nobody asks for it now:
    it may be the only copy of a password that a database still has."""
    return sorted({*before, *names})


class ActionModule(ControlAction):
    arguments = {
        "state_dir": {"type": "path", "required": True},
        "names": {"type": "list", "elements": "str", "required": True},
    }

    def work(self, arguments):
        vault = Vault(arguments["state_dir"])
        known = vault.read()
        before, after = sorted(known), plan(known, arguments["names"])

        def act():
            vault.write({name: known.get(name) or secrets.token_urlsafe(LENGTH) for name in after})

        return self.converge(before, after, act)
