"""unmanage: here the volume is forgotten."""

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
            "volume_looked_up": step(self.look_up),
            "volume_forgotten": step(self.forget),
        }

    def absent(self, room: str, job: Job) -> bool:
        """A volume that never came to a backend has nothing there."""
        looked = job.results.get("volume_looked_up")
        return room == VOLUME and looked is not None and not looked["volume"]["host"]

    def look_up(self, job: Job) -> dict[str, Any]:
        with self.cinder.db.reading() as session:
            return {"volume": records.volume(session, job.subject)}

    def forget(self, job: Job) -> None:
        self.cinder.db.write(lambda session: self._forget(session, job))

    def _forget(self, session: Session, job: Job) -> None:
        row = self.target(session, job)
        if row is not None:
            events.record(session, job.ctx, "volume.unmanage.end", row)
            session.delete(row)
