"""create: a backend is chosen; its host does the rest."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import case, null, select, update
from sqlalchemy.orm import Session

from cairn.cinder.core import backup_places, group_members, images, records, works
from cairn.cinder.core.flows import backup_restore
from cairn.cinder.db.models import Backup, Volume, Work, WorkStep
from cairn.cinder.errors import Withdrawn
from cairn.cinder.rpc import SCHEDULER, runner_of
from cairn.cinder.scheduler import selection
from cairn.cinder.scheduler.doer import Doer, step
from cairn.cinder.scheduler.flows.backup_restore import CLAIMED
from cairn.common import ledger
from cairn.common.db import utcnow
from cairn.common.flows import Do
from cairn.common.work import Job


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {
            "backend_selected": step(self.select_backend, self.forget_backend),
            "volume_recorded": step(self.record),
        }

    def runner(self, room: str, job: Job) -> str:
        if room == SCHEDULER:
            return SCHEDULER
        return runner_of(room, job.results["backend_selected"]["volume"]["host"])

    def select_backend(self, job: Job) -> dict[str, Any]:
        """A pool, recorded at once with what it shall hold: who chooses next counts it."""
        image = images.describe(self.cinder, job)

        local = selection.local_host(self.cinder, self.settings, job.ctx, job.args["hints"])

        def choose(session: Session) -> dict[str, Any]:
            row = self.target(session, job)
            if row is None or row.status != "creating":
                raise Withdrawn
            if row.host is None:
                row.host = selection.select_pool(
                    session, self.cinder, self.settings, row, excluded=job.args["excluded"],
                    hints=job.args["hints"], local_host=local,
                    hosts=self._reaching(session, job))
                row.scheduled_at = utcnow()
                session.flush()
            chosen = {"volume": records.of_volume(session, row), "image": image,
                      **_source(session, row)}
            self.keep(session, job, "backend_selected", chosen)
            return chosen

        return self.cinder.db.write(choose)

    def _reaching(self, session: Session, job: Job) -> list[str] | None:
        """The hosts that can restore the backup which it is made for."""
        if (backup_id := job.args.get("backup")) is None:
            return None
        backup = session.scalar(select(Backup).where(Backup.id == backup_id))
        return backup_places.hosts(session, self.cinder, backup) if backup is not None else []

    def forget_backend(self, job: Job) -> None:
        with self.cinder.db.writing() as session:
            session.execute(
                update(Volume).where(Volume.id == job.subject)
                .values(host=null(), status=case(
                    (Volume.status.in_(("available", CLAIMED)), "creating"),
                    else_=Volume.status)))

    def record(self, job: Job) -> None:
        image = job.results["backend_selected"]["image"]
        provider = job.results["volume_made"]["provider"]

        def finish(session: Session) -> None:
            values: dict[str, Any] = {"provider": provider, "launched_at": utcnow()}
            if image is not None:
                values |= {"bootable": True, "image_meta": image["metadata"]}
            group_id = self.hold_group(session, job)
            # What is to hold a backup is nobody's before it does.
            restored = works.awaits(session, job.subject, backup_restore.ACTION)
            self.finish(session, job, CLAIMED if restored else "available", **values)
            group_members.settle(session, job.ctx, group_id)

        self.cinder.db.write(finish)

    def failed(self, job: Job, error: str) -> str | None:
        """Another backend, if there may be one; else error, with what went wrong."""
        if (other := self.others(job)) is not None:
            return other
        again = self.cinder.db.write(lambda session: self._again(session, job, error))
        if again:
            self.cinder.ring(job.ctx, SCHEDULER)
        return None

    def _again(self, session: Session, job: Job, error: str) -> bool:
        row = self.target(session, job)
        if row is None or row.status != "creating":
            return False
        tried = session.scalar(select(WorkStep.result).where(
            WorkStep.work_id == job.id, WorkStep.name == "backend_selected",
            WorkStep.runner == SCHEDULER))
        errors: list[str] = job.args["errors"]
        if tried is not None:
            host = tried["volume"]["host"]
            errors = [*errors, error]
            # A clone has to be where its source is.
            free = not (row.snapshot_id or row.source_volid)
            if free and job.args["attempt"] < self.settings.attempts:
                if not self._begun_again(session, job):
                    ledger.add(session, job.ctx, Work, kind=job.kind, subject=job.subject,
                               runner=SCHEDULER, args=job.args | {
                                   "attempt": job.args["attempt"] + 1, "errors": errors,
                                   "excluded": [*job.args["excluded"], host]})
                return True
        self.record_failure(session, job, errors[0] if errors else error)
        return False

    def record_failure(self, session: Session, job: Job, error: str) -> None:
        """Its group may have waited for it alone."""
        group_id = self.hold_group(session, job)
        super().record_failure(session, job, error)
        group_members.settle(session, job.ctx, group_id)

    def _begun_again(self, session: Session, job: Job) -> bool:
        seq = session.scalar(select(Work.seq).where(Work.id == job.id)) or 0
        return session.scalar(select(Work.seq).where(
            Work.subject == job.subject, Work.kind == job.kind, Work.seq > seq)) is not None


def _source(session: Session, row: Any) -> dict[str, Any]:
    """What it is made from, as its host gets it."""
    if row.source_volid is not None:
        return {"source": records.volume(session, row.source_volid)}
    if row.snapshot_id is not None:
        return {"snapshot": records.snapshot(session, row.snapshot_id)}
    return {}
