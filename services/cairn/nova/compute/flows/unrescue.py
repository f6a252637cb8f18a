"""unrescue: off, and on again from its own disk."""

from collections.abc import Mapping

from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.compute.doer import Done
from cairn.nova.compute.power import PowersOn


class Steps(PowersOn):
    def steps(self) -> Mapping[str, Do]:
        return {"domain_unrescued": Do(self.end), "domain_started": Do(self.start)}

    def end(self, job: Job) -> Done:
        spec = self.spec(job)
        self.driver.stop(spec, timeout=self.patience(spec))
        self.driver.unrescue(spec)
        # What it is if it does not start.
        self.conductor.server_changed(job.ctx, server_id=job.subject, task_state=spec["task_state"],
                                      power_state=self.driver.power_state(spec),
                                      vm_state="stopped")
        return None

    def start(self, job: Job) -> Done:
        return self.power_on(job, lambda driver, spec: driver.start(spec))
