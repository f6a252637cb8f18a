"""unmanage_snapshot: the backend keeps it under a name that is nobody's."""

from collections.abc import Mapping

from cairn.cinder.volume.doer import Doer, Done, snapshot_thing
from cairn.common.flows import Do
from cairn.common.work import Job


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {"snapshot_left": Do(self.leave)}

    def leave(self, job: Job) -> Done:
        record = job.results["snapshot_looked_up"]["snapshot"]
        self.driver(record["volume"]["host"]).unmanage_snapshot(snapshot_thing(record))
        return None
