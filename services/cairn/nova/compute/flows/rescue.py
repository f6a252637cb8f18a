"""rescue: the image is fetched, and the server started from it."""

from collections.abc import Mapping

from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.compute.builds import Builds
from cairn.nova.compute.doer import Done


class Steps(Builds):
    def steps(self) -> Mapping[str, Do]:
        return {
            "image_cached": Do(self.cache),
            "domain_rescued": Do(self.rescue, self.end),
        }

    def cache(self, job: Job) -> Done:
        self.fetch(job, self.spec(job) | {"image": job.args["image"]}, "rescue")
        return None

    def rescue(self, job: Job) -> Done:
        # The image was there a moment ago, or before this process was away for a day.
        self.cache(job)
        spec = self.opened(job)
        self.driver.stop(spec, timeout=self.patience(spec))
        self.driver.rescue(spec, job.args["image"])
        return self.say(job, spec, "rescued")

    def end(self, job: Job) -> None:
        spec = self.opened(job)
        self.driver.unrescue(spec)
        if job.args["was"] == "active":
            self.driver.start(spec)
