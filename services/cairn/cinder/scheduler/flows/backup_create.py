"""backup_create: its host does it; here it is looked up and recorded."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.cinder.core import backup_places, records
from cairn.cinder.db.models import Backup
from cairn.cinder.scheduler.backups import BackupDoer
from cairn.cinder.scheduler.doer import step
from cairn.common.flows import Do
from cairn.common.work import Job


class Steps(BackupDoer):
    def steps(self) -> Mapping[str, Do]:
        return {
            "backup_looked_up": step(self.look_up),
            "backup_recorded": step(self.record),
        }

    def look_up(self, job: Job) -> dict[str, Any]:
        """Kept: the host undoes its part when this is no result any more."""

        def write(session: Session) -> dict[str, Any]:
            row = self.backup(session, job)
            parent = session.scalar(select(Backup).where(Backup.id == row.parent_id))
            looked = {
                "volume": records.volume(session, row.volume_id),
                "parent": backup_places.record(parent)["id"] if parent is not None else None,
                "snapshot": records.snapshot(session, row.snapshot_id)
                if row.snapshot_id else None,
                "clone": job.args["clone"],
            }
            self.keep(session, job, "backup_looked_up", looked)
            return looked

        return self.cinder.db.write(write)

    def record(self, job: Job) -> None:
        made = job.results["chunks_stored"]

        def finish(session: Session) -> None:
            self.finish(session, job, "available", stored=made["stored"],
                        object_count=made["objects"])
            self.free(session, job)

        self.cinder.db.write(finish)
