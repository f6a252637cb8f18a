"""What is left of deleted images goes; their ids stay spent."""

import datetime as dt

from sqlalchemy import func, select, update

from cairn.common.db import utcnow
from cairn.glance.core.deleted import purge
from cairn.glance.db.data import ImageLocation, Task
from cairn.glance.db.models import Image, ImageMember, ImageProperty, ImageTag, SpentId, UsageLock


def purged(glance, days=30, limit=100):
    with glance.db.writing() as session:
        return purge(session, utcnow() - dt.timedelta(days=days), limit)


def age(glance, image_id, days):
    with glance.db.writing() as session:
        session.execute(update(Image).where(Image.id == image_id).values(
            deleted_at=utcnow() - dt.timedelta(days=days)))


def test_only_what_was_deleted_long_ago_goes(glance, call, make, upload, work):
    old, young, alive = (make(tags=["a"], p="q") for _ in range(3))
    for image_id in (old, young, alive):
        assert upload(image_id, b"bytes").status_code == 204
    with glance.db.writing() as session:
        session.add(Task(type="import", owner="red", image_id=old, input={}, status="success"))
    for image_id in (old, young):
        call("DELETE", f"/v2/images/{image_id}")
    age(glance, old, 31)
    age(glance, young, 29)
    assert (purged(glance), purged(glance)) == (1, 0)
    with glance.db.reading() as session:
        assert set(session.scalars(select(Image.id))) == {young, alive}
        for model in (ImageTag, ImageProperty, ImageMember, ImageLocation, Task):
            assert session.scalar(select(func.count()).select_from(model).where(
                model.image_id == old)) == 0
    assert call("GET", f"/v2/images/{alive}/file").data == b"bytes"


def test_an_id_is_never_another_images(glance, call, make):
    image_id = make()
    call("DELETE", f"/v2/images/{image_id}")
    body = {"id": image_id, "disk_format": "raw", "container_format": "bare"}
    assert call("POST", "/v2/images", "bob", json=body).status_code == 409
    age(glance, image_id, 99)
    assert purged(glance) == 1
    for written in (image_id, image_id.upper()):
        assert call("POST", "/v2/images", "bob", json=body | {"id": written}).status_code == 409
    assert call("GET", f"/v2/images/{image_id}", "admin").status_code == 404


def test_it_goes_in_small_bites(glance, call, make):
    for _ in range(5):
        image_id = make()
        call("DELETE", f"/v2/images/{image_id}")
        age(glance, image_id, 40)
    assert [purged(glance, limit=2) for _ in range(4)] == [2, 2, 1, 0]
    with glance.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(SpentId)) == 5


def test_locks_of_projects_without_images_go(glance, make):
    make()
    with glance.db.writing() as session:
        for project in ("red", "gone"):
            session.add(UsageLock(project_id=project, locked_at=utcnow() - dt.timedelta(days=90)))
    assert purged(glance) == 0
    with glance.db.reading() as session:
        assert list(session.scalars(select(UsageLock.project_id))) == ["red"]
