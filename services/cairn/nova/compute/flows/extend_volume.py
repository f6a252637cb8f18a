"""extend_volume: the guest is told."""

from collections.abc import Mapping

from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.compute.doer import Doer, Done, device_of


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {"compute_extend_volume": Do(self.extend)}

    def extend(self, job: Job) -> Done:
        spec = self.spec(job)
        device = device_of(spec, job.args["device_id"])
        if device is not None:
            self.driver.resize(spec, device, int(job.args["bytes"]))
        return None
