# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os

from ansible.plugins.action import ActionBase

MODULE = "cairn.cloud.release"


class ActionModule(ActionBase):
    """Asks the host whether it has the release before sending it sixty megabytes."""

    _supports_check_mode = True

    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        archive = arguments.pop("archive", None)
        result = self._execute_module(MODULE, arguments, task_vars=task_vars)
        if self._task.check_mode or not archive or not result.get("wants_archive"):
            return result
        shell = self._connection._shell
        there = shell.join_path(shell.tmpdir or self._make_tmp_path(), os.path.basename(archive))
        arguments["archive"] = self._transfer_file(archive, there)
        return self._execute_module(MODULE, arguments, task_vars=task_vars)
