"""copy_volume_to_image: the bytes are converted and sent."""

import time
from collections.abc import Mapping
from pathlib import Path

from cairn.cinder.drivers.base import room
from cairn.cinder.volume.backends import thing
from cairn.cinder.volume.doer import Doer, Done
from cairn.common.errors import Problem, Unavailable
from cairn.common.flows import Do
from cairn.common.work import Job, check

# Glance calls an upload dead that was silent for a minute: then it takes another.
PATIENCE = 120.0


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {"image_filled": Do(self.fill)}

    def fill(self, job: Job) -> Done:
        record = job.results["volume_looked_up"]["volume"]
        with self.scratch(job) as path:
            with self.driver(record["host"]).opened(thing(record)) as disk:
                # Of an encrypted one its container, header and all.
                self.written(job, disk, path, job.args["image"]["disk_format"],
                             room(thing(record)))
            self._send(job, path)
        return None

    def _send(self, job: Job, path: Path) -> None:
        """Raises what Glance refuses with. One that an earlier life of this process began is
        waited for."""
        end = time.monotonic() + PATIENCE
        while True:
            check()
            try:
                self.transfers.upload(job.ctx, job.id, path)
                return
            except Problem as problem:
                if problem.code != 409:
                    raise
            status = self.transfers.status(job.ctx, job.id)
            if status == "active":
                return
            if status != "saving" or time.monotonic() > end:
                raise Unavailable(reason=f"The image is {status}, and cannot be filled.")
            time.sleep(5)
