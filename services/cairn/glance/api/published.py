"""/v2/schemas: what clients build their arguments and objects of."""

from cairn.common.api import ANYONE, Api, Document
from cairn.common.context import Context
from cairn.common.errors import NoSuchPath
from cairn.glance.api.schemas import (
    ASSOCIATION,
    MEMBER,
    NAMESPACE,
    OBJECT,
    PROPERTY,
    TAG,
    TASK,
    collection,
    image,
)
from cairn.glance.component import Glance
from cairn.glance.policy import RULES

api = Api(RULES)
# Of a list of tasks only what a list shows.
TASK_IN_LIST = {**TASK, "properties": {
    name: schema for name, schema in TASK["properties"].items()
    if name not in ("input", "result", "message")}}
SCHEMAS = {
    "member": MEMBER, "members": collection("members", MEMBER),
    "task": TASK, "tasks": collection("tasks", TASK_IN_LIST),
}
# In a list the key is the name.
UNNAMED = {**PROPERTY, "required": ["type", "title"]}
DEFINED = {
    "namespace": NAMESPACE, "namespaces": collection("namespaces", NAMESPACE),
    "object": OBJECT, "objects": collection("objects", OBJECT),
    "property": PROPERTY, "properties": collection("properties", UNNAMED, by_name=True),
    "tag": TAG, "tags": collection("tags", TAG),
    "resource_type": ASSOCIATION,
    "resource_types": collection("resource_type_associations", ASSOCIATION),
}


@api.get("/schemas/image", policy=ANYONE)
def image_schema(glance: Glance, ctx: Context) -> Document:
    """Show the JSON schema of an image, with the properties that the operator defined."""
    return image(glance.property_schemas)


@api.get("/schemas/images", policy=ANYONE)
def images_schema(glance: Glance, ctx: Context) -> Document:
    """Show the JSON schema of a list of images."""
    return collection("images", image(glance.property_schemas))


@api.get("/schemas/<name>", policy=ANYONE)
def schema(glance: Glance, ctx: Context, name: str) -> Document:
    """Show the JSON schema of a member, of a task, or of a list of either."""
    if name not in SCHEMAS:
        raise NoSuchPath
    return SCHEMAS[name]


@api.get("/schemas/metadefs/<name>", policy=ANYONE)
def definition_schema(glance: Glance, ctx: Context, name: str) -> Document:
    """Show the JSON schema of a kind of metadata definition, or of a list of it."""
    if name not in DEFINED:
        raise NoSuchPath
    return dict(DEFINED[name])
