"""createImage: the disk is frozen, sent to Glance, forgotten here."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cairn.common.bounds import below, uuid_of
from cairn.common.errors import Problem
from cairn.common.flows import Do
from cairn.common.work import Job, check
from cairn.nova.compute.doer import Doer
from cairn.nova.errors import ImageBroken
from cairn.nova.rpc import Spec

# Glance calls an upload dead that was silent for a minute: then it takes another.
PATIENCE = 120.0


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

    def upload(self, job: Job) -> dict[str, Any] | None:
        """Raises what Glance refuses with. One that an earlier life of this process began is
        waited for."""
        self._now(job, "image_uploading")
        end = time.monotonic() + PATIENCE
        while True:
            check()
            try:
                self.transfers.upload(job.ctx, job.subject, self._path(job))
                return None
            except Problem as problem:
                if problem.code != 409:
                    raise
            status = self.transfers.status(job.ctx, job.subject)
            if status == "active":
                return None
            if status != "saving" or time.monotonic() > end:
                raise ImageBroken(id=job.args["image_id"],
                                  reason=f"it is {status}, and cannot be filled")
            self.sleep(5)

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
