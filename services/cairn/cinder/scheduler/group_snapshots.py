"""What both works on snapshots of groups have in common: one host has all of them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.cinder.core import events, records
from cairn.cinder.db.models import Snapshot
from cairn.cinder.errors import Withdrawn
from cairn.cinder.rpc import VOLUME
from cairn.cinder.scheduler.doer import Doer
from cairn.common.work import Job


class GroupSnapshotDoer(Doer):
    def absent(self, room: str, job: Job) -> bool:
        """One without snapshots is on no host."""
        looked = job.results.get("snapshots_looked_up")
        return room == VOLUME and looked is not None and not looked["snapshots"]

    def host(self, job: Job) -> str:
        host: str = job.results["snapshots_looked_up"]["snapshots"][0]["volume"]["host"]
        return host

    def parts(self, session: Session, job: Job) -> Sequence[Snapshot]:
        """Its snapshots."""
        return session.scalars(
            select(Snapshot).where(Snapshot.group_snapshot_id == job.args["resource_id"])
            .order_by(Snapshot.number)).all()

    def look_up(self, job: Job) -> dict[str, Any]:
        with self.cinder.db.writing() as session:
            if self.target(session, job) is None:
                raise Withdrawn
            ids = [row.id for row in self.parts(session, job)]
            seen = {"snapshots": records.snapshots(session, ids)}
            self.keep(session, job, "snapshots_looked_up", seen)
            return seen

    def record_failure(self, session: Session, job: Job, error: str) -> None:
        """Each of its snapshots is as the whole is."""
        row = self.target(session, job)
        mine = {entry.task for entry in self.action.entries}
        if row is not None and row.status in mine | {"available"}:
            event = self.action.event.replace("group_snapshot", "snapshot")
            for part in self.parts(session, job):
                part.status, part.previous_status = self.error_status(job) or "error", None
                session.flush()
                events.record_snapshot(session, job.ctx, f"{event}.error", part, error=error)
        super().record_failure(session, job, error)
