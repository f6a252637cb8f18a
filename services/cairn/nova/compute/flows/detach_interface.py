"""detach_interface: the guest lets go of it."""

from collections.abc import Mapping

from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.compute.doer import Doer, Done, vif_of


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {"interface_detached": Do(self.unplug)}

    def unplug(self, job: Job) -> Done:
        spec = self.spec(job)
        vif = vif_of(spec, job.args["port_id"])
        if vif is None:
            return None
        return self.unplugged(lambda: self.driver.unplug(spec, vif), "detaching an interface")
