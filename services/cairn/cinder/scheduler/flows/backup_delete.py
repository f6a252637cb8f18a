"""backup_delete: its host removes it; here it is forgotten."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from cairn.cinder.core import events
from cairn.cinder.db.models import EncryptionKey
from cairn.cinder.rpc import BACKUP
from cairn.cinder.scheduler.backups import BackupDoer
from cairn.cinder.scheduler.doer import step
from cairn.common.flows import Do
from cairn.common.work import Job


class Steps(BackupDoer):
    def steps(self) -> Mapping[str, Do]:
        return {
            "backup_found": step(self.find),
            "backup_forgotten": step(self.forget),
        }

    def absent(self, room: str, job: Job) -> bool:
        """One that never came to a host has nothing there."""
        looked = job.results.get("backup_found")
        return room == BACKUP and looked is not None and not looked["host"]

    def find(self, job: Job) -> dict[str, Any]:
        with self.cinder.db.reading() as session:
            return {"host": self.backup(session, job).host}

    def forget(self, job: Job) -> None:
        self.cinder.db.write(lambda session: self._forget(session, job))

    def _forget(self, session: Session, job: Job) -> None:
        row = self.target(session, job)
        if row is None:
            return
        if row.encryption_key_id is not None:
            session.execute(
                delete(EncryptionKey).where(EncryptionKey.id == row.encryption_key_id))
        events.record_backup(session, job.ctx, "backup.delete.end", row)
        session.delete(row)

    def error_status(self, job: Job) -> str | None:
        return "error_deleting"
