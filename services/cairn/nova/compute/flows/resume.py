"""resume: the guest's memory is read, and it goes on."""

from collections.abc import Mapping

from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.compute.doer import Done
from cairn.nova.compute.power import PowersOn


class Steps(PowersOn):
    def steps(self) -> Mapping[str, Do]:
        return {"ports_plugged": Do(self.plug), "domain_resumed": Do(self.resume)}

    def resume(self, job: Job) -> Done:
        return self.power_on(job, lambda driver, spec: driver.resume(spec))
