"""Keyset pagination: a page starts after a row, not after a number of rows."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_


def page(
    query: Select[Any], keys: Sequence[tuple[ColumnElement[Any], str]], *,
    after: Sequence[Any] | None, limit: int | None,
) -> Select[Any]:
    """Order by `keys` (column, "asc" or "desc"; the last one unique) and start after the row whose
    values of those columns are `after`. NULLs sort first ascending, as MariaDB and SQLite do."""
    query = query.order_by(*(c.desc() if d == "desc" else c.asc() for c, d in keys))
    if after is not None:
        cases = []
        for position, (column, direction) in enumerate(keys):
            same = [_equal(c, after[i]) for i, (c, _) in enumerate(keys[:position])]
            cases.append(and_(*same, _beyond(column, direction, after[position])))
        query = query.where(or_(*cases))
    return query if limit is None else query.limit(limit)


def _equal(column: ColumnElement[Any], value: Any) -> ColumnElement[bool]:
    return column.is_(None) if value is None else column == value


def _beyond(column: ColumnElement[Any], direction: str, value: Any) -> ColumnElement[bool]:
    if direction == "asc":
        return column.is_not(None) if value is None else column > value
    if value is None:
        return and_(column.is_(None), column.is_not(None))
    return or_(column < value, column.is_(None))
