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


def lock_of(image_id: str) -> Select[Any]:
    """The task that holds an image, in a query."""
    return select(ImageProperty.value).where(
        ImageProperty.image_id == image_id, ImageProperty.name == LOCK)
