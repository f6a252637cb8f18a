"""/groups"""

from typing import Any

from cairn.cinder.api.pages import ONE, following, only, queries
from cairn.cinder.api.schemas import (
    BOOLEAN,
    DESCRIPTION_OR_NONE,
    NAME,
    NAME_OR_NONE,
    UUID_OR_NONE,
    Query,
    closed,
    is_true,
    stripped,
    wrapped,
)
from cairn.cinder.api.views import group as view
from cairn.cinder.component import Cinder
from cairn.cinder.core import group_lists, groups
from cairn.cinder.policy import RULES
from cairn.common import listing
from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import Invalid

api = Api(RULES)

PATH = "/groups/<group_id>"
ACTION = PATH + "/action"
LIST = queries("all_tenants", "offset", *group_lists.FILTERS) | {
    "patternProperties": {"~$": ONE}}
CREATE = wrapped("group", closed(
    ["group_type", "volume_types"], name=NAME_OR_NONE, description=DESCRIPTION_OR_NONE,
    group_type=NAME, volume_types={"type": "array", "minItems": 1, "maxItems": 100,
                                   "items": NAME, "uniqueItems": True},
    availability_zone=NAME_OR_NONE))
# Ids, with a comma between each.
IDS = {"type": ["string", "null"], "maxLength": 10_000}
UPDATE = wrapped("group", closed(name=NAME_OR_NONE, description=DESCRIPTION_OR_NONE,
                                 add_volumes=IDS, remove_volumes=IDS))
COPY = wrapped("create-from-src", closed(
    name=NAME_OR_NONE, description=DESCRIPTION_OR_NONE, source_group_id=UUID_OR_NONE,
    group_snapshot_id=UUID_OR_NONE))
STATUS = closed(["status"], status={"type": "string", "enum": [*groups.STATUSES]})


def summary(row: Any) -> Document:
    """As answers show it that do not tell of it."""
    return {"id": row.id, "name": row.name}


def ids_of(text: str | None) -> list[str]:
    """What IDS said."""
    return list(dict.fromkeys(part.strip() for part in (text or "").split(",") if part.strip()))


def _wants_volumes(ctx: Context, query: Query) -> bool:
    return ctx.version >= (3, 25) and bool(listing.read_flag(query, "list_volume", False))


@api.get("/groups", policy="group:get_all", query=LIST, since="3.13")
def index(cinder: Cinder, ctx: Context, query: Query) -> Document:
    """List groups: ids and names."""
    part = group_lists.page(cinder, ctx, query)
    return {"groups": [summary(row) for row in part.rows],
            **following("group_links", "groups", query, part)}


@api.get("/groups/detail", policy="group:get_all", query=LIST, since="3.13")
def detail(cinder: Cinder, ctx: Context, query: Query) -> Document:
    """List groups with all that there is to know of them; since 3.25 with their volumes, where
    `list_volume` asks for these."""
    part = group_lists.page(cinder, ctx, query)
    ids = [row.id for row in part.rows]
    inside = group_lists.volumes(cinder, ids) if _wants_volumes(ctx, query) else {}
    return {"groups": [view(cinder, ctx, row, inside.get(row.id)) for row in part.rows],
            **following("group_links", "groups/detail", query, part)}


@api.get(PATH, policy="group:get", query=only("list_volume"), since="3.13")
def show(cinder: Cinder, ctx: Context, group_id: str, query: Query) -> Document:
    """Show a group; since 3.25 with its volumes, where `list_volume` asks for these."""
    row = group_lists.one(cinder, ctx, group_id)
    inside = group_lists.volumes(cinder, [row.id]) if _wants_volumes(ctx, query) else {}
    return {"group": view(cinder, ctx, row, inside.get(row.id))}


@api.post("/groups", policy="group:create", body=CREATE, status=202, since="3.13",
          event="group.create")
def create(cinder: Cinder, ctx: Context, body: Document) -> Document:
    """Make a group, which has no volumes yet."""
    asked = body["group"]
    made = groups.create(cinder, ctx, groups.Order(
        asked["group_type"], asked["volume_types"], stripped(asked.get("name")),
        stripped(asked.get("description")), asked.get("availability_zone")))
    return {"group": summary(group_lists.one(cinder, ctx, made))}


