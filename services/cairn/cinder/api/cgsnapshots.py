"""/cgsnapshots: snapshots of consistency groups."""

from typing import Any

from cairn.cinder.api.group_snapshots import LIST
from cairn.cinder.api.groups import summary
from cairn.cinder.api.pages import following
from cairn.cinder.api.schemas import (
    DESCRIPTION_OR_NONE,
    NAME_OR_NONE,
    UNREAD,
    UUID,
    Query,
    closed,
    stripped,
    wrapped,
)
from cairn.cinder.component import Cinder
from cairn.cinder.core import consistency_groups, group_lists, group_snapshots
from cairn.cinder.core.values import stamp
from cairn.cinder.policy import RULES
from cairn.common.api import Api, Document
from cairn.common.context import Context

api = Api(RULES)

PATH = "/cgsnapshots/<cgsnapshot_id>"
CREATE = wrapped("cgsnapshot", closed(
    ["consistencygroup_id"], consistencygroup_id=UUID, name=NAME_OR_NONE,
    description=DESCRIPTION_OR_NONE, **UNREAD))


def view(row: Any) -> Document:
    """A snapshot of a consistency group."""
    return {"id": row.id, "consistencygroup_id": row.group_id, "status": row.status,
            "created_at": stamp(row.created_at), "name": row.name,
            "description": row.description}


@api.get("/cgsnapshots", policy="group:get_all_group_snapshots", query=LIST)
def index(cinder: Cinder, ctx: Context, query: Query) -> Document:
    """List snapshots of consistency groups: ids and names."""
    part = group_lists.snapshots(cinder, ctx, query, consistency_groups.snapshots_only())
    return {"cgsnapshots": [summary(row) for row in part.rows],
            **following("cgsnapshot_links", "cgsnapshots", query, part)}


@api.get("/cgsnapshots/detail", policy="group:get_all_group_snapshots", query=LIST)
def detail(cinder: Cinder, ctx: Context, query: Query) -> Document:
    """List snapshots of consistency groups with all that there is to know of them."""
    part = group_lists.snapshots(cinder, ctx, query, consistency_groups.snapshots_only())
    return {"cgsnapshots": [view(row) for row in part.rows],
            **following("cgsnapshot_links", "cgsnapshots/detail", query, part)}


@api.get(PATH, policy="group:get_group_snapshot")
def show(cinder: Cinder, ctx: Context, cgsnapshot_id: str) -> Document:
    """Show a snapshot of a consistency group."""
    return {"cgsnapshot": view(consistency_groups.one_snapshot(cinder, ctx, cgsnapshot_id))}


@api.post("/cgsnapshots", policy="group:create_group_snapshot", body=CREATE, status=202,
          event="group_snapshot.create")
def create(cinder: Cinder, ctx: Context, body: Document) -> Document:
    """Begin to take a snapshot of each volume of a consistency group, all of one moment."""
    asked = body["cgsnapshot"]
    consistency_groups.one(cinder, ctx, asked["consistencygroup_id"])
    made = group_snapshots.create(cinder, ctx, group_snapshots.Order(
        asked["consistencygroup_id"], stripped(asked.get("name")),
        stripped(asked.get("description"))))
    return {"cgsnapshot": summary(group_lists.one_snapshot(cinder, ctx, made))}


@api.delete(PATH, policy="group:delete_group_snapshot", status=202, event="group_snapshot.delete")
def delete(cinder: Cinder, ctx: Context, cgsnapshot_id: str) -> None:
    """Begin to delete a snapshot of a consistency group."""
    consistency_groups.one_snapshot(cinder, ctx, cgsnapshot_id)
    group_snapshots.delete(cinder, ctx, cgsnapshot_id)
