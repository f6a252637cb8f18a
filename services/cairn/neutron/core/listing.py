"""Many rows: filtered, sorted, a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Integer, Row, and_, func, or_, select
from sqlalchemy.orm import Session

from cairn.common.context import Context
from cairn.common.listing import paginate
from cairn.neutron import errors
from cairn.neutron.core.kinds import TAGS, Kind, scoped

TRUE = {"true", "1", "yes", "on", "t"}
FALSE = {"false", "0", "no", "off", "f"}


@dataclass
class Listing:
    """What of a collection is asked for."""

    filters: dict[str, list[str]] = field(default_factory=dict)
    tags: dict[str, list[str]] = field(default_factory=dict)
    sort: list[tuple[str, str]] = field(default_factory=list)
    limit: int | None = None
    marker: str | None = None
    reverse: bool = False


def page(session: Session, ctx: Context, kind: Kind, wanted: Listing) -> Sequence[Row[Any]]:
    """The rows the caller may see of what is wanted, in order. Raises Invalid for a bad query."""
    columns = kind.columns
    query = scoped(select(kind.table), ctx, kind)
    for name, values in wanted.filters.items():
        query = query.where(condition(kind, columns, name, values))
    for name, tags in wanted.tags.items():
        query = query.where(_tagged(kind, name, tags))
    keys = [(columns[name], name, direction) for name, direction in wanted.sort]
    if "id" not in {name for _, name, _ in keys}:
        keys.append((kind.table.c.id, "id", "asc"))
    if wanted.reverse:
        keys = [(c, name, "asc" if d == "desc" else "desc") for c, name, d in keys]
    after = None
    if wanted.marker is not None:
        marker = session.execute(
            select(*(c for c, _, _ in keys)).where(kind.table.c.id == wanted.marker)
        ).first()
        if marker is None:
            raise kind.missing(wanted.marker)
        after = list(marker)
    query = paginate(
        query, [(c, d) for c, _, d in keys], after=after, limit=wanted.limit
    )
    rows = session.execute(query).all()
    return rows[::-1] if wanted.reverse else rows


def condition(
    kind: Kind, columns: dict[str, ColumnElement[Any]], name: str, values: list[str]
) -> ColumnElement[bool]:
    if name in kind.filters:
        return kind.filters[name](values)
    column = columns[name]
    if isinstance(column.type, Boolean):
        return column.in_([_boolean(name, v) for v in values])
    if isinstance(column.type, Integer):
        return column.in_([_integer(name, v) for v in values])
    if any(v in ("", "None", "null") for v in values):
        return or_(column.in_(values), column.is_(None))
    return column.in_(values)


def _boolean(name: str, value: str) -> bool:
    if value.lower() in TRUE | FALSE:
        return value.lower() in TRUE
    raise errors.BadAttribute(name=name, reason=f"'{value}' cannot be converted to boolean.")


def _integer(name: str, value: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise errors.BadAttribute(name=name, reason=f"'{value}' is not an integer.") from None


def _tagged(kind: Kind, name: str, tags: list[str]) -> ColumnElement[bool]:
    """tags: has all; tags-any: has one; not-tags: lacks one of them; not-tags-any: has none."""
    ids = select(TAGS.c.resource_id).where(TAGS.c.tag.in_(tags))
    if name in ("tags", "not-tags"):
        ids = ids.group_by(TAGS.c.resource_id).having(func.count() == len(set(tags)))
    inside = kind.table.c.id.in_(ids)
    return and_(~inside) if name.startswith("not-") else inside
