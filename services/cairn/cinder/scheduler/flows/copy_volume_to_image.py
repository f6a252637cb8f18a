"""copy_volume_to_image: the volume is free again; an image that came to nothing is gone."""

from collections.abc import Mapping
from typing import Any

from cairn.cinder.core import records
from cairn.cinder.scheduler.doer import Doer, step
from cairn.common.errors import Problem
from cairn.common.flows import Do
from cairn.common.work import Job


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {
            "volume_looked_up": step(self.look_up, self.delete_image),
            "volume_recorded": step(self.record),
        }

    def look_up(self, job: Job) -> dict[str, Any]:
        with self.cinder.db.reading() as session:
            return {"volume": records.volume(session, job.subject)}

    def record(self, job: Job) -> None:
        self.cinder.db.write(lambda session: self.finish(session, job))

    def delete_image(self, job: Job) -> None:
        try:
            self.cinder.cloud.images.delete(job.ctx, job.args["image"]["id"])
        except Problem as problem:
            if problem.code not in (403, 404):
                raise
