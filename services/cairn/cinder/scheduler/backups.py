"""What the scheduler's steps of backups have in common."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.cinder.core import works
from cairn.cinder.db.models import Backup
from cairn.cinder.errors import Withdrawn
from cairn.cinder.rpc import BACKUP, SCHEDULER, runner_of
from cairn.cinder.scheduler.doer import Doer
from cairn.common.work import Job


class BackupDoer(Doer):
    """The host's part is done where the backup is."""

    def host(self, job: Job) -> str:
        """That of the volume which is backed up; a subclass has another."""
        with self.cinder.db.reading() as session:
            return self.backup(session, job).host or ""

    def runner(self, room: str, job: Job) -> str:
        return SCHEDULER if room == SCHEDULER else runner_of(BACKUP, self.host(job))

    def backup(self, session: Session, job: Job) -> Backup:
        """Raises Withdrawn where it is gone."""
        row = session.scalar(select(Backup).where(Backup.id == job.args["resource_id"]))
        if row is None:
            raise Withdrawn
        return row

    def record_failure(self, session: Session, job: Job, error: str) -> None:
        row = self.target(session, job)
        if row is not None:
            row.fail_reason = error.partition("\n")[0]
            session.flush()
        super().record_failure(session, job, error)
        self.free(session, job)

    def release(self, session: Session, job: Job, row: Backup, status: str | None) -> None:
        """A backup that is made was never claimed: it came so."""
        if row.status == "creating":
            works.release(session, "backup", row.id, status)
            session.expire(row)
        else:
            super().release(session, job, row, status)

    def free(self, session: Session, job: Job) -> None:
        """What was claimed beside the backup is as it was, where it is this work's still."""
        for resource in ("volume", "snapshot"):
            if id_ := job.args.get(resource):
                model = works.MODELS[resource]
                status = session.scalar(select(model.status).where(model.id == id_))
                if status == "backing-up":
                    works.release(session, resource, id_)
