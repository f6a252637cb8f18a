"""The controller's part of creating and deleting servers, as steps."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cairn.common import ledger
from cairn.common.errors import Problem
from cairn.common.work import Elsewhere, Flow, Job, Step
from cairn.nova.component import Nova
from cairn.nova.conductor.patience import durable, patiently
from cairn.nova.core import hosts, network, servers, snapshots, specs
from cairn.nova.db.models import Server, Work, WorkStep
from cairn.nova.errors import HostDown, NoValidHost, Withdrawn
from cairn.nova.rpc import CONDUCTOR, Scheduler, runner_of
from cairn.nova.scheduler.request import wanted
from cairn.nova.settings import ConductorSettings

PATIENCE = 60.0  # Seconds a step waits for a neighbour that is away.


@dataclass(frozen=True)
class Flows:
    nova: Nova
    scheduler: Scheduler
    settings: ConductorSettings = field(default_factory=ConductorSettings)
    patience: float = PATIENCE

    def all(self) -> list[Flow]:
        return [
            Flow("create", (
                Step("work_taken", durable(self.take)),
                Step("host_selected", durable(self.select_host), self.release_claim),
                Step("host_recorded", durable(self.record_host), self.forget_host),
                Step("ports_created", durable(self.create_ports), self.delete_ports),
                Step("work_handed", durable(self.hand)),
            ), then=self.to_host, failed=self.create_failed),
            Flow("delete", (
                Step("delete_started", durable(self.start_delete)),
                Step("ports_deleted", durable(self.delete_ports)),
                Step("allocation_removed", durable(self.release_claim)),
                Step("server_deleted", durable(self.finish_delete)),
            ), failed=self.delete_failed),
            # Its steps are its host's; here ends one that failed.
            Flow("createImage", (), failed=self.snapshot_failed),
        ]

    # --- create ---

    def _row(self, job: Job) -> Any:
        """The server, if it is still wanted. Raises Withdrawn."""
        with self.nova.db.reading() as session:
            row = servers.known(session, job.subject)
        if row is None or row.deleted or row.task_state == "deleting":
            raise Withdrawn
        return row

    def take(self, job: Job) -> None:
        self._row(job)

    def select_host(self, job: Job) -> dict[str, Any]:
        row = self._row(job)
        with self.nova.db.reading() as session:
            group = specs.group(session, row.id)
        ask = wanted(row, job.args, group)
        return patiently(
            lambda: self.scheduler.select_host(
                job.ctx, server_id=row.id, wanted=ask, excluded=job.args["excluded"]),
            self.patience, "asking for a host",
        )

    def release_claim(self, job: Job) -> None:
        def release() -> None:
            try:
                self.nova.cloud.delete("placement", f"/allocations/{job.subject}", ctx=job.ctx,
                                       version="1.36")
            except Problem as problem:
                if problem.code != 404:
                    raise

        patiently(release, self.patience, "giving the claim back")

    def record_host(self, job: Job) -> dict[str, Any]:
        """Where it shall run; members of a group are looked at again, one at a time."""
        chosen = job.results["host_selected"]
        host = chosen["host"]

        def record(session: Session) -> bool:
            group = specs.group(session, job.subject, lock=True)
            if group is not None:
                self._check_group(group, host)
            zone = hosts.zone_of(session, host, self.nova.api.default_zone)
            return servers.change(session, job.subject, task_state="networking", host=host,
                                  node=chosen["node"], zone=zone)

        if not self.nova.db.write(record):
            raise Withdrawn
        return {"host": host}

    def _check_group(self, group: dict[str, Any], host: str) -> None:
        have = group["hosts"].get(host, 0)
        if group["policy"] == "anti-affinity":
            if have >= int(group["rules"].get("max_server_per_host", 1)):
                raise NoValidHost(reason="Another server of the group took the host.")
        if group["policy"] == "affinity" and group["hosts"] and not have:
            raise NoValidHost(reason="Another server of the group took another host.")

    def forget_host(self, job: Job) -> None:
        with self.nova.db.writing() as session:
            session.execute(update(Server).where(Server.id == job.subject)
                            .values(host=None, node=None))

    def create_ports(self, job: Job) -> dict[str, Any]:
        row = self._row(job)
        again = job.attempts > 1
        groups = job.args["security_groups"]
        vifs = patiently(
            lambda: network.make_ports(self.nova, job.ctx, row, row.host, row.zone, groups, again),
            self.patience, "making ports",
        )
        with self.nova.db.writing() as session:
            session.execute(update(Server).where(Server.id == row.id).values(vifs=vifs))
        return {"ports": [vif["id"] for vif in vifs]}

    def delete_ports(self, job: Job) -> None:
        with self.nova.db.reading() as session:
            row = servers.known(session, job.subject)
        if row is None:
            return
        kept = {r["port_id"] for r in row.requested_networks if r["port_id"]}
        kept |= {vif["id"] for vif in row.vifs if vif["preserve"]}
        patiently(lambda: network.remove_ports(self.nova, job.ctx, row.id, kept), self.patience,
                  "deleting ports")
        with self.nova.db.writing() as session:
            session.execute(update(Server).where(Server.id == row.id).values(vifs=[]))

    def hand(self, job: Job) -> None:
        """Only to a host that answers; another is tried else."""
        host = job.results["host_selected"]["host"]
        with self.nova.db.writing() as session:
            if not hosts.is_up(session, host, self.nova.service):
                raise HostDown(host=host, action="create")
            servers.change(session, job.subject, task_state="spawning")

    def to_host(self, job: Job) -> str:
        return runner_of(job.results["host_selected"]["host"])

    def create_failed(self, job: Job, error: str) -> None:
        """Another host, if there may be one; else ERROR, with what went wrong."""
        runner = None

        def record(session: Session) -> None:
            nonlocal runner
            runner = None
            row = servers.known(session, job.subject)
            if row is None or row.deleted or row.task_state == "deleting":
                return
            tried = self._host_tried(session, job)
            before: list[str] = job.args.get("errors", [])
            errors = [*before, f"{tried}: {error}"] if tried else before
            more = job.args["attempt"] < self.settings.attempts and not job.args["host"]
            if tried and more:
                if not self._tried_again(session, job):
                    ledger.add(session, job.ctx, Work, kind="create", subject=job.subject,
                               runner=CONDUCTOR, args=job.args | {
                                   "attempt": job.args["attempt"] + 1, "errors": errors,
                                   "excluded": [*job.args["excluded"], tried]})
                    servers.change(session, job.subject, task_state="scheduling")
                runner = CONDUCTOR
                return
            message, _, details = error.partition("\n")
            if errors:
                message = (errors[0].partition(": ")[2]).partition("\n")[0]
                details = "\n".join([*errors, *([] if tried else [error])])
                for host in (line.partition(": ")[0] for line in errors):
                    message = servers.without(host, message)
            servers.change(session, job.subject, task_state=None, vm_state="error",
                           fault=servers.fault(message, details or error))

        self.nova.db.write(record)
        if runner is not None:
            self.nova.ring(job.ctx, runner)

    def _host_tried(self, session: Session, job: Job) -> str | None:
        """The host the work got as far as, from what was recorded: its undoing forgot it."""
        result = session.scalar(select(WorkStep.result).where(
            WorkStep.work_id == job.id, WorkStep.name == "host_selected",
            WorkStep.runner == CONDUCTOR))
        return result["host"] if result else None

    def _tried_again(self, session: Session, job: Job) -> bool:
        seq = session.scalar(select(Work.seq).where(Work.id == job.id)) or 0
        return session.scalar(select(Work.seq).where(
            Work.subject == job.subject, Work.kind == "create", Work.seq > seq)) is not None

    # --- delete ---

    def start_delete(self, job: Job) -> None:
        """Its host first, if it got one meanwhile and that answers."""
        with self.nova.db.reading() as session:
            row = servers.known(session, job.subject)
            if row is None or row.host is None or "domain_destroyed" in job.results:
                return
            if job.args.get("local") or not hosts.is_up(session, row.host, self.nova.service):
                return
        raise Elsewhere(runner_of(row.host))

    def finish_delete(self, job: Job) -> None:
        self.nova.db.write(lambda session: servers.finish_delete(session, job.subject))

    def delete_failed(self, job: Job, error: str) -> None:
        """It stays, in ERROR, to be deleted again."""
        with self.nova.db.writing() as session:
            session.execute(
                update(Server).where(Server.id == job.subject, Server.deleted.is_(False))
                .values(task_state=None, vm_state="error", fault=servers.fault(
                    *error.partition("\n")[::2]))
            )

    # --- snapshot ---

    def snapshot_failed(self, job: Job, error: str) -> None:
        """No half an image stays. The server is as it was; its actions say what went wrong."""
        patiently(lambda: snapshots.remove(self.nova, job.ctx, job.args["image_id"]),
                  self.patience, "removing the image")
        with self.nova.db.writing() as session:
            servers.change(session, job.subject, task_state=None)
