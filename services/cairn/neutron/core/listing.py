"""Many rows: filtered, sorted, a page at a time."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import Boolean, ColumnElement, Integer, func, or_, select
from sqlalchemy.orm import Session

from cairn.common import listing
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.common.listing import Page, Part
from cairn.neutron.core.kinds import TAGS, Kind, list_seen, scoped
from cairn.neutron.core.values import parse_boolean, parse_integer

PAGING = ("fields", "limit", "marker", "page_reverse", "sort_key", "sort_dir")
TAG_FILTERS = ("tags", "tags-any", "not-tags", "not-tags-any")


class Query(listing.Query, Protocol):
    """A query string, whoever parsed it."""

    def keys(self) -> Any: ...


@dataclass(frozen=True)
class Listing:
    """What of a collection is asked for."""

    page: Page = Page()
    filters: dict[str, list[str]] = field(default_factory=dict)
    tags: dict[str, list[str]] = field(default_factory=dict)


WHOLE = Listing()


def read_listing(kind: Kind, query: Query) -> Listing:
    """What a query string asks for. Raises Invalid, naming what it does not know."""
    columns = kind.columns
    check_names(query, [*TAG_FILTERS, *columns, *kind.filters])
    names = [name for name in query.keys() if name not in PAGING]
    asked = listing.read_page(query, columns, direction="asc")
    return Listing(
        Page(asked.limit or None, asked.marker, asked.sort, asked.reverse),
        {name: query.getlist(name) for name in names if name not in TAG_FILTERS},
        {name: [tag for value in query.getlist(name) for tag in value.split(",")]
         for name in names if name in TAG_FILTERS},
    )


def check_names(query: Query, filters: Collection[str]) -> None:
    """Raises Invalid, naming what is no filter (the extension filter-validation)."""
    unknown = sorted({*query.keys()} - {*PAGING} - {*filters})
    if unknown:
        raise Invalid(reason=f"{unknown} is invalid attribute for filtering")


def page(session: Session, ctx: Context, kind: Kind, asked: Listing) -> Part:
    """The rows the caller may see of what is asked for, in order. Raises Invalid for a bad query,
    the kind's NotFound for a marker that is none."""
    if asked == WHOLE:
        return Part(list_seen(session, ctx, kind), False)
    columns = kind.columns
    query = scoped(select(kind.table), ctx, kind)
    for name, values in asked.filters.items():
        query = query.where(condition(kind, columns, name, values))
    for name, tags in asked.tags.items():
        query = query.where(_tagged(kind, name, tags))
    keys = listing.order_keys(asked.page, columns, "id")
    after = None
    if asked.page.marker is not None:
        after = listing.find_marker(session, keys, kind.table.c.id == asked.page.marker)
        if after is None:
            raise kind.missing(asked.page.marker)
    return listing.fetch(session, query, keys, asked.page, after)


def condition(
    kind: Kind, columns: dict[str, ColumnElement[Any]], name: str, values: Sequence[str]
) -> ColumnElement[bool]:
    """Rows of which the attribute is one of the values. Raises Invalid."""
    if name in kind.filters:
        return kind.filters[name](values)
    column = columns[name]
    if isinstance(column.type, Boolean):
        return column.in_([parse_boolean(name, v) for v in values])
    if isinstance(column.type, Integer):
        return column.in_([parse_integer(name, v) for v in values])
    if any(v in ("", "None", "null") for v in values):
        return or_(column.in_(values), column.is_(None))
    return column.in_(values)


def _tagged(kind: Kind, name: str, tags: list[str]) -> ColumnElement[bool]:
    """tags: has all; tags-any: has one; not-tags: lacks one of them; not-tags-any: has none."""
    ids = select(TAGS.c.resource_id).where(TAGS.c.tag.in_(tags))
    if name in ("tags", "not-tags"):
        ids = ids.group_by(TAGS.c.resource_id).having(func.count() == len(set(tags)))
    inside = kind.table.c.id.in_(ids)
    return ~inside if name.startswith("not-") else inside
