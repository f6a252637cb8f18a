"""restore: the domain is powered on."""

from collections.abc import Mapping

from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.compute.doer import Doer, Done


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {"ports_plugged": Do(self.await_ports), "domain_started": Do(self.start)}

    def start(self, job: Job) -> Done:
        spec = self.opened(job)
        self.driver.start(spec)
        return {"power_state": self.driver.power_state(spec)}
