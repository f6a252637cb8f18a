"""/group_snapshots"""

from cairn.cinder.api.groups import STATUS, summary
from cairn.cinder.api.pages import ONE, following, queries
from cairn.cinder.api.schemas import (
    DESCRIPTION_OR_NONE,
    NAME_OR_NONE,
    UUID,
    Query,
    closed,
    stripped,
    wrapped,
)
from cairn.cinder.api.views import group_snapshot as view
from cairn.cinder.component import Cinder
from cairn.cinder.core import group_lists, group_snapshots
from cairn.cinder.policy import RULES
from cairn.common.api import Api, Document
from cairn.common.context import Context

api = Api(RULES)

PATH = "/group_snapshots/<group_snapshot_id>"
LIST = queries("all_tenants", "offset", *group_lists.SNAPSHOT_FILTERS) | {
    "patternProperties": {"~$": ONE}}
CREATE = wrapped("group_snapshot", closed(
    ["group_id"], group_id=UUID, name=NAME_OR_NONE, description=DESCRIPTION_OR_NONE))


@api.get("/group_snapshots", policy="group:get_all_group_snapshots", query=LIST, since="3.14")
def index(cinder: Cinder, ctx: Context, query: Query) -> Document:
    """List snapshots of groups: ids and names."""
    part = group_lists.snapshots(cinder, ctx, query)
    return {"group_snapshots": [summary(row) for row in part.rows],
            **following("group_snapshot_links", "group_snapshots", query, part)}


@api.get("/group_snapshots/detail", policy="group:get_all_group_snapshots", query=LIST,
         since="3.14")
def detail(cinder: Cinder, ctx: Context, query: Query) -> Document:
    """List snapshots of groups with all that there is to know of them."""
    part = group_lists.snapshots(cinder, ctx, query)
    return {"group_snapshots": [view(cinder, ctx, row) for row in part.rows],
            **following("group_snapshot_links", "group_snapshots/detail", query, part)}


@api.get(PATH, policy="group:get_group_snapshot", since="3.14")
def show(cinder: Cinder, ctx: Context, group_snapshot_id: str) -> Document:
    """Show a snapshot of a group."""
    row = group_lists.one_snapshot(cinder, ctx, group_snapshot_id)
    return {"group_snapshot": view(cinder, ctx, row)}


@api.post("/group_snapshots", policy="group:create_group_snapshot", body=CREATE, status=202,
          since="3.14", event="group_snapshot.create")
def create(cinder: Cinder, ctx: Context, body: Document) -> Document:
    """Begin to take a snapshot of each volume of a group."""
    asked = body["group_snapshot"]
    made = group_snapshots.create(cinder, ctx, group_snapshots.Order(
        asked["group_id"], stripped(asked.get("name")), stripped(asked.get("description"))))
    row = group_lists.one_snapshot(cinder, ctx, made)
    return {"group_snapshot": {**summary(row), "group_type_id": row.group_type_id}}


@api.delete(PATH, policy="group:delete_group_snapshot", status=202, since="3.14",
            event="group_snapshot.delete")
def delete(cinder: Cinder, ctx: Context, group_snapshot_id: str) -> None:
    """Begin to delete a snapshot of a group, and each snapshot that is of it."""
    group_snapshots.delete(cinder, ctx, group_snapshot_id)


@api.post(PATH + "/action", action="reset_status", policy="group:reset_group_snapshot_status",
          status=202, since="3.19", event="group_snapshot.reset_status",
          body=wrapped("reset_status", STATUS))
def reset_status(cinder: Cinder, ctx: Context, group_snapshot_id: str, body: Document) -> None:
    """Say what status a snapshot of a group has, whatever it had."""
    group_snapshots.reset_status(cinder, ctx, group_snapshot_id, body["reset_status"]["status"])
