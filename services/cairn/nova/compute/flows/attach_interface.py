"""attach_interface: once the network agent made the tap, the guest gets it."""

from collections.abc import Mapping

from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.compute.doer import Doer, Done, vif_of
from cairn.nova.errors import PortGone


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {
            "port_plugged": Do(self.await_port),
            "interface_attached": Do(self.plug, self.unplug),
        }

    def await_port(self, job: Job) -> Done:
        port_id = job.results["port_bound"]["port_id"]
        if not self.await_plug(job, port_id):
            raise PortGone(id=port_id)
        return None

    def plug(self, job: Job) -> Done:
        spec = self.spec(job)
        vif = vif_of(spec, job.results["port_bound"]["port_id"])
        if vif is None:
            raise PortGone(id=job.results["port_bound"]["port_id"])
        self.driver.plug(spec, vif)
        return None

    def unplug(self, job: Job) -> None:
        spec = self.spec(job)
        vif = vif_of(spec, job.results["port_bound"]["port_id"])
        if vif is not None:
            self.driver.unplug(spec, vif)
