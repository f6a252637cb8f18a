"""attach_volume: before and after its host, Cinder."""

from collections.abc import Mapping

from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.conductor.doer import step
from cairn.nova.conductor.volumes import HasVolumes
from cairn.nova.core import block_devices
from cairn.nova.errors import NotOnAHost


class Steps(HasVolumes):
    def steps(self) -> Mapping[str, Do]:
        return {
            "volume_connected": step(self.do_connect, self.undo_connect),
            "attachment_completed": step(self.do_complete),
        }

    def do_connect(self, job: Job) -> None:
        row = self.row(job)
        if job.args.get("offloaded"):
            return  # Reserved it is already; a host is chosen later.
        if row.host is None:
            raise NotOnAHost(id=row.id)
        self.connect(job, self.existing(job.args["device_id"]), row.host)

    def do_complete(self, job: Job) -> None:
        if job.args.get("offloaded"):
            with self.nova.db.writing() as session:
                block_devices.change(session, job.args["device_id"],
                                     state=block_devices.ATTACHED)
            return
        self.complete(job, self.existing(job.args["device_id"]))

    def undo_connect(self, job: Job) -> None:
        """Not before the guest let go of it: see `failed`."""
        if self.others(job) is None:
            self._release(job)

    def failed(self, job: Job, error: str) -> str | None:
        """The volume is available again, and the server as it was."""
        if (other := self.others(job)) is not None:
            return other
        self._release(job)
        return None

    def _release(self, job: Job) -> None:
        device = self.device(job.args["device_id"])
        if device is None:
            return
        self.give_back(job, device)
        with self.nova.db.writing() as session:
            block_devices.remove(session, [device.id])
