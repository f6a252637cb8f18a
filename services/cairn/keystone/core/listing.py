"""Lists as Identity v3 has them: what a query string may filter by, and pages by id."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select
from sqlalchemy.orm import Session

from cairn.common.api import Schema
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


_TEXTS: Schema = {"type": "array", "items": {"type": "string"}}


def read_only(*names: str) -> Schema:
    """The query string of who reads these parameters: anything else in it is let pass, as upstream
    has it, and what they may say is for the reader to refuse."""
    return {"type": "object", "properties": dict.fromkeys(names, _TEXTS)}


def filters(columns: Mapping[str, Column], *more: str) -> Schema:
    """The query string of a list that `fetch_page` reads with these columns, and of which somebody
    reads `more`."""
    schema = read_only("limit", "marker", *columns, *more)
    texts = [name for name, column in columns.items() if _is(column, str)]
    if not texts:
        return schema
    return {**schema, "patternProperties": {
        f"^({_any(texts)})__({_any(_COMPARISONS)})$": _TEXTS}}


def _any(names: Iterable[str]) -> str:
    return "|".join(sorted(names))


def _is(column: Column, kind: type) -> bool:
    return bool(column.type.python_type is kind)


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
            if compare is not None and _is(column, str):
                statement = statement.where(compare(column, value))
        elif _is(column, bool):
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
