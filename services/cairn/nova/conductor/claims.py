"""A server's claim in placement, given back."""

from cairn.common.work import Job
from cairn.nova.conductor.doer import Doer


class ReleasesClaim(Doer):
    def release_claim(self, job: Job) -> None:
        self.patiently(lambda: self.nova.cloud.placement.release(job.ctx, job.subject),
                       "giving the claim back")
