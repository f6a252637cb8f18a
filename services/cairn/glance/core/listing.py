"""What a list of images was asked for (API reference, "List images": filters and sorting)."""

import datetime as dt
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, cast

from sqlalchemy import Select, Table, and_, bindparam, false, not_, select
from sqlalchemy.orm import Session

from cairn.common.bounds import parse_whole
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.common.listing import paginate
from cairn.glance.component import Glance
from cairn.glance.core import access, images
from cairn.glance.core.access import COLUMNS, IMAGE
from cairn.glance.core.images import ImageRecord
from cairn.glance.db.models import ImageProperty, ImageTag
from cairn.glance.errors import ImageNotFound

PROPERTY, TAG = (cast(Table, model.__table__).c for model in (ImageProperty, ImageTag))
SORTABLE = ("name", "status", "container_format", "disk_format", "size", "id", "created_at",
            "updated_at")
# What is not a condition on an image or one of its properties.
ASIDE = {"limit", "marker", "sort", "sort_key", "sort_dir", "visibility", "member_status", "tag",
         "os_hidden", "protected"}
NUMBERS = ("size", "virtual_size", "min_ram", "min_disk")
TEXTS = ("name", "id", "status", "container_format", "disk_format")
PLAIN = ("owner", "checksum", "os_hash_algo", "os_hash_value")
VISIBILITIES = ("community", "public", "private", "shared", "all")
MEMBER_STATUSES = ("pending", "accepted", "rejected", "all")
# One value of in:a,"b,c": quoted, with escapes, or up to the next comma.
VALUE = re.compile(r'"((?:[^"\\]|\\.)*)"(?:,|$)|([^,"]*)(?:,|$)')


@dataclass(frozen=True)
class Paging:
    """Which page of a list is asked for."""

    sort_key: str
    sort_dir: str
    marker: str | None
    # None: everything.
    limit: int | None


def limit(text: str | None, default: int, most: int) -> int:
    if text is None:
        return min(default, most)
    asked = parse_whole(text.removeprefix("-"))
    if asked is None:
        raise Invalid(reason="limit param must be an integer")
    if text.startswith("-"):
        raise Invalid(reason="limit param must be positive")
    return min(asked, most)


def sorting(query: Any) -> list[tuple[Any, str]]:
    """Columns and directions, ending in the unique id."""
    if "sort" in query:
        if "sort_key" in query or "sort_dir" in query:
            raise Invalid(reason="Old and new sorting syntax cannot be combined")
        parts = [part.partition(":") for part in query["sort"].strip().split(",")]
        keys = [key.strip() for key, _, _ in parts]
        directions = [direction.strip() or "desc" for _, _, direction in parts]
    else:
        keys = [key.strip() for key in query.getlist("sort_key")]
        directions = [direction.strip() for direction in query.getlist("sort_dir")]
        if len(directions) > 1 and len(directions) != len(keys):
            raise Invalid(reason="Number of sort_dir does not match the number of sort_key")
    keys, directions = keys or ["created_at"], directions or ["desc"]
    for key in keys:
        if key not in SORTABLE:
            raise Invalid(reason=f"Invalid sort key: {key}. It must be one of the following: "
                                 f"{', '.join(SORTABLE)}.")
    for direction in directions:
        if direction not in ("asc", "desc"):
            raise Invalid(reason=f"Invalid sort direction: {direction}")
    rest = directions[0] if len(directions) == 1 else "desc"
    directions += [rest] * (len(keys) - len(directions))
    for key in ("created_at", "id"):
        if key not in keys:
            keys.append(key)
            directions.append(rest)
    return [(getattr(IMAGE, key), way) for key, way in zip(keys, directions, strict=True)]


@cache
def _statement(
    everything: bool, visibility: str | None, member_status: str, hidden: bool
) -> Select[Any]:
    """The images that a list shows PROJECT: there are few such lists, and each is made once."""
    return select(*COLUMNS).where(
        IMAGE.status.not_in(("deleted", "killed")),
        access.listable(everything, visibility, member_status),
        IMAGE.os_hidden.is_(hidden))


@lru_cache(maxsize=256)
def _first_page(
    everything: bool, visibility: str | None, member_status: str, hidden: bool,
    keys: tuple[tuple[Any, str], ...],
) -> Select[Any]:
    images_ = _statement(everything, visibility, member_status, hidden)
    return paginate(images_, keys, after=None, limit=None).limit(bindparam("most"))


def _shape(ctx: Context, query: Any) -> tuple[bool, str | None, str, bool]:
    """What tells lists apart that have no further conditions. Raises Invalid."""
    visibility = query.get("visibility") or None
    member_status = query.get("member_status", "accepted")
    if visibility is not None and visibility not in VISIBILITIES:
        raise Invalid(reason=f"Invalid visibility value: {visibility}")
    if member_status not in MEMBER_STATUSES:
        raise Invalid(reason=f"Invalid member_status value: {member_status}")
    hidden = _boolean("os_hidden", query.get("os_hidden", "false"))
    return access.sees_all(ctx), visibility, member_status, hidden


