"""Attachments as lists read them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from cairn.cinder.component import Cinder
from cairn.cinder.core.attachments import find
from cairn.cinder.db.models import Attachment
from cairn.cinder.errors import InvalidInput
from cairn.common import listing
from cairn.common.context import Context
from cairn.common.listing import Query

A: Any = Attachment.__table__.c
SORTABLE = {"created_at": A.created_at, "updated_at": A.updated_at, "id": A.id,
            "attach_status": A.status, "number": A.number}
FILTERS = {"volume_id": A.volume_id, "instance_id": A.instance_id, "status": A.status,
           "attach_status": A.status}
# What no filter is.
PAGING = ("limit", "marker", "offset", "sort", "sort_key", "sort_dir", "page_reverse",
          "all_tenants")


def page(cinder: Cinder, ctx: Context, query: Query, names: Sequence[str]) -> Sequence[Any]:
    """What a list's query string asks for; `names` are all that it says. Raises Invalid,
    AttachmentNotFound for the marker."""
    asked = listing.read_page(query, SORTABLE, default_sort=(("created_at", "desc"),),
                              most=cinder.api.max_limit)
    keys = listing.order_keys(asked, SORTABLE, unique="number")
    scope = []
    wide = (ctx.is_admin or ctx.is_service) and listing.read_flag(query, "all_tenants", False)
    if not wide:
        scope.append(A.project_id == ctx.project)
    for name, column in FILTERS.items():
        value = listing.read_value(query, name)
        if value is not None:
            scope.append(column == value)
    strange = sorted(set(names) - FILTERS.keys() - set(PAGING))
    if strange and not ctx.is_admin and ctx.version >= (3, 31):
        raise InvalidInput(reason=f"Invalid filters {', '.join(strange)} are found in query "
                                  "options.")
    skip = int(listing.read_value(query, "offset") or 0)
    with cinder.db.reading() as session:
        after = None
        if asked.marker is not None:
            find(session, ctx, asked.marker)
            after = listing.find_marker(session, keys, A.id == asked.marker)
        statement = select(*A).where(*scope).offset(skip)
        return listing.fetch(session, statement, keys, asked, after).rows
