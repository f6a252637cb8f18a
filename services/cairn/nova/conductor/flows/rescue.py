"""rescue: one that could not be is as it was."""

from cairn.common.work import Job
from cairn.nova.conductor.doer import Doer
from cairn.nova.core import servers


class Steps(Doer):
    def failed(self, job: Job, error: str) -> None:
        with self.nova.db.writing() as session:
            servers.record_failure(session, job.subject, error, breaks=False,
                                   vm_state=job.args["was"])
