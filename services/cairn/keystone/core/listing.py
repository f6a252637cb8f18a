"""Lists as Identity v3 has them: what a query string may filter by, and pages by id."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select
from sqlalchemy.orm import Session

from cairn.common.listing import (
    FALSE,
    Page,
    Part,
    Query,
    fetch,
    find_marker,
    read_limit,
    read_value,
)
from cairn.keystone.errors import NotKnown

LIMIT = 10000

Column = Any
_COMPARISONS: dict[str, Callable[[Column, str], ColumnElement[bool]]] = {
    "contains": lambda column, text: column.contains(text, autoescape=True),
    "icontains": lambda column, text: column.icontains(text, autoescape=True),
    "startswith": lambda column, text: column.startswith(text, autoescape=True),
    "istartswith": lambda column, text: column.istartswith(text, autoescape=True),
    "endswith": lambda column, text: column.endswith(text, autoescape=True),
    "iendswith": lambda column, text: column.iendswith(text, autoescape=True),
    "iequals": lambda column, text: column.ilike(
        text.replace("/", "//").replace("%", "/%").replace("_", "/_"), escape="/"
    ),
}


def is_true(text: str) -> bool:
    """A flag of a query string: there is true, unless it says otherwise."""
    return text.lower() not in FALSE


def read_truth(query: Query, name: str) -> bool:
    """Whether a flag is there, and does not say otherwise."""
    text = read_value(query, name)
    return text is not None and is_true(text)


def filter_rows(
    statement: Select[Any], query: Query, columns: Mapping[str, Column]
) -> Select[Any]:
    """Only what `query` names: field=value, or field__contains=value and its like; of a field that
    is named twice, what meets both. What is not a column of the resource is not looked at."""
    for name, value in query.items(multi=True):
        field, _, comparison = name.partition("__")
        column = columns.get(field)
        if column is None:
            continue
        if comparison:
            compare = _COMPARISONS.get(comparison)
            if compare is not None and column.type.python_type is str:
                statement = statement.where(compare(column, value))
        elif column.type.python_type is bool:
            statement = statement.where(column.is_(is_true(value)))
        else:
            statement = statement.where(column == value)
    return statement


def fetch_page(
    session: Session, statement: Select[Any], query: Query, columns: Mapping[str, Column],
    key: Column,
) -> Part:
    """The page of rows that `query` asks for, in the order of `key`; without a limit all of them.
    Raises Invalid, and NotKnown for a marker of nothing."""
    limit = read_limit(query, most=LIMIT) if read_value(query, "limit") is not None else None
    page = Page(limit or None, read_value(query, "marker") or None)
    keys = [(key, "asc")]
    after = None
    if page.marker:
        after = find_marker(session, keys, key == page.marker)
        if after is None:
            raise NotKnown("marker", page.marker)
    part = fetch(session, filter_rows(statement, query, columns), keys, page, after)
    return Part([row[0] for row in part.rows], part.more)
