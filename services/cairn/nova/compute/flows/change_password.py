"""changePassword: the guest's agent is asked."""

import logging
from collections.abc import Mapping

from cairn.common.errors import Problem
from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.compute.doer import Doer, Done
from cairn.nova.core import guest_features
from cairn.nova.drivers.base import RUNNING
from cairn.nova.errors import AgentSilent, PasswordNotSet

log = logging.getLogger(__name__)


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {"password_set": Do(self.set_password)}

    def set_password(self, job: Job) -> Done:
        spec = self.spec(job)
        if spec["admin_pass"] is None:
            return None  # A life before this one did it, and it is forgotten already.
        if self.driver.power_state(spec) != RUNNING:
            raise PasswordNotSet(id=job.subject, reason="it is not running")
        try:
            self.driver.set_password(spec, guest_features.administrator(spec["image"]),
                                     spec["admin_pass"])
        except AgentSilent:
            raise
        except Problem as problem:
            # Its own words are the hypervisor's, which was told the password.
            log.warning("server %s: its password was not set: %s", job.subject,
                        type(problem).__name__)
            raise PasswordNotSet(id=job.subject, reason="the guest refused it") from None
        return None
