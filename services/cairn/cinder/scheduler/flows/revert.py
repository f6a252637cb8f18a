"""revert: the snapshot is busy as long as that lasts."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from cairn.cinder.core import records
from cairn.cinder.db.models import Snapshot
from cairn.cinder.scheduler.doer import Doer, step
from cairn.common.flows import Do
from cairn.common.work import Job


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {
            "snapshot_looked_up": step(self.look_up),
            "volume_recorded": step(self.record),
        }

    def look_up(self, job: Job) -> dict[str, Any]:
        with self.cinder.db.reading() as session:
            return {"snapshot": records.snapshot(session, job.args["snapshot_id"])}

    def record(self, job: Job) -> None:
        def finish(session: Session) -> None:
            self._free(session, job)
            self.finish(session, job, provider=job.results["volume_reverted"]["provider"])

        self.cinder.db.write(finish)

    def record_failure(self, session: Session, job: Job, error: str) -> None:
        self._free(session, job)
        super().record_failure(session, job, error)

    def _free(self, session: Session, job: Job) -> None:
        session.execute(update(Snapshot).where(
            Snapshot.id == job.args["snapshot_id"], Snapshot.status == "restoring")
            .values(status="available"))
