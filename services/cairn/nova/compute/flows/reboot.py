"""reboot: off and on again."""

from collections.abc import Mapping

from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.compute.doer import Doer, Done


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {"domain_rebooted": Do(self.reboot)}

    def reboot(self, job: Job) -> Done:
        spec = self.spec(job)
        self.driver.reboot(spec, hard=bool(job.args.get("hard")))
        return self.say(job, spec, "active")
