"""createImage: its steps are its host's; here ends one that failed."""

from cairn.common.work import Job
from cairn.nova.conductor.doer import Doer
from cairn.nova.core import snapshots


class Steps(Doer):
    def failed(self, job: Job, error: str) -> str | None:
        """No half an image stays."""
        self.patiently(lambda: snapshots.remove(self.nova, job.ctx, job.args["image_id"]),
                       "removing the image")
        return super().failed(job, error)
