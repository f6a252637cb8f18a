"""delete: the volume is removed from its backend."""

from collections.abc import Mapping

from cairn.cinder.volume.backends import thing
from cairn.cinder.volume.doer import Doer, Done, snapshot_thing
from cairn.common.flows import Do
from cairn.common.work import Job, check


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {
            "exports_removed": Do(self.remove_exports),
            "snapshots_removed": Do(self.remove_snapshots),
            "volume_removed": Do(self.remove),
        }

    def remove_exports(self, job: Job) -> Done:
        looked = job.results["volume_looked_up"]
        driver = self.driver(looked["volume"]["host"])
        for attachment in looked["attachments"]:
            driver.unexport(thing(looked["volume"]), attachment)
        return None

    def remove_snapshots(self, job: Job) -> Done:
        looked = job.results["volume_looked_up"]
        driver = self.driver(looked["volume"]["host"])
        for snapshot in looked["snapshots"]:
            check()
            driver.delete_snapshot(snapshot_thing(snapshot))
        return None

    def remove(self, job: Job) -> Done:
        record = job.results["volume_looked_up"]["volume"]
        self.driver(record["host"]).delete(thing(record))
        return None
