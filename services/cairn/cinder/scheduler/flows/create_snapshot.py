"""create_snapshot: its volume's host takes it; here it is recorded."""

from collections.abc import Mapping
from typing import Any

from cairn.cinder.core import records
from cairn.cinder.scheduler.doer import Doer, step
from cairn.common.flows import Do
from cairn.common.work import Job


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {
            "snapshot_looked_up": step(self.look_up),
            "snapshot_recorded": step(self.record),
        }

    def look_up(self, job: Job) -> dict[str, Any]:
        with self.cinder.db.writing() as session:
            seen = {"snapshot": records.snapshot(session, job.args["resource_id"])}
            self.keep(session, job, "snapshot_looked_up", seen)
            return seen

    def record(self, job: Job) -> None:
        provider = job.results["snapshot_taken"]["provider"]
        self.cinder.db.write(lambda session: self.finish(
            session, job, "available", provider=provider, progress="100%"))
