"""The bodies glance accepts, and the schemas of images, members and tasks it publishes.

Clients make their arguments and their objects of the published ones (API reference, "Image
Schemas"), so they say more than a validation needs.
"""

from typing import Any

from cairn.common.api import Schema, Validator
from cairn.common.names import SEGMENT
from cairn.glance.component import UUID, PropertySchemas
from cairn.glance.core import contents, listing, namespaces, tasks

DISK_FORMATS = ["raw", "qcow2", "vmdk", "vhd", "vhdx", "vdi", "iso", "gpt", "ploop", "ami", "ari",
                "aki"]
CONTAINER_FORMATS = ["ami", "ari", "aki", "bare", "ovf", "ova", "docker", "compressed"]
VISIBILITIES = ["community", "public", "private", "shared"]
STATUSES = ["queued", "saving", "active", "killed", "deleted", "uploading", "importing",
            "pending_delete", "deactivated"]
NUMBER: dict[str, Any] = {"type": "integer", "minimum": 0, "maximum": 2147483647}
TEXT: dict[str, Any] = {"type": ["null", "string"], "maxLength": 255}


def about(schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {**schema, "description": description}


def read_only(schema: dict[str, Any], description: str = "") -> dict[str, Any]:
    return {**schema, "readOnly": True, **({"description": description} if description else {})}


# What a caller may set. Anything else that is a string is a property.
SETTABLE: dict[str, Any] = {
    "name": about(TEXT, "What the image is called"),
    "visibility": about({"type": "string", "enum": VISIBILITIES}, "Who sees the image"),
    "protected": about({"type": "boolean"}, "Whether the image is kept from being deleted"),
    "os_hidden": about({"type": "boolean"}, "Whether lists leave the image out"),
    "owner": about(TEXT, "The project whose image it is"),
    "disk_format": about(
        {"type": ["null", "string"], "enum": [None, *DISK_FORMATS]}, "Format of the disk"),
    "container_format": about(
        {"type": ["null", "string"], "enum": [None, *CONTAINER_FORMATS]},
        "Format of what the disk is wrapped in"),
    "min_disk": about(NUMBER, "GB of disk that a server of the image needs"),
    "min_ram": about(NUMBER, "MB of memory that a server of the image needs"),
    "tags": about({"type": "array", "items": {
        "type": "string", "minLength": 1, "maxLength": 255, "pattern": SEGMENT}},
                  "Words about the image"),
}
# In Python a pattern's end is also before a newline.
ID = {"type": "string", "pattern": UUID, "maxLength": 36}
LOCATIONS: dict[str, Any] = {
    "type": "array", "description": "Where the bytes are",
    "items": {
        "type": "object", "required": ["url", "metadata"], "additionalProperties": False,
        "properties": {
            "url": {"type": "string", "maxLength": 255}, "metadata": {"type": "object"},
            "validation_data": {
                "type": "object", "writeOnly": True, "additionalProperties": False,
                "description": "What is known of the bytes",
                "required": ["os_hash_algo", "os_hash_value"],
                "properties": {
                    "checksum": {"type": "string", "minLength": 32, "maxLength": 32},
                    "os_hash_algo": {"type": "string", "maxLength": 64},
                    "os_hash_value": {"type": "string", "maxLength": 128}}}}},
}
TOLD: dict[str, Any] = {
    "status": read_only({"type": "string", "enum": STATUSES}, "What may be done with the image"),
    "checksum": read_only({"type": ["null", "string"], "maxLength": 32}, "MD5 of the bytes"),
    "os_hash_algo": read_only(
        {"type": ["null", "string"], "maxLength": 64}, "The algorithm of os_hash_value"),
    "os_hash_value": read_only(
        {"type": ["null", "string"], "maxLength": 128}, "Hash of the bytes"),
    "size": read_only({"type": ["null", "integer"]}, "Number of bytes"),
    "virtual_size": read_only({"type": ["null", "integer"]}, "Bytes of the disk inside"),
    "created_at": read_only({"type": "string"}, "When the image was registered"),
    "updated_at": read_only({"type": "string"}, "When the image last changed"),
    "self": read_only({"type": "string"}, "Path of the image"),
    "file": read_only({"type": "string"}, "Path of the bytes"),
    "schema": read_only({"type": "string"}, "Path of this schema"),
    "direct_url": read_only({"type": "string"}, "Where a store keeps the bytes"),
    "stores": read_only({"type": "string"}, "The stores that have the bytes, by commas"),
}

CREATE: Schema = {
    # Those that nobody sets may be anything: they are refused as what they are. What is no
    # attribute is held against PropertySchemas.
    "type": "object", "properties": {**SETTABLE, **dict.fromkeys(TOLD, {}),
                                     "locations": {}, "id": ID},
    "additionalProperties": True,
}
_VALUES = {name: Validator({"type": "object", "properties": {name: schema}})
           for name, schema in {**SETTABLE, "locations": LOCATIONS}.items()}


def check_value(schemas: PropertySchemas, name: str, value: Any) -> None:
    """Raises Invalid when an image's attribute or property cannot be that."""
    if name in _VALUES:
        _VALUES[name]({name: value})
    else:
        schemas.check(name, value)


def texts(description: str) -> dict[str, Any]:
    """A parameter of a query. What is none is refused in the words of the API by who reads it; of
    one that is repeated the last counts, where nothing else is said."""
    return about({"type": "array", "items": {"type": "string"}}, description)


def _page(*sortable: str) -> dict[str, Any]:
    names = ", ".join(sortable)
    return {
        "limit": texts("At most so many entries"),
        "marker": texts("Only what comes after this one, the last of the page before"),
        "sort_key": texts(f"What to order by, first things first: each one of {names}"),
        "sort_dir": texts("asc or desc, for each sort_key or once for all"),
        "sort": texts("The same in one: name:asc,size"),
    }


def _query(**parameters: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": parameters}


_IN, _TIME = "this one, or in:a,b", "as gte:2026-01-01T00:00:00Z; also gt, eq, neq, lt, lte"
# What is no attribute and no parameter of lists is a property that the images shall have.
IMAGES_QUERY: Schema = _query(
    **_page(*sorted(listing.SORTABLE)),
    visibility=texts(f"One of {', '.join(listing.VISIBILITIES)}"),
    member_status=texts(
        f"How shared images were taken: one of {', '.join(listing.MEMBER_STATUSES)}"),
    os_hidden=texts("true for the hidden images instead of the others"),
    protected=texts("true or false"),
    tag=texts("A tag that the images have; each one, where it is repeated"),
    **{name: texts(f"{name} is {_IN}") for name in listing.TEXTS},
    **{name: texts(f"{name} is this one") for name in listing.PLAIN},
    **{name: texts(f"When that was, {_TIME}") for name in ("created_at", "updated_at")},
    **{name: texts(f"{name} is exactly this") for name in listing.NUMBERS},
    **{f"{name}_min": texts(f"{name} is this or more") for name in listing.NUMBERS},
    **{f"{name}_max": texts(f"{name} is this or less") for name in listing.NUMBERS},
) | {"patternProperties": {
    "^.+$": texts("a property of images, and the value that it has")}}
DOWNLOAD_QUERY: Schema = _query(
    prefer=texts("Names of stores to read from first, by commas"))
TASKS_QUERY: Schema = _query(
    **_page(*sorted(tasks.SORTABLE)), status=texts(f"One of {', '.join(tasks.STATES)}"),
    type=texts(f"One of {', '.join(tasks.TYPES)}"))
NAMESPACES_QUERY: Schema = _query(
    **_page(*sorted(namespaces.SORTABLE)), visibility=texts("public or private"),
    resource_types=texts("Names of resource types that the namespaces go on, by commas"))
CONTENTS_QUERY: Schema = _query(**_page(*sorted(contents.SORTABLE)))
OF_TYPE_QUERY: Schema = _query(
    resource_type=texts("The resource type with whose prefix keys are named"))

MEMBER_CREATE: Schema = {
    "type": "object", "required": ["member"], "additionalProperties": True,
    "properties": {"member": {
        "type": "string", "minLength": 1, "maxLength": 255, "pattern": SEGMENT}},
}
MEMBER_UPDATE: Schema = {
    "type": "object", "required": ["status"], "additionalProperties": True,
    "properties": {"status": {"type": "string", "enum": ["pending", "accepted", "rejected"]}},
}

def image(schemas: PropertySchemas) -> dict[str, Any]:
    return {
        "name": "image",
        "properties": {"id": about(ID, "The image's identifier"), **SETTABLE, **TOLD,
                       "locations": LOCATIONS, **schemas.properties},
        "additionalProperties": {"type": "string"},
        "links": [{"rel": "self", "href": "{self}"}, {"rel": "enclosure", "href": "{file}"},
                  {"rel": "describedby", "href": "{schema}"}],
        **({"required": schemas.required} if schemas.required else {}),
    }


MEMBER: dict[str, Any] = {
    "name": "member",
    "properties": {
        "member_id": about({"type": "string"}, "The project"),
        "image_id": about(ID, "The image that is shared with it"),
        "created_at": about({"type": "string"}, "When it was shared"),
        "updated_at": about({"type": "string"}, "When that last changed"),
        "status": about({"type": "string", "enum": ["pending", "accepted", "rejected"]},
                        "Whether the project took it"),
        "schema": read_only({"type": "string"})},
}
TASK: dict[str, Any] = {
    "name": "task",
    "properties": {
        "id": about(ID, "The task's identifier"),
        "type": {"type": "string", "enum": [*tasks.TYPES]},
        "status": {"type": "string", "enum": [*tasks.STATES]},
        "input": {"type": ["null", "object"]}, "result": {"type": ["null", "object"]},
        "owner": {"type": "string"}, "message": {"type": ["null", "string"]},
        "image_id": {"type": ["null", "string"]}, "request_id": {"type": ["null", "string"]},
        "user_id": {"type": ["null", "string"]}, "expires_at": {"type": ["null", "string"]},
        "created_at": {"type": "string"}, "updated_at": {"type": "string"},
        "self": read_only({"type": "string"}), "schema": read_only({"type": "string"})},
}


def collection(name: str, item: Schema, by_name: bool = False) -> dict[str, Any]:
    """The schema of a list of `item`, or of an object with one for each name."""
    inner = {k: v for k, v in item.items() if k != "definitions"}
    many = {"type": "object", "additionalProperties": inner} if by_name else {
        "type": "array", "items": inner}
    return {
        "name": name,
        "properties": {name: many, "first": {"type": "string"}, "next": {"type": "string"},
                       "schema": {"type": "string"}},
        "links": [{"rel": "first", "href": "{first}"}, {"rel": "next", "href": "{next}"},
                  {"rel": "describedby", "href": "{schema}"}],
        **({"definitions": item["definitions"]} if "definitions" in item else {}),
    }


# Metadata definitions: bodies and published schemas are the same (API reference, "Metadata
# Definitions Service API v2").
TYPES = ["array", "boolean", "integer", "number", "object", "string", None]
NAME: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 80, "pattern": SEGMENT}
WHOLE = {"$ref": "#/definitions/positiveInteger"}
WHOLE_OR_0 = {"$ref": "#/definitions/positiveIntegerDefault0"}
WORDS = {"$ref": "#/definitions/stringArray"}
PROPERTIES = {"$ref": "#/definitions/property"}

# What a definition of a key may say: a part of JSON Schema.
KEY: dict[str, Any] = {
    "name": {"type": "string", "maxLength": 80},
    "title": {"type": "string"},
    "description": {"type": "string"},
    "operators": {"type": "array", "items": {"type": "string"}},
    "type": {"type": "string", "enum": TYPES},
    "required": WORDS,
    "minimum": {"type": "number"}, "maximum": {"type": "number"},
    "maxLength": WHOLE, "minLength": WHOLE_OR_0,
    "pattern": {"type": "string", "format": "regex"},
    "enum": {"type": "array"},
    "readonly": {"type": "boolean"}, "confidential": {"type": "boolean"},
    "default": {},
    "items": {
        "type": "object", "additionalProperties": False,
        "properties": {"type": {"type": "string", "enum": TYPES}, "enum": {"type": "array"}}},
    "maxItems": WHOLE, "minItems": WHOLE_OR_0,
    "uniqueItems": {"type": "boolean", "default": False},
    "additionalItems": {"type": "boolean"},
}
NUMBERS: dict[str, Any] = {
    "positiveInteger": {"type": "integer", "minimum": 0},
    "positiveIntegerDefault0": {
        "allOf": [{"$ref": "#/definitions/positiveInteger"}, {"default": 0}]},
    "stringArray": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
}
DEFINITIONS: dict[str, Any] = {
    **NUMBERS,
    "property": {
        "type": "object",
        "additionalProperties": {
            "type": "object", "required": ["title", "type"], "properties": KEY,
            "additionalProperties": False}},
}
TIMES: dict[str, Any] = {
    "created_at": read_only({"type": "string", "format": "date-time"}, "When it was made"),
    "updated_at": read_only({"type": "string", "format": "date-time"}, "When it last changed"),
}
PATHS: dict[str, Any] = {
    "self": read_only({"type": "string"}), "schema": read_only({"type": "string"})}
ASSOCIATION_FIELDS: dict[str, Any] = {
    "name": about(NAME, "The resource type, as Heat calls it where it does"),
    "prefix": about({"type": "string", "maxLength": 80},
                    "What keys begin with on this resource type, with its separator"),
    "properties_target": about({"type": "string", "maxLength": 80},
                               "Which of several sets of keys is meant, where there are several"),
}
OBJECT_FIELDS: dict[str, Any] = {
    "name": NAME, "description": {"type": "string"}, "required": WORDS, "properties": PROPERTIES}
TAG_FIELDS: dict[str, Any] = {"name": NAME}
NAMESPACE_FIELDS: dict[str, Any] = {
    "namespace": about(NAME, "The name that no other namespace has"),
    "display_name": about({"type": "string", "maxLength": 80}, "The name that people read"),
    "description": about({"type": "string", "maxLength": 500}, "What the namespace is for"),
    "visibility": about({"type": "string", "enum": ["public", "private"]}, "Who sees it"),
    "protected": about({"type": "boolean"}, "Whether it is kept from being deleted"),
    "owner": about({"type": "string", "maxLength": 255}, "The project whose it is"),
    "properties": {**PROPERTIES, "propertyNames": NAME},
}


def _items(fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": {
        "type": "object", "required": ["name"], "properties": fields,
        "additionalProperties": False}}


