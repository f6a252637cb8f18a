"""What the documents and lists of metadata definitions share."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.common.api import Document
from cairn.common.db import Timestamps
from cairn.common.errors import Invalid
from cairn.common.pagination import page
from cairn.glance.api.views import moment
from cairn.glance.component import Glance
from cairn.glance.core import listing, metadefs
from cairn.glance.db.metadefs import Namespace
from cairn.glance.errors import ReadOnly

SORTABLE = ("created_at", "updated_at", "id", "name")


def times(record: Timestamps) -> Document:
    return {"created_at": moment(record.created_at),
            "updated_at": moment(record.updated_at or record.created_at)}


def present(document: Document) -> Document:
    """Without what nothing is known of."""
    return {name: value for name, value in document.items() if value is not None}


def check_writable(body: Mapping[str, Any]) -> None:
    for name in ("self", "schema", "created_at", "updated_at"):
        if name in body:
            raise ReadOnly(name=name)


def listed(
    glance: Glance, session: Session, namespace: Namespace, kind: type[Any], query: Any,
    least: int = 0,
) -> list[Any]:
    """A page of a namespace's contents. Without a limit it is everything."""
    limit = None
    if query.get("limit") is not None:
        limit = listing.limit(query["limit"], 0, glance.settings.api_limit_max)
        if limit < least:
            raise Invalid(reason="limit param must be positive")
    key, way = query.get("sort_key", "created_at"), query.get("sort_dir", "desc")
    if key not in SORTABLE or way not in ("asc", "desc"):
        raise Invalid(reason=f"sort_key and sort_dir cannot be {key} and {way}")
    keys = [(getattr(kind, name), way) for name in dict.fromkeys((key, "created_at", "id"))]
    after = None
    if query.get("marker"):
        marker = metadefs.find(session, kind, namespace, query["marker"])
        after = [getattr(marker, column.key) for column, _ in keys]
    wanted = select(kind).where(kind.namespace_id == namespace.id)
    return list(session.scalars(page(wanted, keys, after=after, limit=limit)))
