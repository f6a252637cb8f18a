"""backup_restore: its host writes; here the volume is claimed, and recorded."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from cairn.cinder.core import keys, messages, records, works
from cairn.cinder.db.models import EncryptionKey, Volume
from cairn.cinder.errors import InvalidVolume
from cairn.cinder.scheduler.backups import BackupDoer
from cairn.cinder.scheduler.doer import step
from cairn.common.db import changed
from cairn.common.flows import Do
from cairn.common.work import Job

CLAIMED = "restoring-backup"
BEGUN = "restore_begun"


class Steps(BackupDoer):
    """Its subject is the volume: where that is new, its creation has ended before."""

    def steps(self) -> Mapping[str, Do]:
        return {
            "volume_claimed": step(self.claim, self.unclaim),
            "restore_begun": step(self.begin),
            "restore_recorded": step(self.record),
        }

    def host(self, job: Job) -> str:
        """That of the volume, which was chosen because it reaches the backup."""
        return str(job.results["volume_claimed"]["volume"]["host"])

    def claim(self, job: Job) -> dict[str, Any]:
        """A new one is when its creation has ended; one that was named is by the request."""

        def write(session: Session) -> dict[str, Any]:
            done = changed(session.execute(
                update(Volume).where(Volume.id == job.subject,
                                     Volume.status.in_(("available", CLAIMED)))
                .values(status=CLAIMED, previous_status="available")))
            if not done:
                raise InvalidVolume(reason="The volume that the backup is restored to was not "
                                           "made, or is used.")
            return {"volume": records.volume(session, job.subject)}

        return self.cinder.db.write(write)

    def begin(self, job: Job) -> None:
        """Kept: what steps a host did is not known any more when it has undone its part."""
        self.cinder.db.write(lambda session: self.keep(session, job, BEGUN, {}))

    def unclaim(self, job: Job) -> None:
        """What it holds now is neither, unless nothing was written yet. The work's own end frees
        one of which this step never came."""
        untouched = not job.args["new"] and BEGUN not in job.args
        with self.cinder.db.writing() as session:
            self._free(session, job, "available" if untouched else "error_restoring")

    def _free(self, session: Session, job: Job, status: str) -> None:
        session.execute(
            update(Volume).where(Volume.id == job.subject, Volume.status == CLAIMED)
            .values(status=status, previous_status=None))

    def record(self, job: Job) -> None:
        self.cinder.db.write(lambda session: self._record(session, job))

    def _record(self, session: Session, job: Job) -> None:
        backup = self.backup(session, job)
        volume = session.scalar(select(Volume).where(Volume.id == job.subject))
        if volume is not None and volume.status == CLAIMED:
            facts = backup.volume_facts
            volume.bootable = bool(facts.get("bootable", volume.bootable))
            volume.image_meta = facts.get("image_meta") or volume.image_meta
            if job.args["new"]:
                volume.meta = facts.get("meta") or volume.meta
            if backup.encryption_key_id is not None:
                # It holds the container of the backup.
                old = volume.encryption_key_id
                volume.encryption_key_id = keys.copy(session, self.cinder,
                                                     backup.encryption_key_id)
                session.execute(delete(EncryptionKey).where(EncryptionKey.id == old))
            session.flush()
            works.release(session, "volume", volume.id, "available")
        self.finish(session, job, "available", restored_volume_id=job.subject)

    def record_failure(self, session: Session, job: Job, error: str) -> None:
        super().record_failure(session, job, error)
        self._free(session, job, "error_restoring" if job.args["new"] else "available")
        row = session.scalar(select(Volume).where(Volume.id == job.subject))
        if row is not None:
            messages.add(session, job.ctx, "restore_backup", "volume", row.id, row.project_id,
                         error)
