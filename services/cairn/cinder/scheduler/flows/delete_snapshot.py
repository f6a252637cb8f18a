"""delete_snapshot: its volume's host removes it; here it is forgotten."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from cairn.cinder.core import events, records
from cairn.cinder.rpc import VOLUME
from cairn.cinder.scheduler.doer import Doer, step
from cairn.common.flows import Do
from cairn.common.work import Job


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {
            "snapshot_looked_up": step(self.look_up),
            "snapshot_forgotten": step(self.forget),
        }

    def absent(self, room: str, job: Job) -> bool:
        """A snapshot of a volume that came to no backend is on none."""
        looked = job.results.get("snapshot_looked_up")
        return room == VOLUME and looked is not None and not looked["snapshot"]["volume"]["host"]

    def look_up(self, job: Job) -> dict[str, Any]:
        with self.cinder.db.reading() as session:
            return {"snapshot": records.snapshot(session, job.args["resource_id"])}

    def forget(self, job: Job) -> None:
        self.cinder.db.write(lambda session: self._forget(session, job))

    def _forget(self, session: Session, job: Job) -> None:
        row = self.target(session, job)
        if row is not None:
            events.record_snapshot(session, job.ctx, "snapshot.delete.end", row)
            session.delete(row)

    def error_status(self, job: Job) -> str | None:
        return "error_deleting"
