"""shelve: after its host, the server is shelved, and what comes next is asked for."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.conductor.doer import Doer, step
from cairn.nova.core import servers, shelves, snapshots
from cairn.nova.drivers.base import SHUTDOWN
from cairn.nova.errors import Withdrawn


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {"server_shelved": step(self.finish)}

    def finish(self, job: Job) -> None:
        """What comes next waits behind this work, which rings for it at its end."""
        image_id = job.args.get("image_id")

        def record(session: Session) -> None:
            row = servers.find_any(session, job.subject)
            if row is None or row.deleted or row.task_state == "deleting":
                raise Withdrawn
            if row.vm_state == "shelved":
                return  # A life before this one did it.
            shelves.record(session, row, image_id, SHUTDOWN)
            if job.args["offload"]:
                shelves.begin_offload(session, job.ctx, row, self.nova.service)

        self.nova.db.write(record)

    def failed(self, job: Job, error: str) -> str | None:
        """No half an image stays, nor a server that is off without a reason."""
        if (other := self.others(job)) is not None:
            return other
        row = self.row_or_none(job)
        if row is not None and row.vm_state == "shelved":
            return None
        if job.args.get("image_id"):
            self.patiently(lambda: snapshots.remove(self.nova, job.ctx, job.args["image_id"]),
                           "removing the image")
        return super().failed(job, error)
