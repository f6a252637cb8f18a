"""What it takes to make a server's disks and its domain, the first time or again."""

from cairn.common.patience import patiently
from cairn.common.work import Job
from cairn.nova.compute.doer import Doer, Done
from cairn.nova.drivers.base import volume_backed
from cairn.nova.rpc import Spec

PATIENCE = 60.0  # Seconds that the image service may be away.


class Builds(Doer):
    def find_image(self, job: Job) -> Done:
        spec = self.spec(job)
        image = spec["image"]
        if image is None or volume_backed(spec):
            return None
        return {"cached": self.images.has(image), "checksum": image["checksum"]}

    def cache_image(self, job: Job) -> Done:
        self._fetch(job, self.spec(job))
        return None

    def _fetch(self, job: Job, spec: Spec) -> None:
        if not volume_backed(spec):
            self.fetch(job, spec, "read")

    def fetch(self, job: Job, spec: Spec, purpose: str) -> None:
        """Have the spec's image on this host; `purpose` is what the host borrows it for."""
        patiently(lambda: self.images.fetch(job.ctx, spec, purpose), PATIENCE,
                  "fetching an image", brief=0)

    def make_disks(self, job: Job, spec: Spec) -> None:
        # The image was there a moment ago, or before this process was away for a day.
        self._fetch(job, spec)
        self.driver.prepare(spec)

    def create_domain(self, job: Job) -> Done:
        spec = self.opened(job)
        self.driver.start(spec)
        state = self.driver.power_state(spec)
        self.conductor.server_started(job.ctx, server_id=job.subject, power_state=state)
        return {"power_state": state}
