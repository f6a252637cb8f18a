"""What glance itself writes on an image while it works on it: properties that nobody may set."""

from typing import Any

from sqlalchemy import Select, delete, insert, select
from sqlalchemy.orm import Session

from cairn.glance.db.models import ImageProperty

# The task that holds the image; where it is still to go; where it could not go.
LOCK = "os_glance_import_task"
IMPORTING = "os_glance_importing_to_stores"
FAILED = "os_glance_failed_import"


def put(session: Session, image_id: str, **marks: str | None) -> None:
    """Write properties (None: remove them)."""
    session.execute(delete(ImageProperty).where(
        ImageProperty.image_id == image_id, ImageProperty.name.in_(marks)))
    rows = [{"image_id": image_id, "name": name, "value": value}
            for name, value in marks.items() if value is not None]
    if rows:
        session.execute(insert(ImageProperty), rows)


def release(session: Session, image_id: str, task_id: str) -> bool:
    """Whether the task held the image, which it does no more; where the image was still to go, it
    could not go."""
    rows = session.execute(select(ImageProperty.name, ImageProperty.value).where(
        ImageProperty.image_id == image_id, ImageProperty.name.in_((LOCK, IMPORTING))))
    marks = {row.name: row.value for row in rows}
    if marks.get(LOCK) != task_id:
        return False
    put(session, image_id, **{LOCK: None})
    if IMPORTING in marks:
        put(session, image_id, **{IMPORTING: "", FAILED: marks[IMPORTING]})
    return True


def lock_of(image_id: str) -> Select[Any]:
    """The task that holds an image, in a query."""
    return select(ImageProperty.value).where(
        ImageProperty.image_id == image_id, ImageProperty.name == LOCK)
