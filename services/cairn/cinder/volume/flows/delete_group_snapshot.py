"""delete_group_snapshot: the backend removes them."""

from collections.abc import Mapping

from cairn.cinder.volume.doer import Doer, Done, snapshot_thing
from cairn.common.flows import Do
from cairn.common.work import Job


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {"snapshots_removed": Do(self.remove)}

    def remove(self, job: Job) -> Done:
        for part in job.results["snapshots_looked_up"]["snapshots"]:
            self.driver(part["volume"]["host"]).delete_snapshot(snapshot_thing(part))
        return None
