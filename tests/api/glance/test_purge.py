"""What glance forgets: tasks and works that ended, images that are long deleted."""

import datetime as dt

from sqlalchemy import select, update

from cairn.common import ledger
from cairn.common.context import Context
from cairn.common.db import utcnow
from cairn.glance.core import purge
from cairn.glance.db.data import Task, Work, WorkStep
from cairn.glance.db.models import Image, ImageProperty
from cairn.glance.settings import WorkerProcess


def forget(glance):
    return {w: n for w, n in purge.make(WorkerProcess(), glance.db).run().items() if n}


def count(glance, model):
    with glance.db.reading() as session:
        return len(session.execute(select(model)).all())


def test_a_task_and_its_work_end_with_their_time(glance):
    ctx = Context("alice", project_id="red")
    with glance.db.writing() as session:
        for name, days in (("old", -3), ("late", -1), ("open", None)):
            end = None if days is None else utcnow() + dt.timedelta(days=days)
            row = ledger.add(session, ctx, Work, kind="import", subject=name, runner="glance")
            session.add(WorkStep(work_id=row.id, runner="glance", name="fetch", state="done"))
            row.state, row.finished_at = "queued" if end is None else "done", end
            session.add(Task(type="import", owner="red", input={}, image_id=name, expires_at=end
                             and end + dt.timedelta(days=2)))
    assert forget(glance) == {"tasks": 1, "works": 1}
    for column in (Task.image_id, Work.subject):
        with glance.db.reading() as session:
            assert set(session.scalars(select(column))) == {"late", "open"}
    assert count(glance, WorkStep) == 2


def test_a_deleted_image_is_forgotten_when_its_bytes_are_gone_and_its_time_is_over(
    call, make, glance,
):
    old, late, living = (make(name=name, os_distro="x") for name in ("a", "b", "c"))
    for image_id in (old, late):
        assert call("DELETE", f"/v2/images/{image_id}").status_code == 204
    assert forget(glance) == {}
    with glance.db.writing() as session:
        session.execute(update(Image).where(Image.id == old).values(
            deleted_at=utcnow() - dt.timedelta(days=31)))
    assert forget(glance) == {"deleted images": 1}
    with glance.db.reading() as session:
        assert set(session.scalars(select(Image.id))) == {late, living}
        assert set(session.scalars(select(ImageProperty.image_id))) == {living}
