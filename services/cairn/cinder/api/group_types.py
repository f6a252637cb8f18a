"""/group_types and their specs"""

from typing import Any

from cairn.cinder.api.pages import following, queries
from cairn.cinder.api.schemas import (
    BOOLEAN,
    NAME,
    ONE_SPEC,
    SPECS,
    TEXT_OR_NONE,
    Query,
    closed,
    is_true,
    wrapped,
)
from cairn.cinder.component import Cinder
from cairn.cinder.core import group_types
from cairn.cinder.errors import GroupTypeNotFound, SpecNotFound
from cairn.cinder.policy import RULES
from cairn.common.api import ANYONE, Api, Document
from cairn.common.context import Context
from cairn.common.errors import Invalid

api = Api(RULES)

PATH = "/group_types/<type_id>"
SPECS_PATH = PATH + "/group_specs"
_NEW = closed(["name"], name=NAME, description=TEXT_OR_NONE, is_public=BOOLEAN,
              group_specs=SPECS | {"type": ["object", "null"]})
_CHANGE = closed(name=NAME | {"type": ["string", "null"]}, description=TEXT_OR_NONE,
                 is_public=BOOLEAN)


def view(cinder: Cinder, ctx: Context, row: Any) -> Document:
    """As all of them are shown."""
    shown = {"id": row.id, "name": row.name, "description": row.description,
             "is_public": row.is_public}
    if cinder.policy.allows(ctx, "group:access_group_types_specs"):
        shown["group_specs"] = row.group_specs
    return shown


@api.get("/group_types", policy=ANYONE, since="3.11", query=queries("offset", "is_public"))
def index(cinder: Cinder, ctx: Context, query: Query) -> Document:
    """List group types; administrators ask with `is_public` for those that are not public (false),
    or for all (none)."""
    part = group_types.index(cinder, ctx, query)
    return {"group_types": [view(cinder, ctx, row) for row in part.rows],
            **following("group_type_links", "group_types", query, part)}


@api.get("/group_types/default", policy=ANYONE, since="3.11")
def default(cinder: Cinder, ctx: Context) -> Document:
    """Show the group type of a group that names none: there is no such type."""
    raise GroupTypeNotFound("default")


@api.get(PATH, policy=ANYONE, since="3.11")
def show(cinder: Cinder, ctx: Context, type_id: str) -> Document:
    """Show a group type."""
    return {"group_type": view(cinder, ctx, group_types.show(cinder, ctx, type_id))}


@api.post("/group_types", policy="group:group_types:create", since="3.11", status=202,
          body=wrapped("group_type", _NEW), event="group_type.create")
def create(cinder: Cinder, ctx: Context, body: Document) -> Document:
    """Make a group type."""
    asked = body["group_type"]
    row = group_types.create(cinder, ctx, {
        "name": asked["name"].strip(), "description": asked.get("description"),
        "is_public": is_true(asked.get("is_public", True)),
        "group_specs": asked.get("group_specs") or {}})
    return {"group_type": view(cinder, ctx, row)}


@api.put(PATH, policy="group:group_types:update", since="3.11",
         body=wrapped("group_type", _CHANGE), event="group_type.update")
def change(cinder: Cinder, ctx: Context, type_id: str, body: Document) -> Document:
    """Change a group type's name, description or whether it is public."""
    asked = {name: value for name, value in body["group_type"].items() if value is not None}
    if not asked:
        raise Invalid(reason="Specify group type name, description, is_public or a combination "
                             "thereof.")
    if "is_public" in asked:
        asked["is_public"] = is_true(asked["is_public"])
    return {"group_type": view(cinder, ctx, group_types.change(cinder, ctx, type_id, asked))}


@api.delete(PATH, policy="group:group_types:delete", since="3.11", status=202,
            event="group_type.delete")
def delete(cinder: Cinder, ctx: Context, type_id: str) -> None:
    """Delete a group type that no group is of."""
    group_types.remove(cinder, ctx, type_id)


@api.get(SPECS_PATH, policy="group:group_types_specs:get_all", since="3.11")
def list_specs(cinder: Cinder, ctx: Context, type_id: str) -> Document:
    """List a group type's specs."""
    return {"group_specs": group_types.show(cinder, ctx, type_id).group_specs}


@api.post(SPECS_PATH, policy="group:group_types_specs:create", since="3.11", status=202,
          body=wrapped("group_specs", SPECS), event="group_type.specs")
def create_specs(cinder: Cinder, ctx: Context, type_id: str, body: Document) -> Document:
    """Add or replace specs of a group type."""
    group_types.put_specs(cinder, ctx, type_id, body["group_specs"])
    return {"group_specs": body["group_specs"]}


@api.get(SPECS_PATH + "/<key>", policy="group:group_types_specs:get", since="3.11")
def show_spec(cinder: Cinder, ctx: Context, type_id: str, key: str) -> Document:
    """Show one spec of a group type."""
    specs = group_types.show(cinder, ctx, type_id).group_specs
    if key not in specs:
        raise SpecNotFound(key, f"Group Type {type_id}")
    return {key: specs[key]}


@api.put(SPECS_PATH + "/<key>", policy="group:group_types_specs:update", since="3.11",
         body=ONE_SPEC, event="group_type.specs")
def change_spec(cinder: Cinder, ctx: Context, type_id: str, key: str, body: Document) -> Document:
    """Set one spec of a group type, which the body names as the path does."""
    if key not in body:
        raise Invalid(reason="Request body and URI mismatch: the body has to name the spec "
                             f"{key}.")
    group_types.put_specs(cinder, ctx, type_id, body)
    return body


@api.delete(SPECS_PATH + "/<key>", policy="group:group_types_specs:delete", since="3.11",
            status=202, event="group_type.specs")
def delete_spec(cinder: Cinder, ctx: Context, type_id: str, key: str) -> None:
    """Remove one spec of a group type."""
    group_types.drop_spec(cinder, ctx, type_id, key)
