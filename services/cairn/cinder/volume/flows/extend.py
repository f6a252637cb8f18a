"""extend: the backend makes it larger."""

from collections.abc import Mapping

from cairn.cinder.volume.backends import thing
from cairn.cinder.volume.doer import Doer, Done
from cairn.common.flows import Do
from cairn.common.work import Job


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {"volume_extended": Do(self.extend)}

    def extend(self, job: Job) -> Done:
        record = job.results["room_found"]["volume"]
        return {"provider": self.driver(record["host"]).extend(thing(record), job.args["size"])}
