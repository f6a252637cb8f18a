"""createBackup: after its host, what is too much of the backups before goes."""

import logging
from collections.abc import Mapping
from functools import partial

from cairn.common.errors import Problem
from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.conductor.doer import Doer, step
from cairn.nova.core import servers, snapshots

log = logging.getLogger(__name__)


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {"backups_rotated": step(self.rotate)}

    def rotate(self, job: Job) -> None:
        """Of the project that asked: anybody may call an image of theirs a backup of anything. One
        that Glance keeps (it is protected) stays."""
        args = job.args
        backups = self.patiently(
            lambda: self.nova.cloud.images.list_backups(
                job.ctx, job.ctx.project, job.subject, args["backup_type"]),
            "listing backups")
        for image in backups[args["rotation"]:]:
            try:
                self.patiently(partial(snapshots.remove, self.nova, job.ctx, image["id"]),
                               "deleting a backup")
            except Problem as problem:
                if problem.code >= 500:
                    raise
                log.warning("backup %s of server %s stays: %s", image["id"], job.subject, problem)
        with self.nova.db.writing() as session:
            servers.change(session, job.subject, task_state=None)

    def failed(self, job: Job, error: str) -> str | None:
        """No half an image stays. A whole one does, whatever came after it."""
        if "snapshot_uploaded" not in job.results:
            self.patiently(lambda: snapshots.remove(self.nova, job.ctx, job.args["image_id"]),
                           "removing the image")
        return super().failed(job, error)
