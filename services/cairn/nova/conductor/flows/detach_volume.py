"""detach_volume: after its host, Cinder."""

from collections.abc import Mapping

from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.conductor.doer import step
from cairn.nova.conductor.volumes import HasVolumes
from cairn.nova.core import block_devices


class Steps(HasVolumes):
    def steps(self) -> Mapping[str, Do]:
        return {"attachment_deleted": step(self.release)}

    def release(self, job: Job) -> None:
        device = self.device(job.args["device_id"])
        if device is None:
            return
        self.give_back(job, device)
        if device.delete_on_termination and job.args.get("delete"):
            self.remove_volume(job, device.volume_id)
        with self.nova.db.writing() as session:
            block_devices.remove(session, [device.id])

    def failed(self, job: Job, error: str) -> None:
        """The server has it still; its actions say why."""
        with self.nova.db.writing() as session:
            block_devices.change(session, job.args["device_id"], frm=[block_devices.DETACHING],
                                 state=block_devices.ATTACHED)
