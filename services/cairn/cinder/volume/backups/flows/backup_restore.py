"""backup_restore: a volume holds what a backup does."""

import logging
from collections.abc import Mapping

from cairn.cinder.drivers.base import room
from cairn.cinder.volume.backends import thing
from cairn.cinder.volume.backups import chunks
from cairn.cinder.volume.backups.doer import Doer
from cairn.common.flows import Do
from cairn.common.work import Job

log = logging.getLogger(__name__)


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {"backup_checked": Do(self.check), "content_restored": Do(self.restore)}

    def check(self, job: Job) -> None:
        """Before anything is written: what the volume holds is lost then."""
        self.check_target(job)
        for _ in chunks.read_list(self.target, self.kept(job)).chunks():
            pass

    def restore(self, job: Job) -> None:
        record = job.results["volume_claimed"]["volume"]
        volume = thing(record)
        with self.backends.driver(record["host"]).opened(volume, write=True) as disk:
            chunks.load(self.target, disk, room(volume), self.kept(job))
        log.info("backup %s is restored to volume %s", self.kept(job).id, job.subject)
