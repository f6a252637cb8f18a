"""pause: the guest's processors stand still."""

from collections.abc import Mapping

from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.compute.doer import Doer, Done


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {"domain_paused": Do(self.pause)}

    def pause(self, job: Job) -> Done:
        spec = self.spec(job)
        self.driver.pause(spec)
        return self.say(job, spec, "paused")
