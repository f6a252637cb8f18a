"""start: one that could not be started is off."""

from cairn.common.work import Job
from cairn.nova.conductor.doer import Doer
from cairn.nova.core import servers
from cairn.nova.drivers.base import SHUTDOWN


class Steps(Doer):
    def failed(self, job: Job, error: str) -> None:
        with self.nova.db.writing() as session:
            servers.record_failure(session, job.subject, error, breaks=False, vm_state="stopped",
                                   power_state=SHUTDOWN)
