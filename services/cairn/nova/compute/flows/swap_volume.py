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
        if old is not None and new is None and old["volume_id"] == job.args["new_volume_id"]:
            return None  # A life before this one recorded it.
        if old is None or new is None:
            raise VolumeGone
        self.driver.swap(spec, old, new)
        self._record(job)
        return None

    def _record(self, job: Job) -> None:
        """Nothing takes the old volume back from here on."""
        self.conductor.volume_swapped(
            job.ctx, server_id=job.subject, device_id=job.args["device_id"],
            new_device_id=job.args["new_device_id"])

    def end(self, job: Job) -> None:
        """One that was over already stays: the guest writes to the new volume."""
        spec = self.spec(job)
        old = device_of(spec, job.args["device_id"])
        new = device_of(spec, job.args["new_device_id"])
        if old is not None and new is not None:
            if self.driver.unswap(spec, old, new):
                self._record(job)
