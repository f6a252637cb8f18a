"""unmanage_snapshot: here it is forgotten."""

from typing import Any

from sqlalchemy.orm import Session

from cairn.cinder.core import events
from cairn.cinder.scheduler.flows import delete_snapshot
from cairn.common.work import Job


class Steps(delete_snapshot.Steps):
    def _forget(self, session: Session, job: Job) -> None:
        row: Any = self.target(session, job)
        if row is not None:
            events.record_snapshot(session, job.ctx, "snapshot.unmanage.end", row)
            session.delete(row)

    def error_status(self, job: Job) -> str | None:
        return "error"
