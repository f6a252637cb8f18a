"""The bodies and queries placement accepts. Every object is closed."""

from typing import Any

from cairn.common.api import Schema

UUID: Schema = {"type": "string", "format": "uuid"}
CLASS = "^[A-Z0-9_]+$"
CUSTOM = "^CUSTOM_[A-Z0-9_]+$"
GENERATION: Schema = {"type": "integer", "minimum": 0}


def closed(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required),
            "additionalProperties": False}


NAME: Schema = {"type": "string", "minLength": 1, "maxLength": 200}
PROVIDER_1_0 = closed({"name": NAME, "uuid": UUID}, "name")
PROVIDER_1_14 = closed(
    {"name": NAME, "uuid": UUID, "parent_provider_uuid": {"anyOf": [UUID, {"type": "null"}]}},
    "name")

_INVENTORY = {
    "total": {"type": "integer", "minimum": 1, "maximum": 2147483647},
    "reserved": {"type": "integer", "minimum": 0, "maximum": 2147483647},
    "min_unit": {"type": "integer", "minimum": 1, "maximum": 2147483647},
    "max_unit": {"type": "integer", "minimum": 1, "maximum": 2147483647},
    "step_size": {"type": "integer", "minimum": 1, "maximum": 2147483647},
    "allocation_ratio": {"type": "number", "exclusiveMinimum": 0, "maximum": 3.40282e38},
}
INVENTORY_PUT = closed(
    {**_INVENTORY, "resource_provider_generation": GENERATION},
    "total", "resource_provider_generation")
INVENTORY_POST = closed(
    {**_INVENTORY, "resource_class": {"type": "string", "pattern": CLASS},
     "resource_provider_generation": GENERATION}, "total", "resource_class")
INVENTORIES_PUT = closed({
    "resource_provider_generation": GENERATION,
    "inventories": {
        "type": "object", "additionalProperties": False,
        "patternProperties": {CLASS: closed({
            **_INVENTORY, "resource_provider_generation": GENERATION}, "total")},
    },
}, "resource_provider_generation", "inventories")

TRAITS_PUT = closed({
    "resource_provider_generation": GENERATION,
    "traits": {"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 255}},
}, "resource_provider_generation", "traits")

_UUIDS: Schema = {"type": "array", "items": UUID, "uniqueItems": True}
AGGREGATES_1_1: Schema = _UUIDS
AGGREGATES_1_19 = closed(
    {"aggregates": _UUIDS, "resource_provider_generation": GENERATION},
    "aggregates", "resource_provider_generation")

CLASS_POST = closed({"name": {"type": "string", "pattern": CUSTOM, "maxLength": 255}}, "name")

_RESOURCES: Schema = {
    "type": "object", "minProperties": 1, "additionalProperties": False,
    "patternProperties": {CLASS: {"type": "integer", "minimum": 1}},
}
_OWNER: dict[str, Any] = {
    "project_id": {"type": "string", "minLength": 1, "maxLength": 255},
    "user_id": {"type": "string", "minLength": 1, "maxLength": 255},
}
_UUID_KEY = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
_LIST: Schema = {"type": "array", "minItems": 1, "items": closed({
    "resource_provider": closed({"uuid": UUID}, "uuid"), "resources": _RESOURCES,
}, "resource_provider", "resources")}


def _by_provider(minimum: int) -> dict[str, Any]:
    return {
        "type": "object", "minProperties": minimum, "additionalProperties": False,
        "patternProperties": {_UUID_KEY: closed(
            {"resources": _RESOURCES, "generation": GENERATION}, "resources")},
    }


_MAPPINGS: Schema = {
    "type": "object", "minProperties": 1, "additionalProperties": False,
    "patternProperties": {"^([a-zA-Z0-9_-]{1,64})?$": {
        "type": "array", "minItems": 1, "items": UUID}},
}
_CONSUMER: dict[str, Any] = {"consumer_generation": {"type": ["integer", "null"]}}
_TYPE: dict[str, Any] = {
    "consumer_type": {"type": "string", "minLength": 1, "maxLength": 255,
                      "pattern": "^[A-Z0-9_]+$"}}

ALLOCATIONS_1_0 = closed({"allocations": _LIST}, "allocations")
ALLOCATIONS_1_8 = closed({"allocations": _LIST, **_OWNER}, "allocations", *_OWNER)
ALLOCATIONS_1_12 = closed({"allocations": _by_provider(1), **_OWNER}, "allocations", *_OWNER)
ALLOCATIONS_1_28 = closed(
    {"allocations": _by_provider(0), **_OWNER, **_CONSUMER},
    "allocations", "consumer_generation", *_OWNER)
ALLOCATIONS_1_34 = closed(
    {"allocations": _by_provider(0), "mappings": _MAPPINGS, **_OWNER, **_CONSUMER},
    "allocations", "consumer_generation", *_OWNER)
ALLOCATIONS_1_38 = closed(
    {"allocations": _by_provider(0), "mappings": _MAPPINGS, **_OWNER, **_CONSUMER, **_TYPE},
    "allocations", "consumer_generation", "consumer_type", *_OWNER)


def many(one: Schema) -> dict[str, Any]:
    return {"type": "object", "minProperties": 1, "additionalProperties": False,
            "patternProperties": {_UUID_KEY: one}}


ALLOCATIONS_POST_1_13 = many(
    closed({"allocations": _by_provider(0), **_OWNER}, "allocations", *_OWNER))

_TEXTS: Schema = {"type": "array", "maxItems": 1, "items": {"type": "string"}}
_MANY: Schema = {"type": "array", "items": {"type": "string"}}
PROVIDERS_QUERY = closed({
    "name": _TEXTS, "uuid": {"type": "array", "maxItems": 1, "items": UUID}, "in_tree": _TEXTS,
    "member_of": _MANY, "resources": _TEXTS, "required": _MANY,
})
CANDIDATES_QUERY: Schema = {
    "type": "object", "additionalProperties": False,
    "properties": {
        "limit": {"type": "array", "maxItems": 1,
                  "items": {"type": "string", "pattern": "^[1-9][0-9]*$"}},
        "group_policy": {"type": "array", "maxItems": 1,
                         "items": {"enum": ["none", "isolate"]}},
    },
    "patternProperties": {
        "^resources([a-zA-Z0-9_-]{1,64})?$": _TEXTS,
        "^required([a-zA-Z0-9_-]{1,64})?$": _MANY,
        "^member_of([a-zA-Z0-9_-]{1,64})?$": _MANY,
        "^in_tree([a-zA-Z0-9_-]{1,64})?$": _TEXTS,
    },
}
USAGES_QUERY = closed({"project_id": {**_TEXTS, "minItems": 1}, "user_id": _TEXTS,
                       "consumer_type": _TEXTS}, "project_id")
TRAITS_QUERY = closed({"name": _TEXTS, "associated": _TEXTS})
