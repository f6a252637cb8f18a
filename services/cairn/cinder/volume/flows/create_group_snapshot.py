"""create_group_snapshot: the backend takes them."""

from collections.abc import Mapping

from cairn.cinder.volume.doer import Doer, Done, snapshot_thing
from cairn.common.flows import Do
from cairn.common.work import Job, check


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {"snapshots_taken": Do(self.take, self.remove)}

    def take(self, job: Job) -> Done:
        """All at one moment, where that is asked. One that cannot do so takes none."""
        parts = job.results["snapshots_looked_up"]["snapshots"]
        driver = self.driver(parts[0]["volume"]["host"])
        things = [snapshot_thing(part) for part in parts]
        if job.args["consistent"]:
            said = driver.create_snapshots(things)
        else:
            said = []
            for one in things:
                check()
                said.append(driver.create_snapshot(one))
        return {"providers": {one.id: provider for one, provider in zip(things, said, strict=True)}}

    def remove(self, job: Job) -> None:
        for part in self.kept(job, "snapshots_looked_up")["snapshots"]:
            self.driver(part["volume"]["host"]).delete_snapshot(snapshot_thing(part))
