"""migrate: where to, and that it is there."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.cinder.core import attachments, connections, migrations, records
from cairn.cinder.db.models import Attachment, Volume, VolumeType
from cairn.cinder.errors import (
    BackendDown,
    ExportFailed,
    GuestMoves,
    GuestStayed,
    NoValidBackend,
    Withdrawn,
)
from cairn.cinder.rpc import VOLUME, host_of
from cairn.cinder.scheduler import filters, selection
from cairn.cinder.scheduler.doer import Doer, log, step
from cairn.cinder.scheduler.pools import PoolState, Request
from cairn.common.errors import Problem
from cairn.common.flows import Do
from cairn.common.patience import AWAY
from cairn.common.work import Job, Later

# Seconds between two looks at whether a guest has moved; Nova wakes the work when it has.
LOOK = 5.0
# How often Nova is asked to move a guest while it is away.
ASKED = 12


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {
            "target_chosen": step(self.choose, self.forget),
            "source_exported": step(self.export, self.unexport),
            "volume_switched": step(self.switch, self.switch_back),
        }

    def absent(self, room: str, job: Job) -> bool:
        """What stays where it is needs no other pool."""
        chosen = job.results.get("target_chosen")
        return room == VOLUME and chosen is not None and chosen["target"] is None

    def host(self, job: Job) -> str:
        return str(job.results["target_chosen"]["target"]["host"])

    # Where to

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
            target = migrations.make_target(
                session, self.cinder, row, host, self.type_id(job, row),
                bool(job.args.get("multiattach", row.multiattach)))
            row.migration_status = "migrating"
            session.flush()
        volume = records.of_volume(session, row)
        if target is None:
            return {"volume": volume, "target": None, "attached": attached, "same_key": True}
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
                if reason is not None:
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
        self.cinder.db.write(lambda session: self._forget(session, job))

    def _forget(self, session: Session, job: Job) -> None:
        """Unless its guest has it by now: then that is where the volume is."""
        row = self.target(session, job)
        if row is None:
            return
        attachments.hold(session, row.id)
        target = migrations.target_of(session, row)
        if target is not None:
            if attachments.of_volume(session, target.id):
                raise GuestMoves(volume=row.id)
            migrations.forget_target(session, row)
        elif self._has_moved(session, job):
            self.keep(session, job, "moved", {})

    def _has_moved(self, session: Session, job: Job) -> bool:
        """Whether Nova said that the guest is where the volume was to go."""
        chosen = job.args.get("target_chosen")
        row = self.target(session, job)
        return (chosen is not None and chosen["attached"] and row is not None
                and row.name_id == chosen["target"]["name"])

    # The bytes of one that nobody uses

    def export(self, job: Job) -> dict[str, Any]:
        """How the other host reads it."""
        chosen = job.results["target_chosen"]
        source, target = chosen["volume"], chosen["target"]
        if target is None or chosen["attached"] or host_of(source["host"]) == host_of(
                target["host"]):
            return {"connection": None}
        connector = {"host": host_of(target["host"]), "read_only": True}
        with self.cinder.db.writing() as session:
            # Who sweeps exports knows of it from now on.
            self.keep(session, job, "export", {"volume": source, "connector": connector})
        return {"connection": connections.ask_export(
            self.cinder, job.ctx, source, job.id, connector)}

    def unexport(self, job: Job) -> None:
        """One that its host can not be asked to end it ends by itself: nobody has it any more."""
        if (exported := job.args.get("export")) is None:
            return
        try:
            connections.ask_unexport(self.cinder, job.ctx, exported["volume"], job.id)
        except (BackendDown, ExportFailed) as problem:
            log.warning("volume %s is still exported by its host: %s", job.subject, problem)

    # That it is there

    def switch(self, job: Job) -> None:
        chosen = job.results["target_chosen"]
        if chosen["attached"] and chosen["target"] is not None:
            self._await_guest(job)
        runner = self.cinder.db.write(lambda session: self._switch(session, job))
        if runner is not None:
            self.cinder.ring(job.ctx, runner)

    def _switch(self, session: Session, job: Job) -> str | None:
        row = self.target(session, job)
        if row is None:
            raise Withdrawn
        runner, target = None, migrations.target_of(session, row)
        if target is not None:
            attachments.hold(session, row.id)
            provider = job.results["target_made"]["provider"]
            runner = migrations.switch(session, job.ctx, row, target, provider,
                                       job.id if "export" in job.args else None)
        self.finish(session, job, **self.more(job))
        return runner

    def more(self, job: Job) -> dict[str, Any]:
        """What else is new of it."""
        return {}

    def _await_guest(self, job: Job) -> None:
        """The guest moves, and Nova says when it has. Raises Later until then, GuestStayed."""
        target = job.results["target_chosen"]["target"]["id"]
        with self.cinder.db.writing() as session:
            row = session.scalar(select(Volume).where(Volume.id == target))
            if row is None:
                if self._has_moved(session, job):
                    return
                raise GuestStayed
            if attachments.of_volume(session, target):
                raise Later(LOOK)  # Nova is about it.
            if job.args.get("asked"):
                raise GuestStayed  # Nova was about it, and has let go.
            if row.status == "creating":
                row.provider, row.status = job.results["target_made"]["provider"], "available"
            server = session.scalar(select(Attachment.instance_id).where(
                Attachment.volume_id == job.subject))
        self._ask_nova(job, server, target)
        raise Later(LOOK)

    def _ask_nova(self, job: Job, server: str | None, target: str) -> None:
        if server is None:
            raise GuestStayed
        tries = int(job.args.get("tries", 0)) + 1
        with self.cinder.db.writing() as session:
            self.keep(session, job, "tries", tries)
        try:
            self.cinder.cloud.compute.swap(job.ctx, server, job.subject, target)
        except Problem as problem:
            # It may have been done all the same: the next look tells.
            if problem.code not in (500, *AWAY) or tries >= ASKED:
                raise
            log.warning("volume %s: Nova does not move its guest: %s", job.subject, problem)
            return
        with self.cinder.db.writing() as session:
            self.keep(session, job, "asked", True)

    def switch_back(self, job: Job) -> None:
        """Where it was: what it was is not removed before this work ended."""
        chosen = job.results["target_chosen"]
        if chosen["target"] is not None and not chosen["attached"]:
            self.cinder.db.write(lambda session: migrations.switch_back(
                session, self.target(session, job), chosen["volume"], chosen["target"], job.id))

    def record_failure(self, session: Session, job: Job, error: str) -> None:
        if "moved" in job.args:  # What failed came after that.
            self.finish(session, job, **self.more(job))
            return
        row = self.target(session, job)
        if row is not None and row.migration_status is not None:
            row.migration_status = "error"
            session.flush()
        super().record_failure(session, job, error)
