"""What it takes to make an image of a server's disk: frozen, sent to Glance, forgotten here."""

from pathlib import Path
from typing import Any

from cairn.common.bounds import below, uuid_of
from cairn.common.work import Job
from cairn.nova.compute.doer import Doer
from cairn.nova.core.filling import fill
from cairn.nova.rpc import Spec


class Snapshots(Doer):
    """The image is the work's `image_id`; a work without one makes none."""

    # What the server's task is meanwhile.
    TAKING, SENDING = "image_snapshot", "image_uploading"

    def _path(self, job: Job) -> Path:
        return below(Path(self.settings.folder), uuid_of(job.subject, "server"),
                     f"snapshot-{uuid_of(job.id, 'work')}")

    def take(self, job: Job) -> dict[str, Any] | None:
        if not job.args.get("image_id"):
            return None
        spec = self.now(job, self.TAKING)
        self.driver.snapshot(spec, self._path(job))
        return {"bytes": self._path(job).stat().st_size}

    def upload(self, job: Job) -> None:
        if not job.args.get("image_id"):
            return
        self.now(job, self.SENDING)
        fill(job.args["image_id"],
             lambda: self.transfers.upload(job.ctx, job.subject, self._path(job)),
             lambda: self.transfers.status(job.ctx, job.subject), self.sleep)

    def forget(self, job: Job) -> None:
        self._path(job).unlink(missing_ok=True)

    def now(self, job: Job, task_state: str | None) -> Spec:
        """Say what is being done to the server; the server."""
        spec = self.spec(job)
        self.conductor.server_changed(job.ctx, server_id=job.subject, task_state=task_state,
                                      power_state=self.driver.power_state(spec))
        return spec
