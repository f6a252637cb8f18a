"""Volumes that a server is asked for with: made, reserved and connected before its host begins."""

from typing import Any

from sqlalchemy import Row

from cairn.common.api import Document
from cairn.common.work import Job
from cairn.nova.conductor.made import Making
from cairn.nova.conductor.volumes import HasVolumes
from cairn.nova.core import block_devices
from cairn.nova.core.block_devices import PLANNED
from cairn.nova.neighbours.volume import MARK


class BootsFromVolumes(HasVolumes):
    def create_volumes(self, job: Job) -> dict[str, Any] | None:
        row = self.row(job)
        devices = [d for d in self._devices(job) if d.state == PLANNED]
        asked_again = [device.id for device in devices
                       if device.volume_id is None and self._make(job, row, device)]
        for device in self._devices(job):
            if device.state == PLANNED:
                self.await_made(job, self.volumes, str(device.volume_id))
                self._reserve(job, device)
                if device.id in asked_again:
                    self.remove_twins(job, self._making(job, row, device), str(device.volume_id))
        return {"volumes": [d.volume_id for d in self._devices(job)]} if devices else None

    def attach_volumes(self, job: Job) -> None:
        row = self.row(job)
        for device in self._devices(job):
            if device.state == PLANNED:
                self.connect(job, device, row.host)
                self.complete(job, device)

    def detach_volumes(self, job: Job) -> None:
        """As they were when the server was asked for: one that the user had is available."""
        for device in self._devices(job):
            if device.state == block_devices.RESERVING:
                continue
            self.give_back(job, device)
            with self.nova.db.writing() as session:
                block_devices.change(session, device.id, state=PLANNED, attachment_id=None,
                                     connection_info=None, encryption=None)

    def delete_volumes(self, job: Job) -> None:
        self.detach_volumes(job)
        row = self.row_or_none(job)
        for device in self._devices(job):
            if device.source_type == "volume" or row is None:
                continue
            self.remove_all(job, self._making(job, row, device))
            with self.nova.db.writing() as session:
                block_devices.change(session, device.id, volume_id=None)

    def _devices(self, job: Job) -> list[Row[Any]]:
        with self.nova.db.reading() as session:
            return block_devices.volumes_of(session, job.subject)

    def _make(self, job: Job, row: Row[Any], device: Row[Any]) -> bool:
        """Whether it was asked for more than once."""
        made, asked_again = self.make(job, self._making(job, row, device))
        with self.nova.db.writing() as session:
            block_devices.change(session, device.id, volume_id=made["id"],
                                 volume_size=made["size"])
        return asked_again

    def _making(self, job: Job, row: Row[Any], device: Row[Any]) -> Making:
        asked: Document = {
            "name": "", "size": device.volume_size, "metadata": {MARK: device.id},
            "volume_type": device.volume_type, "imageRef": device.image_id,
            "snapshot_id": device.snapshot_id,
            "availability_zone": None if self.nova.api.cross_az_attach else row.zone,
        }
        asked = {key: value for key, value in asked.items() if value is not None}
        volumes = self.nova.cloud.volumes
        return Making(self.volumes, lambda: volumes.create(job.ctx, row.project_id, asked),
                      lambda: volumes.list_marked(job.ctx, row.project_id, device.id))

    def _reserve(self, job: Job, device: Row[Any]) -> None:
        """Once: what a life before this one made is found."""
        if device.attachment_id is not None:
            return
        volumes = self.nova.cloud.volumes

        def do() -> str:
            there = volumes.list_attachments(job.ctx, job.subject, device.volume_id)
            made = there[0] if there else volumes.create_attachment(
                job.ctx, device.volume_id, job.subject)
            return str(made["id"])

        attachment_id = self.patiently(do, "reserving a volume")
        with self.nova.db.writing() as session:
            block_devices.change(session, device.id, attachment_id=attachment_id)
