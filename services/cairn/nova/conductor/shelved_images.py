"""The image that a shelved server is kept in, deleted when nothing needs it any more."""

import logging

from sqlalchemy import update

from cairn.common.errors import Problem
from cairn.common.work import Job
from cairn.nova.conductor.doer import Doer
from cairn.nova.core import snapshots
from cairn.nova.db.models import Server

log = logging.getLogger(__name__)


class HasShelvedImage(Doer):
    def remove_image(self, job: Job) -> None:
        """One that Glance keeps (it is protected) stays, and is told to operators. Raises
        Unavailable and its like while Glance is away."""
        row = self.row_or_none(job)
        if row is None or row.shelved_image is None:
            return
        image_id = row.shelved_image["id"]
        try:
            self.patiently(lambda: snapshots.remove(self.nova, job.ctx, image_id),
                           "deleting an image")
        except Problem as problem:
            if problem.code >= 500:
                raise
            log.warning("image %s of server %s stays: %s", image_id, job.subject, problem)
        with self.nova.db.writing() as session:
            session.execute(update(Server).where(Server.id == job.subject)
                            .values(shelved_image=None, shelved_at=None))
