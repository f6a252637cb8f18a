"""What is left of images that were deleted long ago."""

import datetime as dt

from sqlalchemy import delete, exists, insert, select
from sqlalchemy.orm import Session

from cairn.glance.db.data import CachedImage, ImageLocation, Task
from cairn.glance.db.models import (
    Image,
    ImageMember,
    ImageProperty,
    ImageTag,
    SpentId,
    UsageLock,
)


def purge(session: Session, before: dt.datetime, limit: int) -> int:
    """Remove at most `limit` records of images that were deleted before then, and whose bytes are
    gone; how many it was.

    Their ids stay spent. Whoever makes an image may choose its id: under one that others have
    written down somewhere they would get an image that is not the one they know.
    """
    ids = list(session.scalars(
        select(Image.id).where(
            Image.status == "deleted", Image.deleted_at < before,
            ~exists().where(ImageLocation.image_id == Image.id))
        .order_by(Image.deleted_at).limit(limit).with_for_update(skip_locked=True)))
    if not ids:
        session.execute(delete(UsageLock).where(
            UsageLock.locked_at < before, ~exists().where(Image.owner == UsageLock.project_id)))
        return 0
    recorded = set(session.scalars(select(SpentId.id).where(SpentId.id.in_(ids))))
    if new := [{"id": id_} for id_ in ids if id_ not in recorded]:
        session.execute(insert(SpentId), new)
    for model in (ImageTag, ImageProperty, ImageMember, Task, CachedImage):
        session.execute(delete(model).where(model.image_id.in_(ids)))
    session.execute(delete(Image).where(Image.id.in_(ids)))
    return len(ids)
