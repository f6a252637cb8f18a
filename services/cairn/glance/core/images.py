"""What an image has beside its own columns, and its end."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

from cairn.common.db import utcnow
from cairn.glance.component import Glance
from cairn.glance.core import locations
from cairn.glance.db.models import Image, ImageMember, ImageProperty, ImageTag
from cairn.glance.errors import OverLimit, Protected

# Of the tables, not of the classes: a list of images reads thousands of these rows.
_property, _tag = ImageProperty.__table__.c, ImageTag.__table__.c
_PROPERTIES = select(_property.image_id, _property.name, _property.value).where(
    _property.image_id.in_(bindparam("ids", expanding=True)))
_TAGS = select(_tag.image_id, _tag.value).where(
    _tag.image_id.in_(bindparam("ids", expanding=True)))


def read_extras(
    session: Session, ids: Sequence[str]
) -> tuple[dict[str, dict[str, str]], dict[str, list[str]]]:
    """Custom properties and tags of images, by image id."""
    properties: dict[str, dict[str, str]] = {id_: {} for id_ in ids}
    tags: dict[str, list[str]] = {id_: [] for id_ in ids}
    if not ids:
        return properties, tags
    for image_id, name, value in session.execute(_PROPERTIES, {"ids": ids}).all():
        properties[image_id][name] = value
    for image_id, tag in session.execute(_TAGS, {"ids": ids}).all():
        tags[image_id].append(tag)
    for found in tags.values():
        found.sort()
    return properties, tags


def set_tags(session: Session, image_id: str, tags: Iterable[str]) -> None:
    session.execute(delete(ImageTag).where(ImageTag.image_id == image_id))
    rows = [{"image_id": image_id, "value": tag} for tag in sorted(set(tags))]
    if rows:
        session.execute(insert(ImageTag), rows)


def set_properties(
    session: Session, image_id: str, before: Mapping[str, str], after: Mapping[str, str]
) -> None:
    """Write the difference."""
    changed = {name: value for name, value in after.items() if before.get(name) != value}
    gone = [name for name in before if name not in after or name in changed]
    if gone:
        session.execute(delete(ImageProperty).where(
            ImageProperty.image_id == image_id, ImageProperty.name.in_(gone)))
    if changed:
        session.execute(insert(ImageProperty), [
            {"image_id": image_id, "name": name, "value": value}
            for name, value in changed.items()])


def remove(session: Session, image: Image) -> None:
    if image.protected:
        raise Protected(id=image.id, reason="")
    session.execute(update(Image).where(Image.id == image.id).values(
        status="deleted", deleted_at=utcnow()))
    for model in (ImageTag, ImageProperty, ImageMember):
        session.execute(delete(model).where(model.image_id == image.id))


@dataclass(frozen=True)
class ImageRecord:
    """An image with all that a client is shown of it."""

    # A row or an Image.
    row: Any
    properties: dict[str, str]
    tags: list[str]
    # Rows of locations, oldest first; with `meta` only where the settings show them.
    places: list[Any]


def read_records(glance: Glance, session: Session, rows: Sequence[Any]) -> list[ImageRecord]:
    """What belongs to the images, in their order."""
    ids = [row.id for row in rows]
    properties, tags = read_extras(session, ids)
    wholly = glance.settings.show_multiple_locations
    places = locations.of(session, ids) if wholly else locations.rows(session, ids)
    return [ImageRecord(row, properties[row.id], tags[row.id], places.get(row.id, []))
            for row in rows]


def check_quota(what: str, attempted: int, maximum: int) -> None:
    """Raises OverLimit when an image would have more than the settings allow."""
    if 0 <= maximum < attempted:
        raise OverLimit(what=what, attempted=attempted, maximum=maximum)
