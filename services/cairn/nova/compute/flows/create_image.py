"""createImage: the disk is frozen, sent to Glance, forgotten here."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cairn.common.bounds import below, uuid_of
from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.compute.doer import Doer
from cairn.nova.core.filling import fill
from cairn.nova.rpc import Spec


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {
            "snapshot_taken": Do(self.take, self.forget),
            "snapshot_uploaded": Do(self.upload),
            "snapshot_removed": Do(self.end),
        }

    def _path(self, job: Job) -> Path:
        return below(Path(self.settings.folder), uuid_of(job.subject, "server"),
                     f"snapshot-{uuid_of(job.id, 'work')}")

    def take(self, job: Job) -> dict[str, Any]:
        spec = self._now(job, "image_snapshot")
        self.driver.snapshot(spec, self._path(job))
        return {"bytes": self._path(job).stat().st_size}

    def upload(self, job: Job) -> None:
        self._now(job, "image_uploading")
        fill(job.args["image_id"],
             lambda: self.transfers.upload(job.ctx, job.subject, self._path(job)),
             lambda: self.transfers.status(job.ctx, job.subject), self.sleep)

    def end(self, job: Job) -> None:
        self.forget(job)
        self._now(job, None)

    def forget(self, job: Job) -> None:
        self._path(job).unlink(missing_ok=True)

    def _now(self, job: Job, task_state: str | None) -> Spec:
        """Say what is being done to the server; the server."""
        spec = self.spec(job)
        self.conductor.server_changed(job.ctx, server_id=job.subject, task_state=task_state,
                                      power_state=self.driver.power_state(spec))
        return spec