def _published(name: str, fields: dict[str, Any], required: list[str], **more: Any) -> Schema:
    return {"name": name, "properties": fields, "required": required,
            "additionalProperties": False, **more}


def _body(published: Schema, **more: Schema) -> Schema:
    """The published schema as one of a body. What is read-only may be anything: it is refused as
    what it is."""
    fields = published["properties"] | more
    fields |= {name: {} for name in (*TIMES, *PATHS) if name in fields}
    return {"type": "object", **{k: v for k, v in published.items() if k != "name"},
            "properties": fields}


NAMESPACE = _published(
    "namespace", {
        **NAMESPACE_FIELDS, **TIMES, **PATHS,
        "resource_type_associations": _items({**ASSOCIATION_FIELDS, **TIMES}),
        "objects": _items({**OBJECT_FIELDS, **TIMES, **PATHS}),
        "tags": _items({**TAG_FIELDS, **TIMES})},
    ["namespace"], definitions=DEFINITIONS)
OBJECT = _published("object", {**OBJECT_FIELDS, **TIMES, **PATHS}, ["name"],
                    definitions=DEFINITIONS)
PROPERTY = _published("property", KEY, ["type", "title", "name"], definitions=NUMBERS)
TAG = _published("tag", {**TAG_FIELDS, **TIMES}, ["name"])
ASSOCIATION = _published("resource_type_association", {**ASSOCIATION_FIELDS, **TIMES}, ["name"])

NAMESPACE_BODY = _body(NAMESPACE)
OBJECT_BODY = _body(OBJECT)
PROPERTY_BODY = _body(PROPERTY, name=NAME, **TIMES)
TAG_BODY = _body(TAG)
TAGS_BODY: Schema = {
    "type": "object", "additionalProperties": False,
    "properties": {"tags": _items({"name": NAME})}}
ASSOCIATION_BODY = _body(ASSOCIATION)
# Files say more of a namespace than requests may, and mean nothing by it.
check_namespace = Validator({**NAMESPACE_BODY, "additionalProperties": True})
