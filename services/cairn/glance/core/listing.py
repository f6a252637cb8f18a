"""What a list of images was asked for (API reference, "List images": filters and sorting)."""

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, false, not_, select

from cairn.common.bounds import parse_whole
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.common.listing import paginate
from cairn.glance.component import Glance
from cairn.glance.core import access, images
from cairn.glance.core.images import ImageRecord
from cairn.glance.db.models import Image, ImageProperty, ImageTag
from cairn.glance.errors import ImageNotFound

SORTABLE = ("name", "status", "container_format", "disk_format", "size", "id", "created_at",
            "updated_at")
COLUMNS = [column for column in Image.__table__.c if column.name not in (
    "deleted_at", "saving_until")]
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
    return [(getattr(Image, key), way) for key, way in zip(keys, directions, strict=True)]


def filtered(ctx: Context, query: Any, readable: Callable[[str], bool]) -> Any:
    """The images a list shows. `readable` says which properties the caller may know of."""
    visibility = query.get("visibility") or None
    member_status = query.get("member_status", "accepted")
    if visibility is not None and visibility not in VISIBILITIES:
        raise Invalid(reason=f"Invalid visibility value: {visibility}")
    if member_status not in MEMBER_STATUSES:
        raise Invalid(reason=f"Invalid member_status value: {member_status}")
    if "changes-since" in query:
        raise Invalid(reason='The "changes-since" filter is not available in v2.')
    wanted = select(*COLUMNS).where(
        Image.status.not_in(("deleted", "killed")),
        access.listable(ctx, visibility, member_status),
        Image.os_hidden.is_(_boolean("os_hidden", query.get("os_hidden", "false"))))
    if "protected" in query:
        wanted = wanted.where(Image.protected.is_(_boolean("protected", query["protected"])))
    for tag in query.getlist("tag"):
        wanted = wanted.where(
            Image.id.in_(select(ImageTag.image_id).where(ImageTag.value == tag.strip())))
    for name, value in query.items():
        if name not in ASIDE:
            wanted = wanted.where(_condition(name, value, readable))
    return wanted


def _condition(name: str, value: str, readable: Callable[[str], bool]) -> Any:
    column, _, bound = name.rpartition("_")
    if bound in ("min", "max") and column in NUMBERS:
        number = _number(name, value)
        what = getattr(Image, column)
        return what >= number if bound == "min" else what <= number
    if name in NUMBERS:
        return getattr(Image, name) == _number(name, value)
    if name in ("created_at", "updated_at"):
        return _compared(name, value)
    if name in TEXTS:
        return _text(name, value)
    if name in PLAIN:
        return getattr(Image, name) == value
    if not readable(name):
        return false()
    return Image.id.in_(select(ImageProperty.image_id).where(
        ImageProperty.name == name, ImageProperty.value == value))


def _text(name: str, value: str) -> Any:
    column = getattr(Image, name)
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
    column = getattr(Image, name)
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


def list_images(
    glance: Glance, ctx: Context, query: Any
) -> tuple[list[ImageRecord], str | None]:
    """A page of images, and the id that the next one begins after, None if there is none. Raises
    Invalid."""
    settings = glance.settings
    most = limit(query.get("limit"), settings.limit_param_default, settings.api_limit_max)
    keys = sorting(query)
    matching = filtered(
        ctx, query, lambda name: glance.protections.allows(glance.policy, ctx, "read", name))
    with glance.db.reading() as session:
        after = None
        if "marker" in query:
            try:
                marker = access.find(session, ctx, query["marker"])
            except ImageNotFound:
                raise Invalid(reason=f"marker: no image with ID {query['marker']}") from None
            after = [getattr(marker, column.key) for column, _ in keys]
        rows = session.execute(paginate(matching, keys, after=after, limit=most)).all()
        visible = access.seen(glance.policy, session, ctx, rows)
        records = images.read_records(glance, session, visible)
    return records, rows[-1].id if rows and len(rows) == most else None
