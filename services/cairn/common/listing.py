"""Lists: what a query string may ask of any of them, pages that start after a row, and links to the
pages around. How a component words its links is the component's.

    page = read_page(query, sortable, default_sort=(("created_at", "desc"),), most=1000)
    keys = order_keys(page, columns, unique="id")
    after = find_marker(session, keys, Server.id == page.marker) if page.marker else None
    part = fetch(session, select(...), keys, page, after)
    following = build_link(url, query, marker=part.rows[-1].id) if part.more else None
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import Session

from cairn.common.errors import Invalid

TRUE = frozenset(("1", "t", "true", "on", "y", "yes"))
FALSE = frozenset(("0", "f", "false", "off", "n", "no"))
DIRECTIONS = ("asc", "desc")
# What says where a page starts: what a link to another page does not keep.
POSITION = ("marker", "page_reverse")

Column = ColumnElement[Any]
# A column and "asc" or "desc".
Key = tuple[Column, str]


class Query(Protocol):
    """A query string, whoever parsed it: werkzeug's MultiDict is one."""

    def getlist(self, key: str, /) -> list[str]: ...
    def items(self, multi: bool = ...) -> Iterable[tuple[str, str]]: ...


@dataclass(frozen=True)
class Page:
    """What of a list is asked for: at most `limit` rows (None: all) of those after the marker, in
    the order of `sort`; with `reverse` of those before it."""

    limit: int | None = None
    marker: str | None = None
    sort: tuple[tuple[str, str], ...] = ()
    reverse: bool = False


@dataclass(frozen=True)
class Part:
    """Rows of a page in the order asked for, and whether there are `more` beyond them in the
    direction that was read: after them, or before them when it was read in reverse."""

    rows: Sequence[Any]
    more: bool


def read_value(query: Query, name: str) -> str | None:
    """What a parameter of one value says, None where it is not there. Of one that is repeated the
    last counts, as with OpenStack's own services."""
    values = query.getlist(name)
    return values[-1] if values else None


def read_limit(query: Query, *, default: int | None = None, most: int | None = None) -> int | None:
    """How many rows are asked for: `default` where it is not said, never more than `most`. What 0
    means is the component's to say. Raises Invalid, naming the field."""
    text = read_value(query, "limit")
    if text is None:
        limit = default
    elif text.isascii() and text.isdigit() and len(text) < 20:
        limit = int(text)
    else:
        raise _wrong("limit", f"'{text}' is not an integer of 0 or more")
    return most if limit is None else limit if most is None else min(limit, most)


def read_flag(query: Query, name: str, default: bool | None = None) -> bool | None:
    """A parameter that is true or false, `default` where it is not there. Raises Invalid, naming
    the field."""
    text = read_value(query, name)
    return default if text is None else parse_flag(name, text)


def parse_flag(name: str, text: str) -> bool:
    """Raises Invalid, naming the field."""
    word = text.strip().lower()
    if word not in TRUE and word not in FALSE:
        raise _wrong(name, f"'{text}' is neither true nor false")
    return word in TRUE


def read_sort(
    query: Query, sortable: Collection[str], *, default: Sequence[tuple[str, str]] = (),
    direction: str | None = None,
) -> tuple[tuple[str, str], ...]:
    """The order asked for, as (name, "asc" or "desc"): from sort=name:desc,name or from sort_key
    and sort_dir, each of which may be repeated; `default` where none is said. A name without a
    direction has `direction`, or, where that is None, the first direction that was said ("desc" if
    none was). Raises Invalid, naming the field."""
    keys, directions = query.getlist("sort_key"), query.getlist("sort_dir")
    texts = query.getlist("sort")
    if texts and (keys or directions):
        raise _wrong("sort", "it goes with neither sort_key nor sort_dir")
    if texts:
        pairs = [part.partition(":") for part in texts[-1].split(",")]
        keys = [name.strip() for name, _, _ in pairs]
        directions = [way.strip() for _, _, way in pairs]
    if len(directions) > max(len(keys), 0 if direction else 1):
        raise _wrong("sort_dir", "there are more of them than of sort_key")
    for way in directions:
        if way and way not in DIRECTIONS:
            raise _wrong("sort_dir", f"'{way}' is neither asc nor desc")
    first = direction or next(filter(None, directions), "desc")
    if not keys:
        return tuple((name, first if directions else way) for name, way in default)
    for name in keys:
        if name not in sortable:
            raise _wrong("sort_key", f"'{name}' is none of {', '.join(sorted(sortable))}")
    directions += [""] * (len(keys) - len(directions))
    return tuple((name, way or first) for name, way in zip(keys, directions, strict=True))


