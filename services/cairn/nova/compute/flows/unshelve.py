"""unshelve: the server's image, disks made of it, a domain that runs. Of one that was not offloaded
the domain and the disks are there."""

from collections.abc import Callable, Mapping

from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.compute.builds import Builds
from cairn.nova.compute.doer import Done


class Steps(Builds):
    def steps(self) -> Mapping[str, Do]:
        return {
            "image_found": Do(_offloaded(self.find_image)),
            "image_cached": Do(_offloaded(self.cache_image)),
            "ports_plugged": Do(self.await_ports),
            "disks_prepared": Do(_offloaded(self.prepare_disks), self.destroy),
            "domain_started": Do(self.create_domain, self.destroy),
        }

    def prepare_disks(self, job: Job) -> Done:
        self.make_disks(job, self.spec(job))
        return None

    def destroy(self, job: Job) -> None:
        """Not one that was here before, nor one that was said to run: its disks may be all that
        there is of it."""
        spec = self.spec(job)
        if job.args["offloaded"] and spec["vm_state"] == "shelved_offloaded":
            self.driver.destroy(spec)


def _offloaded(do: Callable[[Job], Done]) -> Callable[[Job], Done]:
    """The step, of a server that comes to this host."""
    return lambda job: do(job) if job.args["offloaded"] else None
