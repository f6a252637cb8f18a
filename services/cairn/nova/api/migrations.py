"""/os-migrations"""

from typing import Any

from cairn.common.api import Api, Document, Schema
from cairn.common.context import Context
from cairn.common.listing import read_value
from cairn.nova.api.schemas import PAGE_ONCE, TEXT, Query, once, queries, read_limit
from cairn.nova.api.views import next_link, stamp
from cairn.nova.component import Nova
from cairn.nova.core import migrations
from cairn.nova.core.values import check_order, moment
from cairn.nova.policy import RULES

api = Api(RULES)

# What is asked of the list as it is kept, by the name that the API has for it.
FILTERS = {"status": "status", "instance_uuid": "server_id", "source_compute": "source",
           "migration_type": "kind", "user_id": "user_id", "project_id": "project_id"}


def _migration(ctx: Context, row: Any, flavors: dict[str, int]) -> Document:
    shown: Document = {
        "id": row.number, "status": row.status, "instance_uuid": row.server_id,
        "source_node": row.source_node, "source_compute": row.source,
        "dest_node": row.destination_node, "dest_compute": row.destination,
        "dest_host": row.destination_address,
        # Numbers that no flavor is called by; None of one that is gone.
        "old_instance_type_id": flavors.get(row.old_flavor["id"]),
        "new_instance_type_id": flavors.get(row.new_flavor["id"]),
        "created_at": stamp(row.created_at), "updated_at": stamp(row.updated_at),
    }
    if ctx.version >= (2, 23):
        shown["migration_type"] = row.kind
    if ctx.version >= (2, 59):
        shown["uuid"] = row.id
    if ctx.version >= (2, 80):
        shown |= {"user_id": row.user_id, "project_id": row.project_id}
    return shown


def index(nova: Nova, ctx: Context, query: Query) -> Document:
    """List how servers moved from host to host, or were resized, the newest first."""
    asked = {column: value for name, column in FILTERS.items()
             if (value := read_value(query, name)) is not None}
    since = before = None
    size, marker = None, None
    if ctx.version >= (2, 59):
        size, marker = read_limit(nova, query), read_value(query, "marker")
        if (text := read_value(query, "changes-since")) is not None:
            since = moment(text, "changes-since")
    if ctx.version >= (2, 66) and (text := read_value(query, "changes-before")) is not None:
        before = moment(text, "changes-before")
    check_order(since, before)
    rows, flavors = migrations.list_migrations(
        nova, asked, host=read_value(query, "host"), since=since, before=before, marker=marker,
        limit=size)
    shown = [_migration(ctx, row, flavors) for row in rows]
    document: Document = {"migrations": shown}
    if size is not None and shown and (following := next_link(shown, size, rows[-1].id)):
        document["migrations_links"] = following
    return document


_TIME: Schema = once({"type": "string", "format": "date-time"})
_OLD = dict.fromkeys(("cell_name", "hidden", "host", "instance_uuid", "migration_type",
                      "source_compute", "status"), TEXT)
for _since, _until, _query in queries(
        {(2, 1): _OLD, (2, 59): PAGE_ONCE | {"changes-since": _TIME},
         (2, 66): {"changes-before": _TIME}, (2, 80): {"user_id": TEXT, "project_id": TEXT}},
        closed_since=(2, 59)):
    api.get("/os-migrations", policy="os_compute_api:os-migrations:index", query=_query,
            since=_since, until=_until)(index)
