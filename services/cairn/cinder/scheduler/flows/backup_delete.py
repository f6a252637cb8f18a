"""backup_delete: a host that reaches it removes it; here that host is chosen, and the backup
forgotten."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from cairn.cinder.core import backup_places, events
from cairn.cinder.db.models import Backup, EncryptionKey
from cairn.cinder.errors import InvalidBackup
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

    def host(self, job: Job) -> str:
        return str(job.results["backup_found"]["host"])

    def absent(self, room: str, job: Job) -> bool:
        """One that never came to a host has nothing there; nor has, by force, one whose place is
        gone."""
        looked = job.results.get("backup_found")
        return room == BACKUP and looked is not None and not looked["host"]

    def find(self, job: Job) -> dict[str, Any]:
        with self.cinder.db.reading() as session:
            row = self.backup(session, job)
            host = backup_places.owner(session, self.cinder, row)
            if host is None and row.host and not job.args.get("force"):
                raise InvalidBackup(reason="no storage host has the place where it is kept. "
                                           "Deleted by force it is forgotten.")
            return {"host": host or "", "shared": _is_shared(session, row)}

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


def _is_shared(session: Session, row: Backup) -> bool:
    """Whether another row is of the same content: its record was imported under another id. Works
    of one volume's backups are done one after the other."""
    kept = backup_places.record(row)
    others = session.scalars(select(Backup).where(
        Backup.volume_id == row.volume_id, Backup.id != row.id))
    return any(backup_places.record(other)["id"] == kept["id"] for other in others)
