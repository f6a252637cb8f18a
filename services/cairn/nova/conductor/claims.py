"""A server's claim in placement, given back."""

from cairn.common.errors import Problem
from cairn.common.work import Job
from cairn.nova.conductor.doer import Doer


class ReleasesClaim(Doer):
    def release_claim(self, job: Job) -> None:
        def release() -> None:
            try:
                self.nova.cloud.delete("placement", f"/allocations/{job.subject}", ctx=job.ctx,
                                       version="1.36")
            except Problem as problem:
                if problem.code != 404:
                    raise

        self.patiently(release, "giving the claim back")
