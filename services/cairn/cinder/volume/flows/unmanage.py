"""unmanage: the backend keeps it under a name that is nobody's."""

from collections.abc import Mapping

from cairn.cinder.volume.backends import thing
from cairn.cinder.volume.doer import Doer, Done
from cairn.common.flows import Do
from cairn.common.work import Job


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {"volume_left": Do(self.leave)}

    def leave(self, job: Job) -> Done:
        record = job.results["volume_looked_up"]["volume"]
        self.driver(record["host"]).unmanage(thing(record))
        return None
