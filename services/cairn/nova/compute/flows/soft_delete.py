"""soft_delete: the guest is asked to power off, then the plug is pulled."""

from collections.abc import Mapping

from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.compute.doer import Doer, Done


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {"domain_stopped": Do(self.stop)}

    def stop(self, job: Job) -> Done:
        spec = self.spec(job)
        patience = self.patience(spec) if spec["vm_state"] == "active" else 0
        self.driver.stop(spec, timeout=patience)
        return {"power_state": self.driver.power_state(spec)}
