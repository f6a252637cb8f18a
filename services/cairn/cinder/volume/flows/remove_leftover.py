"""remove_leftover: what a volume was is removed."""

from collections.abc import Mapping

from cairn.cinder.volume.backends import thing
from cairn.cinder.volume.doer import Doer, Done
from cairn.common.flows import Do
from cairn.common.work import Job


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {"leftover_removed": Do(self.remove)}

    def remove(self, job: Job) -> Done:
        record = job.args["leftover"]
        self.driver(record["host"]).delete(thing(record))
        return None
