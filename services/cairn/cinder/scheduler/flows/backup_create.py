"""backup_create: its host does it; here it is looked up and recorded."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from cairn.cinder.core import records
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
        with self.cinder.db.reading() as session:
            row = self.backup(session, job)
            return {
                "volume": records.volume(session, row.volume_id), "parent": row.parent_id,
                "snapshot": records.snapshot(session, row.snapshot_id)
                if row.snapshot_id else None,
                "clone": job.args["clone"],
            }

    def record(self, job: Job) -> None:
        made = job.results["chunks_stored"]

        def finish(session: Session) -> None:
            self.finish(session, job, "available", stored=made["stored"],
                        object_count=made["objects"])
            self.free(session, job)

        self.cinder.db.write(finish)
