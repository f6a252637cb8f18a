"""start: the domain is powered on."""

from collections.abc import Mapping

from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.compute.doer import Doer, Done
from cairn.nova.compute.persistence import persistently


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {"ports_plugged": Do(self.plug), "domain_started": Do(self.start)}

    def plug(self, job: Job) -> Done:
        if not self.returns(job):
            return self.await_ports(job)
        # Others that return have this thread meanwhile.
        vifs = persistently(job, lambda: self.await_plug(job, seconds=0.0),
                            self.settings.resume_timeout)
        return {"ports": [vif["id"] for vif in vifs]}

    def start(self, job: Job) -> Done:
        if not self.returns(job):
            return self.power_on(job)
        return persistently(job, lambda: self.power_on(job), self.settings.resume_timeout)

    def power_on(self, job: Job) -> Done:
        spec = self.opened(job)
        self.driver.start(spec)
        return self.say(job, spec, "active")
