"""reboot: off and on again."""

from collections.abc import Mapping

from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.compute.doer import Done
from cairn.nova.compute.power import PowersOn


class Steps(PowersOn):
    def steps(self) -> Mapping[str, Do]:
        return {"domain_rebooted": Do(self.reboot)}

    def reboot(self, job: Job) -> Done:
        return self.power_on(job, lambda driver, spec: driver.reboot(
            spec, timeout=0 if job.args.get("hard") else self.patience(spec)))
