"""/resource_classes"""

import re

from cairn.common import events
from cairn.common.api import Api, Document, Reply
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.placement.api.schemas import CLASS_POST, CUSTOM
from cairn.placement.component import Placement
from cairn.placement.core import classes
from cairn.placement.errors import ClassExists, ClassNotFound
from cairn.placement.policy import RULES

api = Api(RULES)


def view(placement: Placement, name: str) -> Document:
    return {"name": name, "links": [
        {"rel": "self", "href": f"{placement.url}/resource_classes/{name}"}]}


def _find(placement: Placement, name: str) -> None:
    if not placement.names.classes.exists(name):
        raise ClassNotFound(id=name)


@api.get("/resource_classes", policy="placement:resource_classes:list", since="1.2")
def index(placement: Placement, ctx: Context) -> Document:
    """List all resource classes: the standard ones first, then the custom ones by name."""
    names = placement.names.classes.all()
    return {"resource_classes": [view(placement, name) for name in names]}


@api.post("/resource_classes", policy="placement:resource_classes:create", status=201,
          body=CLASS_POST, since="1.2", event="resource_class.create")
def create(placement: Placement, ctx: Context, body: Document) -> Reply:
    """Add a custom resource class; one that exists is a conflict."""
    name = body["name"]
    if not classes.create_class(ctx, placement.names, name):
        raise ClassExists(name=name)
    return Reply(None, 201, {"Location": f"{placement.url}/resource_classes/{name}"})


@api.get("/resource_classes/<name>", policy="placement:resource_classes:show", since="1.2")
def show(placement: Placement, ctx: Context, name: str) -> Document:
    """Show that a resource class exists."""
    _find(placement, name)
    return view(placement, name)


@api.put("/resource_classes/<name>", policy="placement:resource_classes:update",
         body=CLASS_POST, since="1.2", until="1.6", event="resource_class.update")
def rename(placement: Placement, ctx: Context, name: str, body: Document) -> Document:
    """Rename a custom resource class; its inventories and allocations keep it."""
    _find(placement, name)
    if name in placement.names.classes.standard:
        raise Invalid(reason=f"Cannot update standard resource class {name}")
    classes.rename_class(placement.db, ctx, placement.names, name, body["name"])
    return view(placement, body["name"])


@api.put("/resource_classes/<name>", policy="placement:resource_classes:update", since="1.7",
         status=201, also=(204,), event="resource_class.create")
def ensure(placement: Placement, ctx: Context, name: str) -> Reply:
    """See that a custom resource class exists: 201 if it is new, 204 if it was there."""
    if len(name) > 255:
        raise Invalid(reason="JSON does not validate: Failed validating 'maxLength': a resource "
                             "class has at most 255 characters.")
    if not re.fullmatch(CUSTOM, name):
        raise Invalid(reason="JSON does not validate: Failed validating 'pattern': the resource "
                             f"class {name} does not match {CUSTOM}")
    new = classes.create_class(ctx, placement.names, name)
    if not new:
        events.unchanged()
    return Reply(None, 201 if new else 204, {
        "Location": f"{placement.url}/resource_classes/{name}"})


@api.delete("/resource_classes/<name>", policy="placement:resource_classes:delete", status=204,
            since="1.2", event="resource_class.delete")
def delete(placement: Placement, ctx: Context, name: str) -> None:
    """Remove a custom resource class that no inventory has."""
    _find(placement, name)
    if name in placement.names.classes.standard:
        raise Invalid(reason="Error in delete resource class: Cannot delete standard resource "
                             f"class {name}.")
    classes.delete_class(placement.db, ctx, placement.names, name)
