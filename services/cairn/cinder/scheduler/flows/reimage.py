"""reimage: recorded with what the image says."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from cairn.cinder.core import records
from cairn.cinder.db.models import Attachment
from cairn.cinder.scheduler.doer import Doer, log, step
from cairn.common.errors import Problem
from cairn.common.flows import Do
from cairn.common.work import Job


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {
            "volume_looked_up": step(self.look_up),
            "volume_recorded": step(self.record),
            "servers_told": step(self.tell),
        }

    def look_up(self, job: Job) -> dict[str, Any]:
        with self.cinder.db.reading() as session:
            return {"volume": records.volume(session, job.subject)}

    def record(self, job: Job) -> None:
        image = job.args["image"]
        status = "available" if job.args["before"] == "error" else None
        self.cinder.db.write(lambda session: self.finish(
            session, job, status, bootable=True, image_meta=image["metadata"],
            image_id=image["id"]))

    def tell(self, job: Job) -> None:
        """Who waits for it, and is not told, looks by itself."""
        with self.cinder.db.reading() as session:
            servers = [server for server in session.scalars(
                select(Attachment.instance_id).where(Attachment.volume_id == job.subject)
                .order_by(Attachment.number)) if server is not None]
        try:
            if servers:
                self.cinder.cloud.compute.tell_reimaged(job.ctx, servers, job.subject)
        except Problem as problem:
            log.warning("servers of volume %s are not told of its image: %s", job.subject, problem)
