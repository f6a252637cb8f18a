"""revert: the backend does it."""

from collections.abc import Mapping

from cairn.cinder.volume.backends import thing
from cairn.cinder.volume.doer import Doer, Done, snapshot_thing
from cairn.common.flows import Do
from cairn.common.work import Job


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {"volume_reverted": Do(self.revert)}

    def revert(self, job: Job) -> Done:
        record = job.results["snapshot_looked_up"]["snapshot"]
        return {"provider": self.driver(record["volume"]["host"]).revert(
            thing(record["volume"]), snapshot_thing(record))}
