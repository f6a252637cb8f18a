"""attach_volume: the guest gets it."""

from collections.abc import Mapping

from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.compute.doer import Doer, Done, device_of
from cairn.nova.errors import VolumeGone


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {"volume_attached": Do(self.attach, self.detach)}

    def attach(self, job: Job) -> Done:
        spec = self.opened(job)
        device = device_of(spec, job.args["device_id"])
        if device is None:
            raise VolumeGone
        self.driver.attach(spec, device)
        return None

    def detach(self, job: Job) -> None:
        spec = self.spec(job)
        device = device_of(spec, job.args["device_id"])
        if device is not None:
            self.driver.detach(spec, device)
