"""delete_group_snapshot: the volumes' host removes them; here they are forgotten."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from cairn.cinder.core import events
from cairn.cinder.scheduler.doer import step
from cairn.cinder.scheduler.group_snapshots import GroupSnapshotDoer
from cairn.common.flows import Do
from cairn.common.work import Job


class Steps(GroupSnapshotDoer):
    def steps(self) -> Mapping[str, Do]:
        return {
            "snapshots_looked_up": step(self.look_up),
            "snapshots_forgotten": step(self.forget),
        }

    def forget(self, job: Job) -> None:
        self.cinder.db.write(lambda session: self._forget(session, job))

    def _forget(self, session: Session, job: Job) -> None:
        for part in self.parts(session, job):
            events.record_snapshot(session, job.ctx, "snapshot.delete.end", part)
            session.delete(part)
        row = self.target(session, job)
        if row is not None:
            events.record_group_snapshot(session, job.ctx, "group_snapshot.delete.end", row)
            session.delete(row)

    def error_status(self, job: Job) -> str | None:
        return "error_deleting"
