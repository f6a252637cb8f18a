"""create_group_snapshot: the volumes' host takes them; here they are recorded."""

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
            "snapshots_recorded": step(self.record),
        }

    def record(self, job: Job) -> None:
        self.cinder.db.write(lambda session: self._record(session, job))

    def _record(self, session: Session, job: Job) -> None:
        providers = job.results["snapshots_taken"]["providers"]
        for part in self.parts(session, job):
            if part.status != "creating":
                continue
            part.status, part.provider, part.progress = "available", providers[part.id], "100%"
            session.flush()
            events.record_snapshot(session, job.ctx, "snapshot.create.end", part)
        self.finish(session, job, "available")
