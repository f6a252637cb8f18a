"""backup_delete: nothing of a backup is left where it was kept."""

from collections.abc import Mapping

from cairn.cinder.volume.backups.doer import Doer
from cairn.common.flows import Do
from cairn.common.work import Job


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {"chunks_removed": Do(self.remove)}

    def remove(self, job: Job) -> None:
        """Not what another backup is made of: a record may have been imported twice."""
        if job.results["backup_found"].get("shared"):
            return
        self.check_target(job)
        self.target.remove(self.kept(job))
