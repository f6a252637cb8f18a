"""rebuild: the old domain and disks go, new ones come."""

from collections.abc import Mapping

from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.compute.builds import Builds
from cairn.nova.compute.doer import Done


class Steps(Builds):
    def steps(self) -> Mapping[str, Do]:
        return {
            "domain_stopped": Do(self.pull_plug),
            "image_found": Do(self.find_image),
            "image_cached": Do(self.cache_image),
            "ports_plugged": Do(self.await_ports),
            "disks_prepared": Do(self.remake_disks),
            "domain_started": Do(self.start),
        }

    def pull_plug(self, job: Job) -> Done:
        self.driver.stop(self.spec(job), timeout=0)
        return None

    def start(self, job: Job) -> Done:
        """One that was off is so again, and has been told what it is."""
        started = self.create_domain(job)
        if not job.args.get("stopped"):
            return started
        spec = self.spec(job)
        self.driver.stop(spec, timeout=0)
        return self.say(job, spec, "stopped")

    def remake_disks(self, job: Job) -> Done:
        spec = self.spec(job)
        self.driver.destroy(spec)
        self.make_disks(job, spec)
        return None
