"""createImage: of a server on volumes, snapshots in Cinder and an image that names them. Here ends
one that failed, of any server."""

import json
from collections.abc import Mapping
from typing import Any

from cairn.common.api import Document
from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.conductor.doer import step
from cairn.nova.conductor.made import MakesOnce, Making
from cairn.nova.core import block_devices, servers, snapshots
from cairn.nova.core.filling import fill
from cairn.nova.neighbours.volume import MARK


class Steps(MakesOnce):
    def steps(self) -> Mapping[str, Do]:
        return {
            "volumes_snapshotted": step(self.take, self.take_back),
            "image_described": step(self.describe),
        }

    def take(self, job: Job) -> dict[str, Any]:
        """All are asked for before one is waited for."""
        project_id = self.row(job).project_id
        makings = {device_id: self._making(job, device_id, project_id)
                   for device_id in job.args["volumes"]}
        made = {device_id: self.make(job, making) for device_id, making in makings.items()}
        for device_id, (snapshot, asked_again) in made.items():
            self.await_made(job, self.snapshots, snapshot["id"])
            if asked_again:
                self.remove_twins(job, makings[device_id], snapshot["id"])
        return {"snapshots": {device_id: snapshot["id"]
                              for device_id, (snapshot, _) in made.items()}}

    def take_back(self, job: Job) -> None:
        """Also what nobody wrote down. They are gone when this ends: the server's deletion, which
        may come next, could not delete the volumes of snapshots that are there."""
        for device_id in job.args["volumes"]:
            self.remove_all(job, self._making(job, device_id, ""), wait=True)

    def describe(self, job: Job) -> None:
        images, image_id = self.nova.cloud.images, job.args["image_id"]
        with self.nova.db.reading() as session:
            devices = block_devices.of(session, job.subject)
        mapping = snapshots.describe(devices, job.results["volumes_snapshotted"]["snapshots"])
        self.patiently(lambda: images.update(
            job.ctx, image_id, {"block_device_mapping": json.dumps(mapping)}),
            "describing the image")
        fill(image_id,
             lambda: self.patiently(lambda: images.fill_with_nothing(job.ctx, image_id),
                                    "filling the image"),
             lambda: self.patiently(lambda: str(images.show(job.ctx, image_id)["status"]),
                                    "looking at the image"), self.nova.pause)
        with self.nova.db.writing() as session:
            servers.change(session, job.subject, task_state=None)

    def failed(self, job: Job, error: str) -> str | None:
        """No half an image stays."""
        self.patiently(lambda: snapshots.remove(self.nova, job.ctx, job.args["image_id"]),
                       "removing the image")
        return super().failed(job, error)

    def _making(self, job: Job, device_id: str, project_id: str) -> Making:
        volumes, volume_id = self.nova.cloud.volumes, job.args["volumes"][device_id]
        mark = f"{job.id}/{device_id}"
        asked: Document = {
            "volume_id": volume_id, "force": True, "metadata": {MARK: mark},
            "name": f"snapshot for {job.args['name']}"[:255]}
        return Making(
            self.snapshots, lambda: volumes.create_snapshot(job.ctx, project_id, asked),
            lambda: volumes.list_marked_snapshots(job.ctx, volume_id, mark))
