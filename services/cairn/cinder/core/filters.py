"""What a list's query string may ask for beside pages and order."""

import ast
import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement

from cairn.cinder.errors import InvalidInput
from cairn.common import listing
from cairn.common.context import Context
from cairn.common.listing import TRUE

Condition = ColumnElement[bool]
# What says how much of a list is shown, and in which order.
PAGING = frozenset((
    "limit", "marker", "offset", "sort", "sort_key", "sort_dir", "page_reverse", "all_tenants",
    "with_count"))
# From these on, a filter that there is not is refused; a name may end in ~ to be looked for inside.
STRICT, LIKE = (3, 31), (3, 34)
COMPARED: dict[str, Callable[[Any, Any], Any]] = {
    "gt": lambda column, value: column > value, "gte": lambda column, value: column >= value,
    "lt": lambda column, value: column < value, "lte": lambda column, value: column <= value,
    "eq": lambda column, value: column == value, "neq": lambda column, value: column != value,
}


@dataclass(frozen=True)
class Filter:
    """What a filter of a list means."""

    means: Callable[[str], Condition]
    # Looked for inside, where that can be.
    within: Any = None
    since: tuple[int, int] = (3, 0)
    admin: bool = False


def equal(column: Any, **more: Any) -> Filter:
    """Exactly that text."""
    return Filter(lambda text: column == text, column, **more)


def flag(name: str, column: Any, **more: Any) -> Filter:
    """True or false."""
    return Filter(lambda text: column.is_(listing.parse_flag(name, text)), **more)


def number(name: str, column: Any) -> Filter:
    """An integer."""

    def means(text: str) -> Condition:
        if not text.isascii() or not text.isdigit() or len(text) > 18:
            raise _wrong(name, f"'{text}' is not an integer of 0 or more")
        return column == int(text)  # type: ignore[no-any-return]

    return Filter(means)


def moment(name: str, column: Any, **more: Any) -> Filter:
    """gt:2026-01-01T00:00:00,lt:...: all of them; a moment alone is equality."""

    def means(text: str) -> Condition:
        meant: Condition | None = None
        for part in text.split(","):
            word, colon, rest = part.partition(":")
            if not colon or word not in COMPARED:
                word, rest = "eq", part
            one = COMPARED[word](column, _moment(name, rest))
            meant = one if meant is None else meant & one
        assert meant is not None  # split() has no empty answer.
        return meant

    return Filter(means, **more)


def _moment(name: str, text: str) -> dt.datetime:
    try:
        read = dt.datetime.fromisoformat(text.strip())
    except ValueError:
        raise _wrong(name, f"'{text}' is no moment") from None
    return read.astimezone(dt.UTC).replace(tzinfo=None) if read.tzinfo else read


def pairs(name: str, column: Any, **more: Any) -> Filter:
    """{'key': 'value'}: all of these pairs are there."""

    def means(text: str) -> Condition:
        try:
            asked = ast.literal_eval(text)
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            asked = None
        if not isinstance(asked, dict) or not asked:
            raise _wrong(name, f"'{text:.80}' is not like {{'key': 'value'}}")
        meant: Condition | None = None
        for key, value in asked.items():
            if not isinstance(key, str) or set(key) & set('"\\'):
                raise _wrong(name, f"{key!r} is no key to look for")
            one = column[key].as_string() == str(value)
            meant = one if meant is None else meant & one
        assert meant is not None
        return meant

    return Filter(means, **more)


def conditions(
    ctx: Context, query: Any, filters: Mapping[str, Filter]
) -> list[Condition]:
    """What the query says of each filter. Raises InvalidInput, naming the field."""
    meant, strange = [], []
    for name in query.keys():
        if name in PAGING:
            continue
        inside = name.endswith("~") and ctx.version >= LIKE
        one = filters.get(name.removesuffix("~") if inside else name)
        if (one is None or ctx.version < one.since or one.admin and not ctx.is_admin
                or inside and one.within is None):
            strange.append(name)
            continue
        text = listing.read_value(query, name) or ""
        meant.append(one.within.contains(text, autoescape=True) if inside else one.means(text))
    if strange and ctx.version >= STRICT and not ctx.is_admin:
        raise InvalidInput(reason=f"Invalid filters {', '.join(sorted(strange))} are found in "
                                  "query options.")
    return meant


def everybody(ctx: Context, query: Any) -> bool:
    """Whether all projects' things are asked for, by who may. Any number but 0 is a yes."""
    text = (listing.read_value(query, "all_tenants") or "0").strip().lower()
    if text.isdigit():
        asked = int(text[:18]) != 0
    else:
        asked = listing.parse_flag("all_tenants", text) if text else False
    return asked and ctx.is_admin


def counted(ctx: Context, query: Any) -> bool:
    """Whether the number of all that pass is asked for, too."""
    text = listing.read_value(query, "with_count")
    return ctx.version >= (3, 45) and text is not None and text.strip().lower() in TRUE


def offset(query: Any) -> int:
    """How many rows are left out. Raises InvalidInput."""
    text = listing.read_value(query, "offset")
    if text is None:
        return 0
    if not text.isascii() or not text.isdigit() or int(text[:18]) > 0x7FFFFFFF:
        raise _wrong("offset", f"'{text}' is not an integer of 0 or more")
    return int(text)


def _wrong(field: str, what: str) -> InvalidInput:
    return InvalidInput(reason=f"Invalid input for field/attribute {field}. {what}.")
