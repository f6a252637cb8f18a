"""Pages of short tables: types, specs, messages."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.cinder.core import filters
from cairn.common import listing
from cairn.common.errors import NotFound
from cairn.common.listing import Column, Part, Query


def page(
    session: Session, model: type, query: Query, sortable: Mapping[str, Column],
    *conditions: Any, most: int,
) -> Part:
    """The rows that a query string asks for among those that meet the conditions, the youngest
    first where it does not say. Raises Invalid, NotFound for the marker."""
    table: Any = model.__table__  # type: ignore[attr-defined]
    columns = {**sortable, "number": table.c.number}
    asked = listing.read_page(query, sortable, default_sort=(("created_at", "desc"),), most=most)
    keys = listing.order_keys(asked, columns, unique="number")
    after = None
    if asked.marker is not None:
        after = listing.find_marker(session, keys, table.c.id == asked.marker, *conditions)
        if after is None:
            raise NotFound("Marker", asked.marker)
    rows = select(*table.c).where(*conditions).offset(filters.offset(query) or None)
    return listing.fetch(session, rows, keys, asked, after)
