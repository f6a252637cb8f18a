"""The end of a work that this release does not know."""

from sqlalchemy import update

from cairn.common.work import Job
from cairn.glance.component import Glance
from cairn.glance.core import import_state, tasks
from cairn.glance.db.models import Image


def end_unknown(glance: Glance, job: Job, error: str) -> None:
    """Its task says why, and no more holds its image: that is queued again, or active as it was.
    Bytes that it left in staging or in stores are swept, as those of a killed process are."""
    task = job.args.get("task")
    if task is None:
        return
    with glance.db.writing() as session:
        if import_state.release(session, job.subject, task):
            session.execute(
                update(Image).where(Image.id == job.subject, Image.status == "importing")
                .values(status="queued", size=None))
        tasks.close(session, job.ctx, task, "failure", glance.imports.task_hours,
                    message=error[:4000], result={"image_id": job.subject})
