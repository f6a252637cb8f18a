"""confirmResize: what the server was is given up."""

from collections.abc import Mapping

from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.conductor.doer import step
from cairn.nova.conductor.relocations import HasTwoHosts
from cairn.nova.core import migrations, quotas, servers


class Steps(HasTwoHosts):
    def steps(self) -> Mapping[str, Do]:
        return {
            "confirmation_recorded": step(self.record),
            "old_allocation_removed": step(self.release_old),
            "resize_confirmed": step(self.finish),
        }

    def record(self, job: Job) -> None:
        with self.nova.db.writing() as session:
            if migrations.get(session, job.args["migration"]).status == migrations.FINISHED:
                migrations.change(session, job.args["migration"], status=migrations.CONFIRMING)

    def release_old(self, job: Job) -> None:
        self.patiently(
            lambda: self.nova.cloud.placement.release(job.ctx, job.args["migration"]),
            "giving a claim back")

    def finish(self, job: Job) -> None:
        """A flavor that became smaller counted as it was until now."""
        with self.nova.db.writing() as session:
            if migrations.get(session, job.args["migration"]).status != migrations.CONFIRMING:
                return
            row = servers.find_any(session, job.subject)
            assert row is not None
            migrations.change(session, job.args["migration"], status=migrations.CONFIRMED)
            quotas.release(session, row.project_id, migrations.grown(
                job.args["flavor"], job.args["old_flavor"]))
            servers.change(session, job.subject, task_state=None, vm_state=job.args["was"])
