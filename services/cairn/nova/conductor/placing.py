"""A host is chosen for a server, which then is that host's; another one when it fails."""

from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cairn.common import ledger
from cairn.common.work import Job
from cairn.nova.conductor.claims import HasClaim
from cairn.nova.core import hosts, servers, specs
from cairn.nova.core.host_request import Group
from cairn.nova.db.models import Server, Work, WorkStep
from cairn.nova.errors import HostDown, NoValidHost, Withdrawn
from cairn.nova.rpc import CONDUCTOR, runner_of


class Places(HasClaim):
    """Works whose args are those of core/host_request.py, with `attempt`, `excluded` and `errors`:
    each host that is tried is one work."""

    # What the server's task is while a host is chosen, and when it has one.
    CHOOSING, GOING = "scheduling", "networking"

    def runner(self, room: str, job: Job) -> str:
        return CONDUCTOR if room == CONDUCTOR else runner_of(job.results["host_selected"]["host"])

    def select_host(self, job: Job) -> dict[str, Any]:
        return self.claim_host(job, self.row(job))

    def record_host(self, job: Job) -> dict[str, Any]:
        """Where it shall run; members of a group are looked at again, one at a time."""
        chosen = job.results["host_selected"]
        host = chosen["host"]

        def record(session: Session) -> bool:
            group = specs.group(session, job.subject, lock=True)
            if group is not None:
                _check_group(group, host)
            zone = hosts.zone_of(session, host, self.nova.api.default_zone)
            return servers.change(session, job.subject, task_state=self.GOING, host=host,
                                  node=chosen["node"], zone=zone)

        if not self.nova.db.write(record):
            raise Withdrawn
        return {"host": host}

    def forget_host(self, job: Job) -> None:
        with self.nova.db.writing() as session:
            session.execute(update(Server).where(Server.id == job.subject)
                            .values(host=None, node=None))

    def hand(self, job: Job) -> None:
        """Only to a host that answers; another is tried else."""
        host = job.results["host_selected"]["host"]
        with self.nova.db.writing() as session:
            if not hosts.is_up(session, host, self.nova.service):
                raise HostDown(host=host, action=self.action.kind)
            servers.change(session, job.subject, task_state="spawning")

    def failed(self, job: Job, error: str) -> None:
        """Another host, if there may be one; else that is given up, with what went wrong."""
        runner = None

        def record(session: Session) -> None:
            nonlocal runner
            runner = None
            row = servers.find_any(session, job.subject)
            if row is None or row.deleted or row.task_state == "deleting":
                return
            tried = self._host_tried(session, job)
            before: list[str] = job.args.get("errors", [])
            errors = [*before, f"{tried}: {error}"] if tried else before
            more = job.args["attempt"] < self.settings.attempts and not job.args["host"]
            if tried and not self._tried_again(session, job):
                hosts.build_failed(session, tried)
            if tried and more:
                if not self._tried_again(session, job):
                    ledger.add(session, job.ctx, Work, kind=job.kind, subject=job.subject,
                               runner=CONDUCTOR, args=job.args | {
                                   "attempt": job.args["attempt"] + 1, "errors": errors,
                                   "excluded": [*job.args["excluded"], tried]})
                    servers.change(session, job.subject, task_state=self.CHOOSING)
                runner = CONDUCTOR
                return
            message, _, details = error.partition("\n")
            if errors:
                message = (errors[0].partition(": ")[2]).partition("\n")[0]
                details = "\n".join([*errors, *([] if tried else [error])])
                for host in (line.partition(": ")[0] for line in errors):
                    message = servers.without(host, message)
            self.give_up(session, job, servers.fault(message, details or error))

        self.nova.db.write(record)
        if runner is not None:
            self.nova.ring(job.ctx, runner)

    def give_up(self, session: Session, job: Job, fault: dict[str, Any]) -> None:
        """No host has the server. The fault says why."""
        raise NotImplementedError

    def _host_tried(self, session: Session, job: Job) -> str | None:
        """The host the work got as far as, from what was recorded: its undoing forgot it."""
        result = session.scalar(select(WorkStep.result).where(
            WorkStep.work_id == job.id, WorkStep.name == "host_selected",
            WorkStep.runner == CONDUCTOR))
        return result["host"] if result else None

    def _tried_again(self, session: Session, job: Job) -> bool:
        seq = session.scalar(select(Work.seq).where(Work.id == job.id)) or 0
        return session.scalar(select(Work.seq).where(
            Work.subject == job.subject, Work.kind == job.kind, Work.seq > seq)) is not None


def _check_group(group: Group, host: str) -> None:
    have = group["hosts"].get(host, 0)
    if group["policy"] == "anti-affinity":
        if have >= int(group["rules"].get("max_server_per_host", 1)):
            raise NoValidHost(reason="Another server of the group took the host.")
    if group["policy"] == "affinity" and group["hosts"] and not have:
        raise NoValidHost(reason="Another server of the group took another host.")
