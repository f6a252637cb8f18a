"""swap_volume: the guest goes on with a copy."""

from collections.abc import Mapping

from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.compute.doer import Doer, Done, device_of
from cairn.nova.errors import VolumeGone


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {"volume_copied": Do(self.copy, self.end)}

    def copy(self, job: Job) -> Done:
        spec = self.opened(job)
        old = device_of(spec, job.args["device_id"])
        new = device_of(spec, job.args["new_device_id"])
        if old is None or new is None:
            raise VolumeGone
        self.driver.swap(spec, old, new)
        return None

    def end(self, job: Job) -> None:
        """One that was over already stays: the guest uses the new volume, and the old one cannot
        be told apart from it."""
        spec = self.spec(job)
        old = device_of(spec, job.args["device_id"])
        new = device_of(spec, job.args["new_device_id"])
        if old is not None and new is not None:
            self.driver.unswap(spec, old, new)
