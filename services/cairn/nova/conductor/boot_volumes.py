"""Volumes that a server is asked for with: made, reserved and connected before its host begins."""

import time
from contextlib import suppress
from typing import Any

from sqlalchemy import Row

from cairn.common.api import Document
from cairn.common.errors import Problem, Unavailable
from cairn.common.work import Job, check
from cairn.nova.conductor.volumes import HasVolumes
from cairn.nova.core import block_devices
from cairn.nova.core.block_devices import PLANNED
from cairn.nova.errors import VolumeNotMade
from cairn.nova.neighbours.volume import MARK

# What a volume is until it is there, or will never be.
UNDER_WAY = ("creating", "downloading", "restoring-backup")


class BootsFromVolumes(HasVolumes):
    def create_volumes(self, job: Job) -> dict[str, Any] | None:
        row = self.row(job)
        devices = [d for d in self._devices(job) if d.state == PLANNED]
        asked_again = [device.id for device in devices
                       if device.volume_id is None and self._make(job, row, device)]
        for device in self._devices(job):
            if device.state == PLANNED:
                self._await(job, str(device.volume_id))
                self._reserve(job, device)
                if device.id in asked_again:
                    self._remove_twins(job, row, device)
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
        """What was made is deleted, also what nobody wrote down."""
        self.detach_volumes(job)
        row = self.row_or_none(job)
        for device in self._devices(job):
            if device.source_type == "volume" or row is None:
                continue
            for volume in self._marked(job, row, device):
                self._settled(job, volume)
                self.remove_volume(job, volume["id"])
            with self.nova.db.writing() as session:
                block_devices.change(session, device.id, volume_id=None)

    def _devices(self, job: Job) -> list[Row[Any]]:
        with self.nova.db.reading() as session:
            return block_devices.volumes_of(session, job.subject)

    def _make(self, job: Job, row: Row[Any], device: Row[Any]) -> bool:
        """One, once: what a life before this one made is found by its mark. Whether it was asked
        for more than once."""
        asked: Document = {
            "name": "", "size": device.volume_size, "metadata": {MARK: device.id},
            "volume_type": device.volume_type, "imageRef": device.image_id,
            "snapshot_id": device.snapshot_id,
            "availability_zone": None if self.nova.api.cross_az_attach else row.zone,
        }
        asked = {key: value for key, value in asked.items() if value is not None}
        volumes = self.nova.cloud.volumes
        tries = job.attempts

        def do() -> Document:
            nonlocal tries
            tries += 1
            there = self._marked(job, row, device) if tries > 2 else []
            return there[0] if there else volumes.create(job.ctx, row.project_id, asked)

        made = self.patiently(do, "making a volume")
        with self.nova.db.writing() as session:
            block_devices.change(session, device.id, volume_id=made["id"],
                                 volume_size=made["size"])
        return tries > 2

    def _remove_twins(self, job: Job, row: Row[Any], device: Row[Any]) -> None:
        """A question that nobody answered may have been carried out after the look at what there
        was, and before it was asked again: then there is a volume too many."""
        for volume in self._marked(job, row, device):
            if volume["id"] != device.volume_id:
                with suppress(VolumeNotMade):  # It can be deleted then, too.
                    self._await(job, volume["id"])
                self.remove_volume(job, volume["id"])

    def _marked(self, job: Job, row: Row[Any], device: Row[Any]) -> list[Document]:
        return self.patiently(lambda: self.nova.cloud.volumes.list_marked(
            job.ctx, row.project_id, device.id), "looking for volumes")

    def _await(self, job: Job, volume_id: str) -> None:
        """Until it is there. Raises VolumeNotMade, Cancelled."""
        end = time.monotonic() + self.settings.volume_timeout
        wait = 0.1
        while True:
            check()
            volume = self.patiently(lambda: self.nova.cloud.volumes.show(job.ctx, volume_id),
                                    "looking at a volume")
            if volume["status"] not in UNDER_WAY:
                break
            if time.monotonic() > end:
                raise VolumeNotMade(id=volume_id, status=volume["status"])
            self.nova.pause(wait)
            wait = min(wait * 1.5, 2.0)
        if volume["status"].startswith("error"):
            raise VolumeNotMade(id=volume_id, status=volume["status"])

    def _reserve(self, job: Job, device: Row[Any]) -> None:
        """Once, as above."""
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

    def _settled(self, job: Job, volume: Document) -> None:
        """Raises Unavailable while it is being made: so it cannot be deleted yet."""
        try:
            now = self.patiently(lambda: self.nova.cloud.volumes.show(job.ctx, volume["id"]),
                                 "looking at a volume")
        except Problem as problem:
            if problem.code != 404:
                raise
            return
        if now["status"] in UNDER_WAY:
            raise Unavailable(reason=f"Volume {volume['id']} is {now['status']}.")
