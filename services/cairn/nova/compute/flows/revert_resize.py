"""revertResize: the copies go, the disks that were put aside are the server's again."""

from collections.abc import Mapping

from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.compute.doer import Done
from cairn.nova.compute.moves import HasTwoHosts


class Steps(HasTwoHosts):
    def steps(self) -> Mapping[str, Do]:
        return {
            "domain_destroyed": Do(self.destroy),
            "disks_restored": Do(self.restore),
            "ports_plugged": Do(self.await_ports),
            "domain_started": Do(self.start),
        }

    def destroy(self, job: Job) -> Done:
        self.driver.destroy(self.spec(job))
        return None

    def restore(self, job: Job) -> Done:
        self.driver.put_back(self.spec(job))
        return None

    def start(self, job: Job) -> Done:
        return self.power_on(job, self.opened(job))
