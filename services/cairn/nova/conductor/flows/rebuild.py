"""rebuild: the volume that a server boots from gets another image."""

from collections.abc import Mapping
from functools import partial

from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.conductor.boot_volumes import BootsFromVolumes
from cairn.nova.conductor.doer import step
from cairn.nova.core import block_devices
from cairn.nova.errors import VolumeGone


class Steps(BootsFromVolumes):
    def steps(self) -> Mapping[str, Do]:
        return {"volume_reimaged": step(self.reimage)}

    def reimage(self, job: Job) -> None:
        """Nobody but the server holds the volume meanwhile: a new attachment, that no host has
        connected, before the old one is let go."""
        row, volumes = self.row(job), self.nova.cloud.volumes
        device = block_devices.volume_backed(self._devices(job))
        if device is None:
            raise VolumeGone
        root = self.existing(device.id)
        if root.connection_info is not None:
            self._exchange(job, root.id, str(root.volume_id))
        self.patiently(lambda: volumes.reimage(
            job.ctx, str(root.volume_id), job.args["reimage"], reserved=True), "reimaging a volume")
        self.await_made(job, self.volumes, str(root.volume_id))
        root = self.existing(root.id)
        self.connect(job, root, row.host)
        self.complete(job, root)

    def _exchange(self, job: Job, device_id: str, volume_id: str) -> None:
        volumes = self.nova.cloud.volumes
        made = self.patiently(
            lambda: volumes.create_attachment(job.ctx, volume_id, job.subject),
            "reserving a volume")
        with self.nova.db.writing() as session:
            block_devices.change(session, device_id, attachment_id=made["id"],
                                 connection_info=None, encryption=None)
        others = self.patiently(
            lambda: volumes.list_attachments(job.ctx, job.subject, volume_id), "looking")
        for gone in [other["id"] for other in others if other["id"] != made["id"]]:
            self.patiently(partial(volumes.delete_attachment, job.ctx, gone),
                           "giving a volume back")
