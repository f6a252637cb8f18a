"""suspend: the guest's memory is written to the disk."""

from collections.abc import Mapping

from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.compute.doer import Doer, Done


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {"domain_suspended": Do(self.suspend)}

    def suspend(self, job: Job) -> Done:
        spec = self.spec(job)
        self.driver.suspend(spec)
        return self.say(job, spec, "suspended")
