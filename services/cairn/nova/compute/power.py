"""What a server that is off waits for before it is powered on."""

from collections.abc import Callable

from cairn.common.work import Job
from cairn.nova.compute.doer import Doer, Done
from cairn.nova.compute.persistence import persistently
from cairn.nova.drivers.base import Driver
from cairn.nova.rpc import Spec


class PowersOn(Doer):
    def plug(self, job: Job) -> Done:
        if not self.returns(job):
            return self.await_ports(job)
        # Others that return have this thread meanwhile.
        vifs = persistently(job, lambda: self.await_plug(job, seconds=0.0),
                            self.settings.resume_timeout)
        return {"ports": [vif["id"] for vif in vifs]}

    def power_on(self, job: Job, how: Callable[[Driver, Spec], None]) -> Done:
        """As the driver does it; ACTIVE."""
        def on() -> Done:
            spec = self.opened(job)
            how(self.driver, spec)
            return self.say(job, spec, "active")

        if not self.returns(job):
            return on()
        return persistently(job, on, self.settings.resume_timeout)
