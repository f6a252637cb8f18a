"""/consistencygroups: groups as clients asked for them before 3.13."""

from typing import Any

from cairn.cinder.api.groups import IDS, LIST, ids_of, summary
from cairn.cinder.api.pages import following
from cairn.cinder.api.schemas import (
    BOOLEAN,
    DESCRIPTION_OR_NONE,
    NAME_OR_NONE,
    UNREAD,
    UUID_OR_NONE,
    Query,
    closed,
    is_true,
    stripped,
    wrapped,
)
from cairn.cinder.component import Cinder
from cairn.cinder.core import consistency_groups, group_lists, groups
from cairn.cinder.core.values import stamp
from cairn.cinder.policy import RULES
from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import Invalid

api = Api(RULES)

PATH = "/consistencygroups/<group_id>"
CREATE = wrapped("consistencygroup", closed(
    ["volume_types"], name=NAME_OR_NONE, description=DESCRIPTION_OR_NONE,
    volume_types=IDS | {"type": "string"}, availability_zone=NAME_OR_NONE, **UNREAD))
UPDATE = wrapped("consistencygroup", closed(
    name=NAME_OR_NONE, description=DESCRIPTION_OR_NONE, add_volumes=IDS, remove_volumes=IDS))
COPY = wrapped("consistencygroup-from-src", closed(
    name=NAME_OR_NONE, description=DESCRIPTION_OR_NONE, cgsnapshot_id=UUID_OR_NONE,
    source_cgid=UUID_OR_NONE, **UNREAD))
DELETE = wrapped("consistencygroup", closed(force=BOOLEAN) | {"type": ["object", "null"]})


def view(row: Any) -> Document:
    """A consistency group."""
    return {"id": row.id, "status": row.status, "availability_zone": row.availability_zone,
            "created_at": stamp(row.created_at), "name": row.name,
            "description": row.description, "volume_types": row.volume_type_ids}


@api.get("/consistencygroups", policy="group:get_all", query=LIST)
def index(cinder: Cinder, ctx: Context, query: Query) -> Document:
    """List consistency groups: ids and names."""
    part = group_lists.page(cinder, ctx, query, consistency_groups.groups_only())
    return {"consistencygroups": [summary(row) for row in part.rows],
            **following("consistencygroup_links", "consistencygroups", query, part)}


@api.get("/consistencygroups/detail", policy="group:get_all", query=LIST)
def detail(cinder: Cinder, ctx: Context, query: Query) -> Document:
    """List consistency groups with all that there is to know of them."""
    part = group_lists.page(cinder, ctx, query, consistency_groups.groups_only())
    return {"consistencygroups": [view(row) for row in part.rows],
            **following("consistencygroup_links", "consistencygroups/detail", query, part)}


@api.get(PATH, policy="group:get")
def show(cinder: Cinder, ctx: Context, group_id: str) -> Document:
    """Show a consistency group."""
    return {"consistencygroup": view(consistency_groups.one(cinder, ctx, group_id))}


@api.post("/consistencygroups", policy="group:create", body=CREATE, status=202,
          event="group.create")
def create(cinder: Cinder, ctx: Context, body: Document) -> Document:
    """Make a consistency group, which has no volumes yet."""
    asked = body["consistencygroup"]
    names = ids_of(asked["volume_types"])
    if not names:
        raise Invalid(reason="volume_types must be provided to create consistency group.")
    made = groups.create(cinder, ctx, groups.Order(
        consistency_groups.ensure_type(cinder), names, stripped(asked.get("name")),
        stripped(asked.get("description")), asked.get("availability_zone")))
    return {"consistencygroup": summary(group_lists.one(cinder, ctx, made))}


@api.post("/consistencygroups/create_from_src", policy="group:create", body=COPY, status=202,
          event="group.create")
def copy(cinder: Cinder, ctx: Context, body: Document) -> Document:
    """Make a consistency group, and begin to make its volumes from another's, or from a snapshot of
    one."""
    asked = body["consistencygroup-from-src"]
    snapshot, source = asked.get("cgsnapshot_id"), asked.get("source_cgid")
    if (snapshot is None) == (source is None):
        raise Invalid(reason="Either cgsnapshot_id or source_cgid has to be given to make a "
                             "consistency group from, and not both.")
    if snapshot is not None:
        consistency_groups.one_snapshot(cinder, ctx, snapshot)
    else:
        consistency_groups.one(cinder, ctx, source)
    made = groups.copy(cinder, ctx, groups.Copy(
        stripped(asked.get("name")), stripped(asked.get("description")), snapshot, source))
    return {"consistencygroup": summary(group_lists.one(cinder, ctx, made))}


def update(cinder: Cinder, ctx: Context, group_id: str, body: Document) -> None:
    """Change a consistency group's name and description, and which volumes are in it."""
    asked = body["consistencygroup"]
    values = {name: stripped(asked[name]) for name in ("name", "description")
              if asked.get(name) is not None}
    more, fewer = ids_of(asked.get("add_volumes")), ids_of(asked.get("remove_volumes"))
    if not (values or more or fewer):
        raise Invalid(reason="Name, description, add_volumes, and remove_volumes can not be all "
                             "empty in the request body.")
    consistency_groups.one(cinder, ctx, group_id)
    groups.update(cinder, ctx, group_id, values, more, fewer)


for _path in (PATH, PATH + "/update"):
    api.put(_path, policy="group:update", body=UPDATE, status=202, event="group.update")(update)


@api.post(PATH + "/delete", policy="group:delete", body=DELETE, status=202, event="group.delete")
def delete(cinder: Cinder, ctx: Context, group_id: str, body: Document) -> None:
    """Delete a consistency group, or begin to delete it with its volumes where `force` says so."""
    asked = body["consistencygroup"] or {}
    consistency_groups.one(cinder, ctx, group_id)
    groups.delete(cinder, ctx, group_id, with_volumes=is_true(asked.get("force", False)))
