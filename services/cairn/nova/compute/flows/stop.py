"""stop: the guest is asked to power off, then the plug is pulled."""

from collections.abc import Mapping

from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.compute.doer import Doer, Done


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {"domain_stopped": Do(self.stop)}

    def stop(self, job: Job) -> Done:
        spec = self.spec(job)
        self.driver.stop(spec, timeout=float(job.args.get("timeout", self.patience(spec))))
        return self.say(job, spec, "stopped")