def read_page(
    query: Query, sortable: Collection[str] = (), *, default_sort: Sequence[tuple[str, str]] = (),
    direction: str | None = None, default: int | None = None, most: int | None = None,
) -> Page:
    """All that a query says of pages and order. An empty marker is none. Raises Invalid."""
    return Page(
        read_limit(query, default=default, most=most), read_value(query, "marker") or None,
        read_sort(query, sortable, default=default_sort, direction=direction),
        bool(read_flag(query, "page_reverse", False)))


def order_keys(page: Page, columns: Mapping[str, Column], unique: str) -> list[Key]:
    """The columns that a page is ordered by; the last one tells any two rows apart."""
    keys = [(columns[name], way) for name, way in page.sort]
    if unique not in {name for name, _ in page.sort}:
        keys.append((columns[unique], page.sort[-1][1] if page.sort else "asc"))
    return keys


def find_marker(session: Session, keys: Sequence[Key], *which: Column) -> Sequence[Any] | None:
    """The values of `keys` of the row that meets the conditions; None if there is none."""
    return session.execute(select(*(column for column, _ in keys)).where(*which)).first()


def fetch(
    session: Session, query: Select[Any], keys: Sequence[Key], page: Page,
    after: Sequence[Any] | None,
) -> Part:
    """The rows of one page; `after` are the marker's values of `keys`, None for the first page."""
    if page.reverse:
        keys = [(column, "asc" if way == "desc" else "desc") for column, way in keys]
    limit = None if page.limit is None else page.limit + 1
    rows = session.execute(paginate(query, keys, after=after, limit=limit)).all()
    more = page.limit is not None and len(rows) > page.limit
    rows = rows[:page.limit]
    return Part(rows[::-1] if page.reverse else rows, more)


def paginate(
    query: Select[Any], keys: Sequence[Key], *, after: Sequence[Any] | None, limit: int | None,
) -> Select[Any]:
    """The query ordered by `keys`, the last one unique, from the row on that follows the one whose
    values of those columns are `after`: a page starts after a row, not after a number of rows.
    NULLs sort first ascending, as MariaDB and SQLite do."""
    query = query.order_by(*(c.desc() if d == "desc" else c.asc() for c, d in keys))
    if after is not None:
        cases = []
        for position, (column, direction) in enumerate(keys):
            same = [_equal(c, after[i]) for i, (c, _) in enumerate(keys[:position])]
            cases.append(and_(*same, _beyond(column, direction, after[position])))
        query = query.where(or_(*cases))
    return query if limit is None else query.limit(limit)


def build_link(url: str, query: Query, **position: str | None) -> str:
    """`url` with the query that was asked, at another place of the list: `position` is the marker,
    and whatever else the component says there (page_reverse="True")."""
    kept = [(name, value) for name, value in query.items(multi=True)
            if name not in POSITION and name not in position]
    kept += [(name, value) for name, value in position.items() if value is not None]
    return f"{url}?{urlencode(kept)}" if kept else url


def _wrong(field: str, what: str) -> Invalid:
    return Invalid(reason=f"Invalid input for field/attribute {field}. {what}.",
                   whole="query", where=field, wrong=what)


def _equal(column: Column, value: Any) -> ColumnElement[bool]:
    return column.is_(None) if value is None else column == value


def _beyond(column: Column, direction: str, value: Any) -> ColumnElement[bool]:
    if isinstance(value, bool):  # SQLAlchemy compares True and False with nothing but =.
        value = int(value)
    if direction == "asc":
        return column.is_not(None) if value is None else column > value
    if value is None:
        return and_(column.is_(None), column.is_not(None))
    return or_(column < value, column.is_(None))
