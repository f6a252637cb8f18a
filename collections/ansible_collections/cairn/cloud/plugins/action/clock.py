# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import time

from ansible.plugins.action import ActionBase


def ahead(before, there, after):
    """By how many seconds a clock that said `there`, somewhen between two looks at ours, is ahead
    of ours (below 0: behind) at least."""
    if there > after:
        return there - after
    return min(0.0, there - before)


def problems(seconds, most):
    """What is wrong with a host's clock, in a sentence."""
    if abs(seconds) <= most:
        return []
    side = "ahead of" if seconds > 0 else "behind"
    return [f"its clock is {abs(seconds):.0f} s {side} the control host's, and {most:g} s are"
            " borne; see that both keep the time (timedatectl, systemctl status systemd-timesyncd)"]


class ActionModule(ActionBase):
    # It asks the host in the shell, and changes nothing.
    _supports_check_mode = True

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        _spec, arguments = self.validate_argument_spec(
            {"most": {"type": "float", "default": 5.0}, "fails": {"type": "bool", "default": True}}
        )
        before = time.time()
        answer = self._low_level_execute_command("date +%s.%N")
        after = time.time()
        try:
            found = ahead(before, float(answer["stdout"].strip()), after)
            wrong = problems(found, arguments["most"])
        except ValueError:
            found, wrong = 0.0, ["its clock could not be read; see what 'date' says on it"]
        result.update(changed=False, ahead=found, problems=wrong)
        if wrong and arguments["fails"]:
            result.update(failed=True, msg=f"{(task_vars or {}).get('inventory_hostname')}: "
                          + "; ".join(wrong) + ".")
        return result
