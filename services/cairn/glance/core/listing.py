"""What a list of images was asked for (API reference, "List images": filters and sorting)."""

import datetime as dt
import re
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import Any, cast

from sqlalchemy import Select, Table, and_, bindparam, false, not_, select
from sqlalchemy.orm import Session

from cairn.common.bounds import parse_whole
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.common.listing import Key, Page, Query, order_keys, paginate, read_value
from cairn.glance.component import Glance
from cairn.glance.core import access, images
from cairn.glance.core.access import COLUMNS, IMAGE
from cairn.glance.core.images import ImageRecord
from cairn.glance.db.models import ImageProperty, ImageTag
from cairn.glance.errors import ImageNotFound

PROPERTY, TAG = (cast(Table, model.__table__).c for model in (ImageProperty, ImageTag))
SORTABLE = {name: getattr(IMAGE, name) for name in (
    "name", "status", "container_format", "disk_format", "size", "id", "created_at", "updated_at")}
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
    keys: tuple[Key, ...],
) -> Select[Any]:
    images_ = _statement(everything, visibility, member_status, hidden)
    return paginate(images_, keys, after=None, limit=None).limit(bindparam("most"))


def _shape(ctx: Context, query: Query) -> tuple[bool, str | None, str, bool]:
    """What tells lists apart that have no further conditions. Raises Invalid."""
    visibility = read_value(query, "visibility") or None
    member_status = read_value(query, "member_status")
    member_status = "accepted" if member_status is None else member_status
    if visibility is not None and visibility not in VISIBILITIES:
        raise Invalid(reason=f"Invalid visibility value: {visibility}")
    if member_status not in MEMBER_STATUSES:
        raise Invalid(reason=f"Invalid member_status value: {member_status}")
    hidden = _read_boolean(query, "os_hidden") or False
    return access.sees_all(ctx), visibility, member_status, hidden


def _conditions(query: Query, readable: Callable[[str], bool]) -> list[Any]:
    """What else the images shall be like. `readable` says which properties the caller may know of.
    Raises Invalid."""
    if query.getlist("changes-since"):
        raise Invalid(reason='The "changes-since" filter is not available in v2.')
    conditions: list[Any] = []
    protected = _read_boolean(query, "protected")
    if protected is not None:
        conditions.append(IMAGE.protected.is_(protected))
    conditions += [IMAGE.id.in_(select(TAG.image_id).where(TAG.value == tag.strip()))
                   for tag in query.getlist("tag")]
    conditions += [_condition(name, value, readable)
                   for name, value in dict(query.items(multi=True)).items() if name not in ASIDE]
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


def _read_boolean(query: Query, name: str) -> bool | None:
    text = read_value(query, name)
    if text is None:
        return None
    if text.lower() not in ("true", "false"):
        raise Invalid(reason=f"Invalid value '{text}' for '{name}' filter. Valid values are "
                             "'true' or 'false'.")
    return text.lower() == "true"


def read_values(record: Any, keys: Sequence[Key]) -> list[Any]:
    """Where a record stands in that order."""
    return [getattr(record, str(column.key)) for column, _ in keys]


def _find_marker(
    session: Session, ctx: Context, image_id: str, keys: Sequence[Key]
) -> list[Any]:
    try:
        marker = access.find_row(session, ctx, image_id)
    except ImageNotFound:
        raise Invalid(reason=f"marker: no image with ID {image_id}") from None
    return read_values(marker, keys)


def list_images(
    glance: Glance, ctx: Context, query: Query, page: Page
) -> tuple[list[ImageRecord], str | None]:
    """A page of images, and the id that the next one begins after, None if there is none. Raises
    Invalid."""
    keys = tuple(order_keys(page, SORTABLE, unique="id"))
    shape = _shape(ctx, query)
    conditions = _conditions(
        query, lambda name: glance.protections.allows(glance.policy, ctx, "read", name))
    with glance.db.reading() as session:
        if not conditions and page.marker is None:
            statement = _first_page(*shape, keys)
        else:
            after = None if page.marker is None else _find_marker(session, ctx, page.marker, keys)
            statement = paginate(
                _statement(*shape).where(*conditions), keys, after=after, limit=page.limit)
        rows = session.execute(statement, {"project": ctx.project, "most": page.limit}).all()
        visible = access.seen(glance.policy, session, ctx, rows)
        records = images.read_records(session, visible)
    return records, rows[-1].id if rows and len(rows) == page.limit else None
