"""What two hosts do for a server that goes from one to the other, or is resized on one."""

from collections.abc import Mapping

from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.compute.doer import Doer, Done
from cairn.nova.core import moving
from cairn.nova.rpc import SOURCE, Spec


class HasTwoHosts(Doer):
    def destination(self, job: Job) -> str:
        return moving.destination_of(job)

    def here(self, room: str, job: Job) -> bool:
        return self.host == (job.args["source"] if room == SOURCE else self.destination(job))

    def power_on(self, job: Job, spec: Spec) -> Done:
        """If it ran before."""
        if job.args["was"] == "active":
            self.driver.start(spec)
        return {"power_state": self.driver.power_state(spec)}


class Moves(HasTwoHosts):
    def steps(self) -> Mapping[str, Do]:
        return {
            "domain_stopped": Do(self.stop, self.start_again),
            "disks_kept": Do(self.keep, self.put_back),
            "disks_received": Do(self.receive, self.destroy),
            "ports_plugged": Do(self.await_ports),
            "domain_started": Do(self.start, self.destroy),
        }

    def stop(self, job: Job) -> Done:
        spec = self.spec(job)
        self.driver.stop(spec, timeout=self.patience(spec))
        return None

    def start_again(self, job: Job) -> None:
        """As what it was."""
        if job.args["was"] == "active":
            self.await_ports(job)
        spec = self.opened(job)
        spec["flavor"] = job.args["old_flavor"]
        self.power_on(job, spec)

    def keep(self, job: Job) -> Done:
        self.driver.set_aside(self.spec(job))
        return None

    def put_back(self, job: Job) -> None:
        self.driver.put_back(self.spec(job))

    def receive(self, job: Job) -> Done:
        """From another host by its address; from this one without."""
        spec = self.spec(job)
        spec["flavor"] = job.args["flavor"]
        own = job.args["source"] == self.host
        self.driver.receive(spec, None if own else job.results["work_handed"]["source_address"])
        return None

    def start(self, job: Job) -> Done:
        return self.power_on(job, self.opened(job))

    def destroy(self, job: Job) -> None:
        self.driver.destroy(self.spec(job))
