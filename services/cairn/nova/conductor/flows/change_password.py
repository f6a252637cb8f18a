"""changePassword: what the guest was told is forgotten here, and also what it was not told."""

from collections.abc import Mapping

from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.conductor.doer import Doer, step
from cairn.nova.core import servers


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {"password_forgotten": step(self.forget)}

    def forget(self, job: Job) -> None:
        with self.nova.db.writing() as session:
            servers.change(session, job.subject, task_state=None, admin_pass=None)

    def failed(self, job: Job, error: str) -> str | None:
        with self.nova.db.writing() as session:
            servers.record_failure(session, job.subject, error, breaks=False, admin_pass=None)
        return None
