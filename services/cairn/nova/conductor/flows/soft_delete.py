"""soft_delete: after its host, the server is kept for a while."""

from collections.abc import Mapping

from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.conductor.doer import Doer, step
from cairn.nova.core import soft_deletes
from cairn.nova.drivers.base import SHUTDOWN


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {"server_soft_deleted": step(self.finish)}

    def finish(self, job: Job) -> None:
        self.nova.db.write(lambda session: soft_deletes.finish(session, job.subject, SHUTDOWN))

    def failed(self, job: Job, error: str) -> str | None:
        self.nova.db.write(lambda session: soft_deletes.give_up(session, job.subject, error))
        return None
