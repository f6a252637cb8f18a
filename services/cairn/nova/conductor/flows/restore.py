"""restore: after its host, the server is what it was."""

from collections.abc import Mapping

from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.conductor.doer import Doer, step
from cairn.nova.core import soft_deletes
from cairn.nova.drivers.base import RUNNING, SHUTDOWN


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {"server_restored": step(self.finish)}

    def finish(self, job: Job) -> None:
        power_state = RUNNING if job.args["starts"] else SHUTDOWN
        self.nova.db.write(lambda session: soft_deletes.finish_restore(
            session, job.subject, job.args["state"], power_state))
