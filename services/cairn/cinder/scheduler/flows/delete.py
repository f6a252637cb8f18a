"""delete: its host removes it; here it is forgotten."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from cairn.cinder.core import events, group_members, records
from cairn.cinder.db.models import Attachment, EncryptionKey, Snapshot, Transfer
from cairn.cinder.rpc import VOLUME
from cairn.cinder.scheduler.doer import Doer, step
from cairn.common.flows import Do
from cairn.common.work import Job


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {
            "volume_looked_up": step(self.look_up),
            "volume_forgotten": step(self.forget),
        }

    def absent(self, room: str, job: Job) -> bool:
        """A volume that never came to a backend has nothing there."""
        looked = job.results.get("volume_looked_up")
        return room == VOLUME and looked is not None and not looked["volume"]["host"]

    def look_up(self, job: Job) -> dict[str, Any]:
        with self.cinder.db.reading() as session:
            snapshots = session.scalars(
                select(Snapshot.id).where(Snapshot.volume_id == job.subject)
                .order_by(Snapshot.number.desc())).all()
            attachments = session.scalars(
                select(Attachment.id).where(Attachment.volume_id == job.subject)).all()
            return {
                "volume": records.volume(session, job.subject),
                "snapshots": records.snapshots(session, snapshots),
                "attachments": list(attachments),
            }

    def forget(self, job: Job) -> None:
        self.cinder.db.write(lambda session: self._forget(session, job))

    def _forget(self, session: Session, job: Job) -> None:
        group_id = self.hold_group(session, job)
        row = self.target(session, job)
        if row is None:
            return
        for snapshot in session.scalars(select(Snapshot).where(Snapshot.volume_id == row.id)):
            events.record_snapshot(session, job.ctx, "snapshot.delete.end", snapshot)
            session.delete(snapshot)
        session.execute(delete(Transfer).where(Transfer.volume_id == row.id))
        if row.encryption_key_id is not None:
            session.execute(
                delete(EncryptionKey).where(EncryptionKey.id == row.encryption_key_id))
        events.record(session, job.ctx, "volume.delete.end", row)
        session.delete(row)
        session.flush()
        group_members.settle(session, job.ctx, group_id)

    def record_failure(self, session: Session, job: Job, error: str) -> None:
        """Its snapshots may be gone, too; its group may have waited for it alone."""
        group_id = self.hold_group(session, job)
        session.execute(update(Snapshot).where(
            Snapshot.volume_id == job.subject, Snapshot.status == "deleting")
            .values(status="error_deleting"))
        super().record_failure(session, job, error)
        group_members.settle(session, job.ctx, group_id)

    def error_status(self, job: Job) -> str | None:
        return "error_deleting"
