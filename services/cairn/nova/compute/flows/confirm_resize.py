"""confirmResize: the disks that were put aside go."""

from collections.abc import Mapping

from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.compute.doer import Done
from cairn.nova.compute.moves import HasTwoHosts


class Steps(HasTwoHosts):
    def steps(self) -> Mapping[str, Do]:
        return {"kept_disks_removed": Do(self.forget)}

    def forget(self, job: Job) -> Done:
        self.driver.forget_aside(self.spec(job))
        return None
