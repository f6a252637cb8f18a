"""What it means to see, make, change and remove an image."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import CursorResult, Select, and_, delete, insert, or_, select, update
from sqlalchemy.orm import Session

from cairn.common.context import Context
from cairn.common.db import utcnow
from cairn.glance.db.models import Image, ImageMember, ImageProperty, ImageTag
from cairn.glance.errors import ImageNotFound, NotYours, Protected, WrongState

# Seconds an upload may be silent before it counts as dead.
SILENCE = 60


def sees_all(ctx: Context) -> bool:
    return ctx.is_admin or "service" in ctx.roles


def visible(ctx: Context) -> Any:
    """What narrows a query to images the caller may see by their id."""
    shared = select(ImageMember.image_id).where(
        ImageMember.member == ctx.project, ImageMember.status != "rejected")
    return or_(
        Image.owner == ctx.project, Image.visibility.in_(("public", "community")),
        and_(Image.visibility == "shared", Image.id.in_(shared)),
    )


def listable(ctx: Context, visibility: str | None, member_status: str) -> Any:
    """What narrows a query to images that a list shows (API reference, "List images")."""
    member = select(ImageMember.image_id).where(ImageMember.member == ctx.project)
    if member_status != "all":
        member = member.where(ImageMember.status == member_status)
    with_me = and_(Image.visibility == "shared", Image.id.in_(member))
    mine = Image.owner == ctx.project
    everything = sees_all(ctx)
    if visibility == "all":
        return True if everything else or_(
            mine, Image.visibility.in_(("public", "community")), with_me)
    if visibility in ("public", "community"):
        return Image.visibility == visibility
    if visibility == "private":
        return Image.visibility == "private" if everything else and_(
            mine, Image.visibility == "private")
    if visibility == "shared":
        return Image.visibility == "shared" if everything else or_(
            and_(mine, Image.visibility == "shared"), with_me)
    if everything:
        return or_(mine, Image.visibility != "community")
    return or_(mine, Image.visibility == "public", with_me)


def find(session: Session, ctx: Context, image_id: str) -> Image:
    query = select(Image).where(Image.id == image_id, Image.status != "deleted")
    if not sees_all(ctx):
        query = query.where(visible(ctx))
    image = session.scalar(query)
    if image is None:
        raise ImageNotFound(id=image_id)
    return image


def find_mine(session: Session, ctx: Context, image_id: str, doing: str) -> Image:
    """An image the caller may change. One that is only seen is forbidden, not hidden."""
    image = find(session, ctx, image_id)
    if not ctx.is_admin and image.owner != ctx.project:
        raise NotYours(reason=doing)
    return image


def extras(
    session: Session, ids: Sequence[str]
) -> tuple[dict[str, dict[str, str]], dict[str, list[str]]]:
    """Custom properties and tags of images, by image id."""
    properties: dict[str, dict[str, str]] = {id_: {} for id_ in ids}
    tags: dict[str, list[str]] = {id_: [] for id_ in ids}
    if not ids:
        return properties, tags
    for row in session.execute(select(
        ImageProperty.image_id, ImageProperty.name, ImageProperty.value
    ).where(ImageProperty.image_id.in_(ids))):
        properties[row[0]][row[1]] = row[2]
    for image_id, tag in session.execute(
        select(ImageTag.image_id, ImageTag.value).where(ImageTag.image_id.in_(ids))
        .order_by(ImageTag.value)
    ):
        tags[image_id].append(tag)
    return properties, tags


def set_tags(session: Session, image_id: str, tags: Sequence[str]) -> None:
    session.execute(delete(ImageTag).where(ImageTag.image_id == image_id))
    rows = [{"image_id": image_id, "value": tag} for tag in sorted(set(tags))]
    if rows:
        session.execute(insert(ImageTag), rows)


def set_property(session: Session, image_id: str, name: str, value: str | None) -> None:
    session.execute(delete(ImageProperty).where(
        ImageProperty.image_id == image_id, ImageProperty.name == name))
    if value is not None:
        session.execute(insert(ImageProperty).values(
            image_id=image_id, name=name, value=value))


def remove(session: Session, image: Image) -> None:
    if image.protected:
        raise Protected(id=image.id, reason="")
    session.execute(update(Image).where(Image.id == image.id).values(
        status="deleted", deleted_at=utcnow()))
    for model in (ImageTag, ImageProperty, ImageMember):
        session.execute(delete(model).where(model.image_id == image.id))


def begin_saving(session: Session, image: Image) -> None:
    """Take the image for one upload. Of two callers the database lets one through."""
    now = utcnow()
    free = or_(Image.status == "queued",
               and_(Image.status == "saving", Image.saving_until < now))
    taken = session.execute(
        update(Image).where(Image.id == image.id, free)
        .values(status="saving", saving_until=_soon(now))
    )
    if not _one(taken):
        session.refresh(image)
        raise WrongState(status=image.status, wanted="saving", reason="")


def keep_saving(session: Session, image_id: str) -> bool:
    """Say that the upload lives; whether the image still is this upload's."""
    kept = session.execute(
        update(Image).where(Image.id == image_id, Image.status == "saving")
        .values(saving_until=_soon(utcnow()))
    )
    return _one(kept)


def end_saving(session: Session, image_id: str, status: str, **facts: Any) -> bool:
    ended = session.execute(
        update(Image).where(Image.id == image_id, Image.status == "saving")
        .values(status=status, saving_until=None, **facts)
    )
    return _one(ended)


def dead_uploads() -> Select[Any]:
    return select(Image.id).where(Image.status == "saving", Image.saving_until < utcnow())


def _soon(now: dt.datetime) -> dt.datetime:
    return now + dt.timedelta(seconds=SILENCE)


def _one(result: Any) -> bool:
    assert isinstance(result, CursorResult)
    return result.rowcount == 1
