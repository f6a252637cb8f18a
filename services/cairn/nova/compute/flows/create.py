"""create: an image, ports that are plugged, disks, a domain that runs."""

from collections.abc import Mapping

from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.compute.builds import Builds
from cairn.nova.compute.doer import Done
from cairn.nova.errors import Unsupported


class Steps(Builds):
    def steps(self) -> Mapping[str, Do]:
        return {
            "spec_received": Do(self.receive_spec),
            "image_found": Do(self.find_image),
            "image_cached": Do(self.cache_image),
            "ports_plugged": Do(self.await_ports),
            "disks_prepared": Do(self.prepare_disks, self.destroy),
            "domain_started": Do(self.create_domain, self.destroy),
        }

    def receive_spec(self, job: Job) -> Done:
        spec = self.spec(job)
        if any(device["destination"] == "volume" and device["connection"] is None
               for device in spec["block_devices"]):
            # From a conductor of the release before, which knows nothing of volumes.
            raise Unsupported(reason="nobody connected its volumes.")
        return {"host": self.host}

    def prepare_disks(self, job: Job) -> Done:
        self.make_disks(job, self.spec(job))
        return None

    def destroy(self, job: Job) -> None:
        self.driver.destroy(self.spec(job))
