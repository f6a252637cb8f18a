"""Lists: what a query string may ask of any of them, and pages by key."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Select

from cairn.common.errors import Invalid

FALSE = {"0", "false", "off", "no", "f", "n"}
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


class Query(Protocol):
    """A query string, whoever parsed it."""

    def get(self, key: str, default: Any = None, /) -> Any: ...
    def keys(self) -> Any: ...


def truth(text: str) -> bool:
    """A flag of a query string: there is true, unless it says otherwise."""
    return text.lower() not in FALSE


def narrow(query: Select[Any], asked: Query, columns: Mapping[str, Column]) -> Select[Any]:
    """Only what `asked` names: field=value, or field__contains=value and its like. What is not
    a column of the resource is not looked at."""
    for name in asked.keys():
        field, _, comparison = name.partition("__")
        column = columns.get(field)
        if column is None:
            continue
        value = asked.get(name)
        if comparison:
            compare = _COMPARISONS.get(comparison)
            if compare is not None and column.type.python_type is str:
                query = query.where(compare(column, value))
        elif column.type.python_type is bool:
            query = query.where(column.is_(truth(value)))
        else:
            query = query.where(column == value)
    return query


def page(query: Select[Any], asked: Query, key: Column) -> tuple[Select[Any], int | None]:
    """The page after `marker`, of `limit` rows and one more that tells whether there is another."""
    text = asked.get("limit")
    limit = None
    if text is not None:
        if not str(text).isdigit():
            raise Invalid(reason=f"Invalid input for field/attribute limit. '{text}' is not an "
                                 "integer of 0 or more")
        limit = min(int(text), LIMIT) or None
    query = query.order_by(key)
    if asked.get("marker"):
        query = query.where(key > asked.get("marker"))
    return (query, None) if limit is None else (query.limit(limit + 1), limit)
