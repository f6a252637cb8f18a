"""/resource_classes"""

import re

from sqlalchemy.exc import IntegrityError

from cairn.common.api import Api, Document, Reply
from cairn.common.context import Context
from cairn.common.errors import Conflict, Invalid
from cairn.placement.api.schemas import CLASS_POST, CUSTOM
from cairn.placement.component import Placement
from cairn.placement.errors import ClassNotFound, InUse
from cairn.placement.policy import RULES

api = Api(RULES)


def view(name: str) -> Document:
    return {"name": name, "links": [
        {"rel": "self", "href": f"/placement/resource_classes/{name}"}]}


@api.get("/resource_classes", policy="placement:resource_classes:list", since="1.2")
def index(placement: Placement, ctx: Context) -> Document:
    return {"resource_classes": [view(name) for name in placement.names.classes.all()]}


@api.post("/resource_classes", policy="placement:resource_classes:create", status=201,
          body=CLASS_POST, since="1.2")
def create(placement: Placement, ctx: Context, body: Document) -> Reply:
    name = body["name"]
    if placement.names.classes.exists(name):
        raise Conflict(reason=f"Conflicting resource class already exists: {name}")
    placement.names.classes.create(name)
    return Reply(None, 201, {"Location": f"/placement/resource_classes/{name}"})


@api.get("/resource_classes/<name>", policy="placement:resource_classes:show", since="1.2")
def show(placement: Placement, ctx: Context, name: str) -> Document:
    if not placement.names.classes.exists(name):
        raise ClassNotFound(id=name)
    return view(name)


@api.put("/resource_classes/<name>", policy="placement:resource_classes:update", since="1.7")
def ensure(placement: Placement, ctx: Context, name: str) -> Reply:
    if not re.fullmatch(CUSTOM, name) or len(name) > 255:
        raise Invalid(reason=f"Invalid resource class name {name}: it must match {CUSTOM}")
    new = not placement.names.classes.exists(name)
    if new:
        placement.names.classes.create(name)
    return Reply(None, 201 if new else 204,
                 {"Location": f"/placement/resource_classes/{name}"})


@api.delete("/resource_classes/<name>", policy="placement:resource_classes:delete", status=204,
            since="1.2")
def delete(placement: Placement, ctx: Context, name: str) -> None:
    if not placement.names.classes.exists(name):
        raise ClassNotFound(id=name)
    if name in placement.names.classes.standard:
        raise Invalid(reason=f"Cannot delete standard resource class {name}.")
    try:
        with placement.db.writing() as session:
            placement.names.classes.forget(session, name)
    except IntegrityError:
        raise InUse(kind="resource class", name=name, reason="") from None
