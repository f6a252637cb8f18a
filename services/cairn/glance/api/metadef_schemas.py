"""The bodies of metadata definitions, which are the schemas glance publishes of them too.

Format: API reference of the image service, "Metadata Definitions Service API v2".
"""

from typing import Any

from cairn.common.api import Schema, Validator
from cairn.common.names import SEGMENT
from cairn.glance.api.schemas import about, read_only

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
    "properties": PROPERTIES,
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
