"""unpause: the guest goes on."""

from collections.abc import Mapping

from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.compute.doer import Doer, Done


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {"domain_unpaused": Do(self.unpause)}

    def unpause(self, job: Job) -> Done:
        spec = self.spec(job)
        self.driver.unpause(spec)
        return self.say(job, spec, "active")
