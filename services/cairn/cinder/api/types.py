"""/types"""

from typing import Any

from cairn.cinder.api.pages import following, queries
from cairn.cinder.api.schemas import (
    BOOLEAN,
    NAME,
    SPECS,
    TEXT_OR_NONE,
    Query,
    closed,
    is_true,
    wrapped,
)
from cairn.cinder.component import Cinder
from cairn.cinder.core import type_changes, type_lists
from cairn.cinder.policy import RULES
from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import Invalid

api = Api(RULES)

PUBLIC = "os-volume-type-access:is_public"
LIST = queries("offset", "is_public", "name", "extra_specs")
CREATE = wrapped("volume_type", closed(["name"], **{
    "name": NAME, "description": TEXT_OR_NONE, "extra_specs": SPECS | {"type": ["object", "null"]},
    PUBLIC: BOOLEAN}))
UPDATE = wrapped("volume_type", closed(
    name=NAME | {"type": ["string", "null"]}, description=TEXT_OR_NONE, is_public=BOOLEAN))


def summary(cinder: Cinder, ctx: Context, row: Any) -> Document:
    """A type, as those who change it are answered."""
    shown: Document = {"id": row.id, "name": row.name, "is_public": row.is_public,
                       "description": row.description}
    if cinder.policy.allows(ctx, "volume_extension:access_types_extra_specs"):
        shown["extra_specs"] = type_lists.shown_specs(cinder, ctx, row.extra_specs)
    return shown


def view(cinder: Cinder, ctx: Context, row: Any) -> Document:
    """A type, as lists and show have it."""
    shown = summary(cinder, ctx, row) | {PUBLIC: row.is_public}
    if cinder.policy.allows(ctx, "volume_extension:access_types_qos_specs_id"):
        shown["qos_specs_id"] = row.qos_specs_id
    return shown


@api.get("/types", policy="volume_extension:type_get_all", query=LIST)
def index(cinder: Cinder, ctx: Context, query: Query) -> Document:
    """List the volume types that the caller may use; administrators ask with `is_public` for those
    that are not public (false), or for all (none)."""
    part = type_lists.index(cinder, ctx, query)
    return {"volume_types": [view(cinder, ctx, row) for row in part.rows],
            **following("volume_type_links", "types", query, part)}


@api.get("/types/default", policy="volume_extension:type_get")
def default(cinder: Cinder, ctx: Context) -> Document:
    """Show the type of a volume that names none."""
    return {"volume_type": view(cinder, ctx, type_lists.default(cinder, ctx))}


@api.get("/types/<type_id>", policy="volume_extension:type_get")
def show(cinder: Cinder, ctx: Context, type_id: str) -> Document:
    """Show a volume type."""
    return {"volume_type": view(cinder, ctx, type_lists.show(cinder, ctx, type_id))}


@api.post("/types", policy="volume_extension:type_create", body=CREATE, event="volume_type.create")
def create(cinder: Cinder, ctx: Context, body: Document) -> Document:
    """Make a volume type; one that is not public is for projects that are granted it."""
    asked = body["volume_type"]
    row = type_changes.create(cinder, ctx, {
        "name": asked["name"].strip(), "description": asked.get("description"),
        "is_public": is_true(asked.get(PUBLIC, True)),
        "extra_specs": asked.get("extra_specs") or {}})
    return {"volume_type": summary(cinder, ctx, row) | {PUBLIC: row.is_public}}


@api.put("/types/<type_id>", policy="volume_extension:type_update", body=UPDATE,
         event="volume_type.update")
def change(cinder: Cinder, ctx: Context, type_id: str, body: Document) -> Document:
    """Change a volume type's name, description or whether it is public; limits that have its name
    follow it."""
    asked = {name: value for name, value in body["volume_type"].items() if value is not None}
    if not asked:
        raise Invalid(reason="Specify volume type name, description, is_public or a combination "
                             "thereof.")
    if "is_public" in asked:
        asked["is_public"] = is_true(asked["is_public"])
    if "name" in asked:
        asked["name"] = asked["name"].strip()
    return {"volume_type": summary(cinder, ctx, type_changes.change(cinder, ctx, type_id, asked))}


@api.delete("/types/<type_id>", policy="volume_extension:type_delete", status=202,
            event="volume_type.delete")
def delete(cinder: Cinder, ctx: Context, type_id: str) -> None:
    """Delete a volume type that nothing is of."""
    type_changes.remove(cinder, ctx, type_id)
