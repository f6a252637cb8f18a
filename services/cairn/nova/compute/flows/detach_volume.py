"""detach_volume: the guest lets go of it."""

from collections.abc import Mapping

from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.compute.doer import Doer, Done, device_of


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {"volume_detached": Do(self.detach)}

    def detach(self, job: Job) -> Done:
        spec = self.spec(job)
        device = device_of(spec, job.args["device_id"])
        if device is not None:
            self.driver.detach(spec, device)
        return None
