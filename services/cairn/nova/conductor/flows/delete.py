"""delete: after its host, ports, volumes, claim and quota."""

from collections.abc import Mapping

from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.conductor.claims import HasClaim
from cairn.nova.conductor.doer import step
from cairn.nova.conductor.ports import DeletesPorts
from cairn.nova.conductor.shelved_images import HasShelvedImage
from cairn.nova.conductor.volumes import HasVolumes
from cairn.nova.core import hosts, servers
from cairn.nova.rpc import COMPUTE, CONDUCTOR, SOURCE, runner_of


class Steps(DeletesPorts, HasVolumes, HasClaim, HasShelvedImage):
    def steps(self) -> Mapping[str, Do]:
        return {
            "ports_deleted": step(self.delete_ports),
            "volumes_detached": step(self.detach_all),
            "allocation_removed": step(self.release_claims),
            "server_deleted": step(self.finish),
        }

    def absent(self, room: str, job: Job) -> bool:
        """Its host, if it got none meanwhile, or one that does not answer; the host that it left,
        if it left none."""
        if room == CONDUCTOR:
            return False
        row = self.row_or_none(job)
        host = job.args.get("source") if room == SOURCE else row and row.host
        if host is None or (room == COMPUTE and job.args.get("local")):
            return True
        with self.nova.db.reading() as session:
            return not hosts.is_up(session, host, self.nova.service)

    def runner(self, room: str, job: Job) -> str:
        if room == CONDUCTOR:
            return CONDUCTOR
        return runner_of(job.args["source"] if room == SOURCE else self.row_or_none(job).host)

    def release_claims(self, job: Job) -> None:
        """Also what a migration of it has."""
        self.release_claim(job)
        if migration := job.args.get("migration"):
            self.patiently(lambda: self.nova.cloud.placement.release(job.ctx, migration),
                           "giving a claim back")

    def finish(self, job: Job) -> None:
        """With the image of one that was shelved."""
        self.remove_image(job)
        self.nova.db.write(lambda session: servers.finish_delete(session, job.subject))
