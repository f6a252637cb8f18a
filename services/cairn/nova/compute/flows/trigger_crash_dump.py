"""trigger_crash_dump: the guest gets an interrupt that it cannot mask."""

from collections.abc import Mapping

from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.compute.doer import Doer, Done


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {"interrupt_sent": Do(self.interrupt)}

    def interrupt(self, job: Job) -> Done:
        self.driver.interrupt(self.spec(job))
        return None
