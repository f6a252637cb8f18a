"""detach_volume: after its host, Cinder."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row

from cairn.common.errors import Problem
from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.conductor.doer import step
from cairn.nova.conductor.volumes import HasVolumes
from cairn.nova.core import block_devices

# As Cinder says it of an attachment.
DETACHING = "detaching"


class Steps(HasVolumes):
    def steps(self) -> Mapping[str, Do]:
        return {"attachment_deleted": step(self.release)}

    def release(self, job: Job) -> None:
        device = self.device(job.args["device_id"])
        if device is None:
            return
        self.give_back(job, device)
        if device.delete_on_termination and job.args.get("delete"):
            self.remove(job, self.volumes, device.volume_id)
        with self.nova.db.writing() as session:
            block_devices.remove(session, [device.id])

    def failed(self, job: Job, error: str) -> str | None:
        """The server has it still; its actions say why. It has it no more where Cinder gave no
        answer, and went on."""
        device = self.device(job.args["device_id"])
        if device is None:
            return None
        if "volume_detached" in job.results and self._is_gone(job, device):
            with self.nova.db.writing() as session:
                block_devices.remove(session, [device.id])
            return None
        if (other := self.others(job)) is not None:
            return other
        with self.nova.db.writing() as session:
            block_devices.change(session, device.id, frm=[block_devices.DETACHING],
                                 state=block_devices.ATTACHED)
        return None

    def _is_gone(self, job: Job, device: Row[Any]) -> bool:
        """Whether Cinder has no such attachment, or is about to delete it: it tries until it has.
        Of a Cinder that says nothing it is not known."""
        if device.attachment_id is None:
            return False
        try:
            shown = self.patiently(
                lambda: self.nova.cloud.volumes.show_attachment(job.ctx, device.attachment_id),
                "looking at an attachment")
        except Problem as problem:
            return problem.code == 404
        return bool(shown["status"] == DETACHING)
