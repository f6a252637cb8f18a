"""migrate: where to, and that it is there."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.cinder.core import migrations, records
from cairn.cinder.db.models import Attachment, Volume, VolumeType
from cairn.cinder.errors import NoValidBackend, Withdrawn
from cairn.cinder.rpc import VOLUME
from cairn.cinder.scheduler import filters, selection
from cairn.cinder.scheduler.doer import Doer, step
from cairn.cinder.scheduler.pools import PoolState, Request
from cairn.common.errors import Problem
from cairn.common.flows import Do
from cairn.common.work import Job


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {
            "target_chosen": step(self.choose, self.forget),
            "volume_switched": step(self.switch, self.switch_back),
        }

    def absent(self, room: str, job: Job) -> bool:
        """What stays where it is needs no other pool."""
        chosen = job.results.get("target_chosen")
        return room == VOLUME and chosen is not None and chosen["target"] is None

    def host(self, job: Job) -> str:
        return str(job.results["target_chosen"]["target"]["host"])

    def choose(self, job: Job) -> dict[str, Any]:
        return self.cinder.db.write(lambda session: self._choose(session, job))

    def _choose(self, session: Session, job: Job) -> dict[str, Any]:
        row = self.target(session, job)
        if row is None:
            raise Withdrawn
        attached = session.scalar(select(Attachment.id).where(
            Attachment.volume_id == row.id).limit(1)) is not None
        target = migrations.target_of(session, row)
        if target is None and (host := self.place(session, job, row, attached)) is not None:
            target = migrations.make_target(session, self.cinder, row, host, self.type_id(job, row))
            row.migration_status = "migrating"
            session.flush()
        volume = records.of_volume(session, row)
        if target is None:
            return {"volume": volume, "target": None, "attached": attached, "same_key": True}
        if not attached and (target.host or "").partition("@")[0] != (
                row.host or "").partition("@")[0]:
            raise NoValidBackend(reason=(
                f"{target.host} is another storage host's: a volume that no server uses moves "
                "between the backends of one host. Attach it to a server, and migrate it then."))
        chosen = {"volume": volume, "target": records.of_volume(session, target),
                  "attached": attached,
                  "same_key": row.encryption_key_id == target.encryption_key_id}
        self.keep(session, job, "target_chosen", chosen)
        return chosen

    def type_id(self, job: Job, row: Volume) -> str | None:
        """The type it shall have."""
        return row.type_id

    def place(self, session: Session, job: Job, row: Volume, attached: bool) -> str | None:
        """The pool that was asked for. Raises NoValidBackend."""
        for pool in selection.pools(session, self.cinder):
            if pool.host == job.args["host"]:
                reason = self.refusal(pool, self.request(session, job, row, pool.zone))
                if reason is not None and not job.args["force"]:
                    raise NoValidBackend(reason=f"{pool.host}: {reason}")
                return pool.host
        raise NoValidBackend(reason=f"{job.args['host']} is not up, or has no such pool.")

    def refusal(self, pool: PoolState, request: Request) -> str | None:
        """Why the pool can not have it."""
        reasons = filters.reasons(pool, request, self.settings.filters.split())
        return "; ".join(reason for _, reason in reasons) or None

    def request(self, session: Session, job: Job, row: Volume, zone: str) -> Request:
        """What it takes, as filters look at it."""
        specs = session.scalar(
            select(VolumeType.extra_specs).where(VolumeType.id == self.type_id(job, row))) or {}
        return Request(row.size, zone, specs, {}, row.multiattach)

    def forget(self, job: Job) -> None:
        with self.cinder.db.writing() as session:
            migrations.forget_target(session, self.target(session, job))

    def switch(self, job: Job) -> None:
        chosen = job.results["target_chosen"]
        if chosen["attached"] and chosen["target"] is not None:
            self._ask_nova(job)
            return
        runner = self.cinder.db.write(lambda session: self._switch(session, job))
        if runner is not None:
            self.cinder.ring(job.ctx, runner)

    def _switch(self, session: Session, job: Job) -> str | None:
        row = self.target(session, job)
        if row is None:
            raise Withdrawn
        runner, target = None, migrations.target_of(session, row)
        if target is not None:
            provider = job.results["target_made"]["provider"]
            runner = migrations.switch(session, job.ctx, row, target, provider)
        self.finish(session, job, **self.more(job))
        return runner

    def more(self, job: Job) -> dict[str, Any]:
        """What else is new of it."""
        return {}

    def _ask_nova(self, job: Job) -> None:
        """The guest moves, and Nova ends the migration when it has."""
        target = job.results["target_chosen"]["target"]["id"]
        with self.cinder.db.writing() as session:
            row = session.scalar(select(Volume).where(Volume.id == target))
            if row is None:
                return  # Nova was asked, and has ended it.
            row.provider, row.status = job.results["target_made"]["provider"], "available"
            server = session.scalar(select(Attachment.instance_id).where(
                Attachment.volume_id == job.subject))
        try:
            self.cinder.cloud.compute.swap(job.ctx, str(server), job.subject, target)
        except Problem as problem:
            # An earlier life of this process asked, and died before it said so.
            if job.attempts <= 1 or problem.code not in (400, 409):
                raise

    def switch_back(self, job: Job) -> None:
        """Where it was: what it was is not removed before this work ended."""
        chosen = job.results["target_chosen"]
        if chosen["target"] is not None and not chosen["attached"]:
            self.cinder.db.write(lambda session: migrations.switch_back(
                session, self.target(session, job), chosen["volume"], chosen["target"], job.id))

    def record_failure(self, session: Session, job: Job, error: str) -> None:
        row = self.target(session, job)
        if row is not None and row.migration_status is not None:
            row.migration_status = "error"
            session.flush()
        super().record_failure(session, job, error)
