"""What an image has beside its own columns, and its end."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, NamedTuple, cast

import orjson
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    CompoundSelect,
    String,
    Table,
    bindparam,
    delete,
    insert,
    literal_column,
    select,
    type_coerce,
    union_all,
    update,
)
from sqlalchemy.orm import Session

from cairn.common.db import changed, utcnow
from cairn.glance.db.data import ImageLocation
from cairn.glance.db.models import Image, ImageMember, ImageProperty, ImageTag
from cairn.glance.errors import ImageNotFound, OverLimit, Protected

# Of the tables, not of the classes: a list of images reads thousands of these rows. Its properties,
# its tags and its places come as one answer.
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_property, _tag, _place = (
    cast(Table, model.__table__).c for model in (ImageProperty, ImageTag, ImageLocation))
_meta: ColumnElement[Any] = type_coerce(_place.meta, String)
_0: ColumnElement[Any] = literal_column("0")
_EMPTY: ColumnElement[Any] = literal_column("''")
_PROPERTIES = select(
    _property.image_id, literal_column("1"), _property.name, _property.value, _EMPTY, _EMPTY, _0,
).where(_property.image_id.in_(_IDS))
_TAGS = select(
    _tag.image_id, literal_column("2"), _tag.value, _EMPTY, _EMPTY, _EMPTY, _0,
).where(_tag.image_id.in_(_IDS))
_PLACES = select(
    _place.image_id, literal_column("3"), _EMPTY, _place.url, _place.store, _meta, _place.id,
).where(_place.image_id.in_(_IDS))
_EXTRAS = union_all(_PROPERTIES, _TAGS)
_BESIDE = union_all(_PROPERTIES, _TAGS, _PLACES)


class Place(NamedTuple):
    """A location of an image."""

    id: int
    image_id: str
    store: str
    url: str
    meta: dict[str, Any]


def read_extras(
    session: Session, ids: Sequence[str]
) -> tuple[dict[str, dict[str, str]], dict[str, list[str]]]:
    """Custom properties and tags of images, by image id."""
    properties, tags, _ = _read_beside(session, _EXTRAS, ids)
    return properties, tags


def _read_beside(
    session: Session, statement: CompoundSelect[Any], ids: Sequence[str]
) -> tuple[dict[str, dict[str, str]], dict[str, list[str]], dict[str, list[Place]]]:
    properties: dict[str, dict[str, str]] = {id_: {} for id_ in ids}
    tags: dict[str, list[str]] = {id_: [] for id_ in ids}
    places: dict[str, list[Place]] = {id_: [] for id_ in ids}
    if ids:
        for image_id, kind, name, value, store, meta, number in session.execute(
                statement, {"ids": ids}).all():
            if kind == 1:
                properties[image_id][name] = value
            elif kind == 2:
                tags[image_id].append(name)
            else:
                places[image_id].append(
                    Place(number, image_id, store, value, orjson.loads(meta)))
    for words in tags.values():
        words.sort()
    for rows in places.values():
        rows.sort(key=attrgetter("id"))
    return properties, tags, places


def set_tags(session: Session, image_id: str, tags: Iterable[str]) -> None:
    """Make these the image's only tags. How many it may have is asked before."""
    session.execute(delete(ImageTag).where(ImageTag.image_id == image_id))
    rows = [{"image_id": image_id, "value": tag} for tag in sorted(set(tags))]
    if rows:
        session.execute(insert(ImageTag), rows)


def add_tag(session: Session, image_id: str, tag: str) -> None:
    """Give the image a tag. Raises IntegrityError where it has it."""
    session.execute(insert(ImageTag).values(image_id=image_id, value=tag))


def remove_tag(session: Session, image_id: str, tag: str) -> bool:
    """Whether the image had it."""
    return changed(session.execute(delete(ImageTag).where(
        ImageTag.image_id == image_id, ImageTag.value == tag)))


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
    """Raises Protected, ImageNotFound: also where that became so just now."""
    gone = session.execute(update(Image).where(
        Image.id == image.id, Image.protected.is_(False), Image.status != "deleted",
    ).values(status="deleted", deleted_at=utcnow()))
    if not changed(gone):
        session.refresh(image)
        if image.status == "deleted":
            raise ImageNotFound(id=image.id)
        raise Protected(id=image.id, reason="")
    for model in (ImageTag, ImageProperty, ImageMember):
        session.execute(delete(model).where(model.image_id == image.id))


@dataclass(frozen=True)
class ImageRecord:
    """An image with all that a client is shown of it."""

    # A row or an Image.
    row: Any
    properties: dict[str, str]
    tags: list[str]
    # Oldest first.
    places: list[Place]


def read_records(session: Session, rows: Sequence[Any]) -> list[ImageRecord]:
    """What belongs to the images, in their order."""
    ids = [row.id for row in rows]
    properties, tags, places = _read_beside(session, _BESIDE, ids)
    return [ImageRecord(row, properties[row.id], tags[row.id], places[row.id]) for row in rows]


def check_quota(what: str, attempted: int, maximum: int) -> None:
    """Raises OverLimit when an image would have more than the settings allow."""
    if 0 <= maximum < attempted:
        raise OverLimit(what=what, attempted=attempted, maximum=maximum)
