"""backup_restore: a volume holds what a backup does."""

from collections.abc import Mapping

from cairn.cinder.drivers.base import room
from cairn.cinder.volume.backends import thing
from cairn.cinder.volume.backups import chunks
from cairn.cinder.volume.backups.doer import Doer
from cairn.common.flows import Do
from cairn.common.work import Job


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {"content_restored": Do(self.restore)}

    def restore(self, job: Job) -> None:
        record = job.results["volume_claimed"]["volume"]
        volume = thing(record)
        with self.backends.driver(record["host"]).opened(volume, write=True) as disk:
            chunks.load(self.target, disk, room(volume), job.args["resource_id"])
