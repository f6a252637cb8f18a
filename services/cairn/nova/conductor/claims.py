"""A server's claim in placement, made and given back."""

from typing import Any

from cairn.common.work import Job
from cairn.nova.conductor.doer import Doer
from cairn.nova.core import host_request, specs


class HasClaim(Doer):
    def claim_host(self, job: Job, row: Any) -> dict[str, Any]:
        """What the scheduler chose for a server that is as `row` says, and claimed."""
        with self.nova.db.reading() as session:
            group = specs.group(session, row.id)
        request = host_request.build(row, job.args, group)
        return self.patiently(
            lambda: self.scheduler.select_host(
                job.ctx, server_id=row.id, wanted=request, excluded=job.args["excluded"]),
            "asking for a host",
        )

    def release_claim(self, job: Job) -> None:
        self.patiently(lambda: self.nova.cloud.placement.release(job.ctx, job.subject),
                       "giving the claim back")
