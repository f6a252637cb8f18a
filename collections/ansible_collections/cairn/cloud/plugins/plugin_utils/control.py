# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""What an action does that works on the control host itself: in its own Python, with its own
libraries, whatever host the task is for and whatever becomes of the connection to it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from ansible.plugins.action import ActionBase


def keep(path, content, mode=0o600):
    """Put C(content) at C(path), whole or not at all, never readable by more than C(mode) says."""
    path = Path(path)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(name, mode)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


class ControlAction(ActionBase):
    """Look, plan, act, report: the shape of C(module_utils.state), for an action."""

    _requires_connection = False
    _supports_check_mode = True
    arguments = {}

    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        _checked, arguments = self.validate_argument_spec(argument_spec=self.arguments)
        return self.work(arguments)

    def work(self, arguments):
        raise NotImplementedError

    def converge(self, before, after, apply, **facts):
        changed = before != after
        if changed and not self._task.check_mode:
            apply()
        diff = {"before": before or {}, "after": after or {}}
        return {"changed": changed, "diff": diff, **facts}