@api.put(PATH, policy="group:update", body=UPDATE, status=202, since="3.13",
         event="group.update")
def update(cinder: Cinder, ctx: Context, group_id: str, body: Document) -> None:
    """Change a group's name and description, and which volumes are in it."""
    asked = body["group"]
    values = {name: stripped(asked[name]) for name in ("name", "description")
              if asked.get(name) is not None}
    more, fewer = ids_of(asked.get("add_volumes")), ids_of(asked.get("remove_volumes"))
    if not (values or more or fewer):
        raise Invalid(reason="At least one of the following properties must be specified: name, "
                             "description, add_volumes, remove_volumes.")
    groups.update(cinder, ctx, group_id, values, more, fewer)


@api.post(ACTION, action="delete", policy="group:delete", status=202, since="3.13",
          event="group.delete",
          body=wrapped("delete", closed(**{"delete-volumes": BOOLEAN})))
def delete(cinder: Cinder, ctx: Context, group_id: str, body: Document) -> None:
    """Delete a group, or begin to delete it with its volumes."""
    groups.delete(cinder, ctx, group_id,
                  with_volumes=is_true(body["delete"].get("delete-volumes", False)))


@api.post(ACTION, action="reset_status", policy="group:reset_status", status=202, since="3.20",
          event="group.reset_status", body=wrapped("reset_status", STATUS))
def reset_status(cinder: Cinder, ctx: Context, group_id: str, body: Document) -> None:
    """Say what status a group has, whatever it had."""
    groups.reset_status(cinder, ctx, group_id, body["reset_status"]["status"])


@api.post("/groups/action", action="create-from-src", policy="group:create", status=202,
          since="3.14", event="group.create", body=COPY)
def copy(cinder: Cinder, ctx: Context, body: Document) -> Document:
    """Make a group, and begin to make its volumes from another's, or from a snapshot of one."""
    asked = body["create-from-src"]
    snapshot, source = asked.get("group_snapshot_id"), asked.get("source_group_id")
    if (snapshot is None) == (source is None):
        raise Invalid(reason="Either group_snapshot_id or source_group_id has to be given to make "
                             "a group from, and not both.")
    made = groups.copy(cinder, ctx, groups.Copy(
        stripped(asked.get("name")), stripped(asked.get("description")), snapshot, source))
    return {"group": summary(group_lists.one(cinder, ctx, made))}


REFUSED = "no group is of a type that is replicated"


@api.post(ACTION, action="enable_replication", policy="group:enable_replication", status=202,
          since="3.38", changes_nothing=REFUSED, body=wrapped("enable_replication", closed()))
def enable_replication(cinder: Cinder, ctx: Context, group_id: str, body: Document) -> None:
    """Refuse to replicate a group: no backend can."""
    groups.refuse_replication(cinder, ctx, group_id)


@api.post(ACTION, action="disable_replication", policy="group:disable_replication", status=202,
          since="3.38", changes_nothing=REFUSED, body=wrapped("disable_replication", closed()))
def disable_replication(cinder: Cinder, ctx: Context, group_id: str, body: Document) -> None:
    """Refuse to end a replication: there is none."""
    groups.refuse_replication(cinder, ctx, group_id)


@api.post(ACTION, action="failover_replication", policy="group:failover_replication", status=202,
          since="3.38", changes_nothing=REFUSED, body=wrapped("failover_replication", closed(
              allow_attached_volume=BOOLEAN, secondary_backend_id=NAME_OR_NONE)))
def failover_replication(cinder: Cinder, ctx: Context, group_id: str, body: Document) -> None:
    """Refuse to go over to a replica: there is none."""
    groups.refuse_replication(cinder, ctx, group_id)


@api.post(ACTION, action="list_replication_targets", policy="group:list_replication_targets",
          since="3.38", changes_nothing=REFUSED,
          body=wrapped("list_replication_targets", closed()))
def list_replication_targets(cinder: Cinder, ctx: Context, group_id: str, body: Document) -> None:
    """Refuse to list where a group is replicated to: nowhere."""
    groups.refuse_replication(cinder, ctx, group_id)
