"""detach_volume: the guest lets go of it."""

import logging
from collections.abc import Mapping

from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.compute.doer import Doer, Done, device_of
from cairn.nova.errors import HypervisorFailed

log = logging.getLogger(__name__)

# Tries of giving it back, some minutes of them. What an administrator took from the server
# meanwhile has nothing any more that a guest could open.
TRIES = 8


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {"volume_detached": Do(self.detach, self.attach)}

    def detach(self, job: Job) -> Done:
        spec = self.spec(job)
        device = device_of(spec, job.args["device_id"])
        if device is None:
            return None
        return self.unplugged(lambda: self.driver.detach(spec, device), "detaching a volume")

    def attach(self, job: Job) -> None:
        """It stays the server's: the guest has again what it let go of, or half did."""
        spec = self.opened(job)
        device = device_of(spec, job.args["device_id"])
        if device is None:
            return
        try:
            self.driver.attach(spec, device)
        except HypervisorFailed as error:
            if job.attempts < TRIES:
                raise
            log.warning("volume %s is not given back to server %s: %s", device["volume_id"],
                        job.subject, error)
