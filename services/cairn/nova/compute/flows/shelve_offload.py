"""shelveOffload: nothing of the server is left on the host."""

from collections.abc import Mapping

from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.compute.doer import Doer


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {"domain_destroyed": Do(self.destroy)}

    def destroy(self, job: Job) -> None:
        self.driver.destroy(self.spec(job))
