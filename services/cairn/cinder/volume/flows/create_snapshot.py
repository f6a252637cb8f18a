"""create_snapshot: the backend takes it."""

from collections.abc import Mapping

from cairn.cinder.volume.doer import Doer, Done, snapshot_thing
from cairn.common.flows import Do
from cairn.common.work import Job


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {"snapshot_taken": Do(self.take, self.remove)}

    def take(self, job: Job) -> Done:
        record = job.results["snapshot_looked_up"]["snapshot"]
        return {"provider": self.driver(record["volume"]["host"]).create_snapshot(
            snapshot_thing(record))}

    def remove(self, job: Job) -> None:
        record = self.kept(job, "snapshot_looked_up")["snapshot"]
        self.driver(record["volume"]["host"]).delete_snapshot(snapshot_thing(record))
