"""reboot: off and on again."""

from collections.abc import Mapping

from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.compute.doer import Doer, Done
from cairn.nova.compute.persistence import persistently


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {"domain_rebooted": Do(self.reboot)}

    def reboot(self, job: Job) -> Done:
        if not self.returns(job):
            return self.cycle(job)
        return persistently(job, lambda: self.cycle(job), self.settings.resume_timeout)

    def cycle(self, job: Job) -> Done:
        spec = self.opened(job)
        self.driver.reboot(spec, timeout=0 if job.args.get("hard") else self.patience(spec))
        return self.say(job, spec, "active")
