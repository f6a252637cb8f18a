"""What the conductor does for a server that moves while it is off, or is resized."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from cairn.common.db import utcnow
from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.conductor.claims import HasClaim
from cairn.nova.conductor.doer import step
from cairn.nova.conductor.moves import MovesVolumes
from cairn.nova.core import hosts, migrations, moving, network, quotas, servers
from cairn.nova.errors import HostDown
from cairn.nova.rpc import CONDUCTOR, SOURCE, runner_of

# What placement calls who has a claim.
INSTANCE, MIGRATION = "INSTANCE", "MIGRATION"


class HasTwoHosts(MovesVolumes, HasClaim):
    """One that it leaves, and one that it comes to."""

    def destination(self, job: Job) -> str:
        return moving.destination_of(job)

    def runner(self, room: str, job: Job) -> str:
        if room == CONDUCTOR:
            return CONDUCTOR
        return runner_of(job.args["source"] if room == SOURCE else self.destination(job))

    def move_claim(self, job: Job, holder: str, to: str, kind: str) -> None:
        self.patiently(lambda: self.nova.cloud.placement.move_claim(job.ctx, holder, to, kind),
                       "moving a claim")

    def move_ports(self, job: Job, host: str) -> None:
        row, zone = self.row_or_none(job), self.zone(host)
        self.patiently(lambda: network.bind_ports(self.nova, job.ctx, row, host, zone),
                       "moving ports")

    def set_server(self, job: Job, **values: Any) -> None:
        with self.nova.db.writing() as session:
            servers.change(session, job.subject, **values)

    def place(self, host: str, flavor: dict[str, Any]) -> dict[str, Any]:
        """Columns of a server that is there, with that flavor."""
        with self.nova.db.reading() as session:
            hypervisor = next(h for h in hosts.hypervisors(session) if h.host == host)
        return {"host": host, "node": hypervisor.node, "zone": self.zone(host), "flavor": flavor,
                "flavor_id": flavor["id"]}

    def zone(self, host: str) -> str:
        with self.nova.db.reading() as session:
            return hosts.zone_of(session, host, self.nova.api.default_zone)


class Moves(HasTwoHosts):
    def steps(self) -> Mapping[str, Do]:
        return {
            "allocation_moved": step(self.move_allocation, self.undo_allocation),
            "host_selected": step(self.select_host, self.release_claim),
            "work_handed": step(self.hand),
            "ports_moved": step(self.do_ports, self.undo_ports),
            "volumes_moved": step(self.do_volumes, self.undo_volumes),
            "server_moved": step(self.move_server, self.undo_server),
            "resize_finished": step(self.finish),
        }

    def move_allocation(self, job: Job) -> None:
        self.row(job)
        self.move_claim(job, job.subject, job.args["migration"], MIGRATION)

    def undo_allocation(self, job: Job) -> None:
        self.move_claim(job, job.args["migration"], job.subject, INSTANCE)

    def select_host(self, job: Job) -> dict[str, Any]:
        """For the flavor that it is to have."""
        shall = {**self.row(job)._mapping, "flavor": job.args["flavor"]}
        return self.claim_host(job, SimpleNamespace(**shall))

    def hand(self, job: Job) -> dict[str, Any]:
        """What the hosts are to know of each other."""
        source, host = job.args["source"], self.destination(job)
        with self.nova.db.writing() as session:
            for asked in (source, host):
                if not hosts.is_up(session, asked, self.nova.service):
                    raise HostDown(host=asked, action=self.action.kind)
            reports = {h.host: h.report for h in hosts.hypervisors(session)}
            migrations.change(
                session, job.args["migration"], status=migrations.MIGRATING, destination=host,
                destination_node=job.results["host_selected"]["node"],
                destination_address=reports[host]["host_ip"])
            servers.change(session, job.subject, task_state="resize_migrating")
        return {"source_address": reports[source]["host_ip"]}

    def do_ports(self, job: Job) -> None:
        self.set_server(job, task_state="resize_migrated")
        self.move_ports(job, self.destination(job))

    def undo_ports(self, job: Job) -> None:
        self.move_ports(job, job.args["source"])

    def do_volumes(self, job: Job) -> None:
        if self.destination(job) != job.args["source"]:
            self.move_volumes(job, self.destination(job))

    def undo_volumes(self, job: Job) -> None:
        if self.destination(job) != job.args["source"]:
            self.move_volumes(job, job.args["source"])

    def move_server(self, job: Job) -> None:
        self.row(job)
        self.set_server(job, task_state="resize_finish",
                        **self.place(self.destination(job), job.args["flavor"]))

    def undo_server(self, job: Job) -> None:
        self.set_server(job, task_state="resize_migrating",
                        **self.place(job.args["source"], job.args["old_flavor"]))

    def finish(self, job: Job) -> None:
        with self.nova.db.writing() as session:
            migrations.change(session, job.args["migration"], status=migrations.FINISHED)
            servers.change(session, job.subject, task_state=None, vm_state="resized", fault=None,
                           power_state=job.results["domain_started"]["power_state"],
                           launched_at=utcnow())

    def failed(self, job: Job, error: str) -> str | None:
        """It is what it was; the host that it was to leave starts it again."""
        if (other := self.others(job)) is not None:
            return other

        def record(session: Any) -> None:
            migration = migrations.get(session, job.args["migration"])
            if migration.status not in migrations.UNDER_WAY:
                return
            migrations.change(session, migration.id, status=migrations.ERROR)
            quotas.release(session, self.row_or_none(job).project_id,
                           migrations.grown(job.args["old_flavor"], job.args["flavor"]))
            servers.record_failure(session, job.subject, error, breaks=False,
                                   vm_state=job.args["was"])

        self.nova.db.write(record)
        return None
