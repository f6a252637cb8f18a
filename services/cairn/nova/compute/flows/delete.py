"""delete: nothing of the server is left on its host, nor on the one that it left."""

from collections.abc import Mapping

from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.compute.doer import Doer
from cairn.nova.rpc import COMPUTE


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {"domain_destroyed": Do(self.destroy), "kept_disks_removed": Do(self.forget)}

    def here(self, room: str, job: Job) -> bool:
        """What was called off may have taken the server to another host than it was deleted on."""
        if room == COMPUTE:
            return "domain_destroyed" not in job.results and (
                self.spec(job)["host"] in (None, self.host))
        return bool(job.args.get("source") == self.host)

    def destroy(self, job: Job) -> None:
        self.driver.destroy(self.spec(job))

    def forget(self, job: Job) -> None:
        self.driver.forget_aside(self.spec(job))
