"""manage: what is in the backend gets the volume's id."""

from collections.abc import Mapping
from dataclasses import replace

from cairn.cinder.volume.backends import thing
from cairn.cinder.volume.doer import Doer, Done
from cairn.common.flows import Do
from cairn.common.work import Job


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {
            "size_found": Do(self.measure),
            "volume_taken": Do(self.take, self.leave),
        }

    def measure(self, job: Job) -> Done:
        record = job.results["volume_looked_up"]["volume"]
        return {"size": self.driver(record["host"]).manage_size(job.args["ref"])}

    def take(self, job: Job) -> Done:
        record = job.results["volume_looked_up"]["volume"]
        volume = replace(thing(record), size=job.results["size_found"]["size"])
        return {"provider": self.driver(record["host"]).manage(volume, job.args["ref"])}

    def leave(self, job: Job) -> None:
        record = self.kept(job, "volume_looked_up")["volume"]
        self.driver(record["host"]).unmanage(thing(record))
