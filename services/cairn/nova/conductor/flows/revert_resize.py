"""revertResize: the server is what it was, where it was."""

from collections.abc import Mapping

from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.conductor.doer import step
from cairn.nova.conductor.relocations import INSTANCE, HasTwoHosts
from cairn.nova.core import migrations, quotas, servers


class Steps(HasTwoHosts):
    def steps(self) -> Mapping[str, Do]:
        return {
            "server_moved_back": step(self.move_server),
            "ports_moved_back": step(self.do_ports),
            "volumes_moved_back": step(self.do_volumes),
            "allocation_reverted": step(self.move_allocation),
            "resize_reverted": step(self.finish),
        }

    def move_server(self, job: Job) -> None:
        self.set_server(job, task_state="resize_reverting",
                        **self.place(job.args["source"], job.args["old_flavor"]))

    def do_ports(self, job: Job) -> None:
        self.move_ports(job, job.args["source"])

    def do_volumes(self, job: Job) -> None:
        if job.args["destination"] != job.args["source"]:
            self.move_volumes(job, job.args["source"])

    def move_allocation(self, job: Job) -> None:
        """What the server has is the new host's, until the migration's claim is gone."""
        placement, migration = self.nova.cloud.placement, job.args["migration"]

        def do() -> None:
            if placement.list_claimed(job.ctx, migration):
                placement.release(job.ctx, job.subject)
                placement.move_claim(job.ctx, migration, job.subject, INSTANCE)

        self.patiently(do, "moving a claim")

    def finish(self, job: Job) -> None:
        with self.nova.db.writing() as session:
            if migrations.get(session, job.args["migration"]).status != migrations.FINISHED:
                return
            row = servers.find_any(session, job.subject)
            assert row is not None
            migrations.change(session, job.args["migration"], status=migrations.REVERTED)
            quotas.release(session, row.project_id, migrations.grown(
                job.args["old_flavor"], job.args["flavor"]))
            servers.change(session, job.subject, task_state=None, vm_state=job.args["was"],
                           power_state=job.results["domain_started"]["power_state"])