def _conditions(query: Any, readable: Callable[[str], bool]) -> list[Any]:
    """What else the images shall be like. `readable` says which properties the caller may know of.
    Raises Invalid."""
    if "changes-since" in query:
        raise Invalid(reason='The "changes-since" filter is not available in v2.')
    conditions: list[Any] = []
    if "protected" in query:
        conditions.append(IMAGE.protected.is_(_boolean("protected", query["protected"])))
    conditions += [IMAGE.id.in_(select(TAG.image_id).where(TAG.value == tag.strip()))
                   for tag in query.getlist("tag")]
    conditions += [_condition(name, value, readable) for name, value in query.items()
                   if name not in ASIDE]
    return conditions


def _condition(name: str, value: str, readable: Callable[[str], bool]) -> Any:
    column, _, bound = name.rpartition("_")
    if bound in ("min", "max") and column in NUMBERS:
        number = _number(name, value)
        what = getattr(IMAGE, column)
        return what >= number if bound == "min" else what <= number
    if name in NUMBERS:
        return getattr(IMAGE, name) == _number(name, value)
    if name in ("created_at", "updated_at"):
        return _compared(name, value)
    if name in TEXTS:
        return _text(name, value)
    if name in PLAIN:
        return getattr(IMAGE, name) == value
    if not readable(name):
        return false()
    return IMAGE.id.in_(select(PROPERTY.image_id).where(
        PROPERTY.name == name, PROPERTY.value == value))


def _text(name: str, value: str) -> Any:
    column = getattr(IMAGE, name)
    operator, colon, rest = value.partition(":")
    if colon and operator in ("neq", "gt", "gte", "lt", "lte"):
        raise Invalid(reason=f"Unable to filter {name} by operator '{operator}'.")
    if colon and operator == "eq":
        return column == rest
    if not colon or operator != "in":
        return column == value
    values, position = [], 0
    while position < len(rest):
        match = VALUE.match(rest, position)
        if match is None:
            raise Invalid(reason=f"Invalid filter value {rest} for {name}. The quote is not closed "
                                 "or not followed by a comma.")
        values.append(re.sub(r"\\(.)", r"\1", match[1]) if match[1] is not None else match[2])
        position = match.end()
    return column.in_(values)


def _number(name: str, value: str) -> int:
    number = parse_whole(value.removeprefix("-"))
    if number is None:
        raise Invalid(reason=f"Unable to filter {name} with a non-numeric value.")
    return -number if value.startswith("-") else number


def _compared(name: str, text: str) -> Any:
    """ "gte:2026-01-01T00:00:00Z" and its like (API reference, "Time Comparison Filters")."""
    column = getattr(IMAGE, name)
    operator, colon, when = text.partition(":")
    if not colon or operator not in ("gt", "gte", "eq", "neq", "lt", "lte"):
        operator, when = "eq", text
    try:
        moment = dt.datetime.fromisoformat(when)
    except ValueError:
        raise Invalid(reason=f"Invalid time '{when}' for {name}: ISO 8601 was expected.") from None
    if moment.tzinfo is not None:
        moment = moment.astimezone(dt.UTC).replace(tzinfo=None)
    # Clients know whole seconds, the rows have microseconds.
    after = moment + dt.timedelta(seconds=0 if moment.microsecond else 1)
    within = column == moment if after == moment else and_(column >= moment, column < after)
    return {
        "gt": column > moment if after == moment else column >= after,
        "gte": column >= moment, "eq": within, "neq": not_(within), "lt": column < moment,
        "lte": column <= moment if after == moment else column < after,
    }[operator]


def _boolean(name: str, text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise Invalid(reason=f"Invalid value '{text}' for '{name}' filter. Valid values are "
                             "'true' or 'false'.")
    return text.lower() == "true"


def _find_marker(
    session: Session, ctx: Context, image_id: str, keys: Sequence[tuple[Any, str]]
) -> list[Any]:
    try:
        marker = access.find_row(session, ctx, image_id)
    except ImageNotFound:
        raise Invalid(reason=f"marker: no image with ID {image_id}") from None
    return [getattr(marker, column.key) for column, _ in keys]


def list_images(
    glance: Glance, ctx: Context, query: Any
) -> tuple[list[ImageRecord], str | None]:
    """A page of images, and the id that the next one begins after, None if there is none. Raises
    Invalid."""
    settings = glance.settings
    most = limit(query.get("limit"), settings.limit_param_default, settings.api_limit_max)
    keys = tuple(sorting(query))
    shape = _shape(ctx, query)
    conditions = _conditions(
        query, lambda name: glance.protections.allows(glance.policy, ctx, "read", name))
    with glance.db.reading() as session:
        if not conditions and "marker" not in query:
            statement = _first_page(*shape, keys)
        else:
            after = _find_marker(session, ctx, query["marker"], keys) if "marker" in query else None
            statement = paginate(
                _statement(*shape).where(*conditions), keys, after=after, limit=most)
        rows = session.execute(statement, {"project": ctx.project, "most": most}).all()
        visible = access.seen(glance.policy, session, ctx, rows)
        records = images.read_records(glance, session, visible)
    return records, rows[-1].id if rows and len(rows) == most else None
