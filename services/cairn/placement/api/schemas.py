"""The bodies and queries placement accepts. Every object is closed."""

from collections.abc import Mapping
from typing import Any

from cairn.common.api import Schema
from cairn.common.bounds import DIGITS
from cairn.placement.errors import UUID_PATTERN

UUID: Schema = {"type": "string", "pattern": UUID_PATTERN}
CLASS = "^[A-Z0-9_]+$"
CUSTOM = "^CUSTOM_[A-Z0-9_]+$"
GENERATION: Schema = {"type": "integer"}
MOST = 2147483647


def closed(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required),
            "additionalProperties": False}


NAME: Schema = {"type": "string", "maxLength": 200}
_PARENT: Schema = {"anyOf": [UUID, {"type": "null"}]}
PROVIDER_POST_1_0 = closed({"name": NAME, "uuid": UUID}, "name")
PROVIDER_POST_1_14 = closed(
    {"name": NAME, "uuid": UUID, "parent_provider_uuid": _PARENT}, "name")
PROVIDER_PUT_1_0 = closed({"name": NAME}, "name")
PROVIDER_PUT_1_14 = closed({"name": NAME, "parent_provider_uuid": _PARENT}, "name")

_INVENTORY = {
    "resource_provider_generation": GENERATION,
    "total": {"type": "integer", "minimum": 1, "maximum": MOST},
    "reserved": {"type": "integer", "minimum": 0, "maximum": MOST},
    "min_unit": {"type": "integer", "minimum": 1, "maximum": MOST},
    "max_unit": {"type": "integer", "minimum": 1, "maximum": MOST},
    "step_size": {"type": "integer", "minimum": 1, "maximum": MOST},
    "allocation_ratio": {"type": "number", "maximum": 3.40282e38},
}
INVENTORY_PUT = closed(_INVENTORY, "total", "resource_provider_generation")
INVENTORY_POST = closed(
    {**_INVENTORY, "resource_class": {"type": "string", "pattern": CLASS}},
    "total", "resource_class")
INVENTORIES_PUT = closed({
    "resource_provider_generation": GENERATION,
    "inventories": {
        "type": "object", "additionalProperties": False,
        "patternProperties": {CLASS: closed(_INVENTORY, "total")},
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
_UUID_KEY = "^[0-9a-fA-F-]{36}$"
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


def many(one: Schema, least: int = 1) -> dict[str, Any]:
    return {"type": "object", "minProperties": least, "additionalProperties": False,
            "patternProperties": {_UUID_KEY: one}}


def reshape(one: Schema) -> dict[str, Any]:
    return closed({
        "inventories": {"type": "object", "minProperties": 1, "additionalProperties": False,
                        "patternProperties": {_UUID_KEY: INVENTORIES_PUT}},
        "allocations": many(one, 0),
    }, "inventories", "allocations")


ALLOCATIONS_POST_1_13 = many(
    closed({"allocations": _by_provider(0), **_OWNER}, "allocations", *_OWNER))

_TEXTS: Schema = {"type": "array", "items": {"type": "string"}}


def _texts(*names: str) -> dict[str, Schema]:
    return dict.fromkeys(names, _TEXTS)


_UUID_TEXT: Schema = {"type": "array", "items": UUID}
_PROVIDERS = {"name": _TEXTS, "uuid": _UUID_TEXT}
PROVIDERS_QUERY_1_0 = closed(_PROVIDERS)
PROVIDERS_QUERY_1_3 = closed({**_PROVIDERS, **_texts("member_of")})
PROVIDERS_QUERY_1_4 = closed({**_PROVIDERS, **_texts("member_of", "resources")})
PROVIDERS_QUERY_1_14 = closed(
    {**_PROVIDERS, **_texts("member_of", "resources"), "in_tree": _UUID_TEXT})
PROVIDERS_QUERY_1_18 = closed(
    {**_PROVIDERS, **_texts("member_of", "resources", "required"), "in_tree": _UUID_TEXT})

_LIMIT = {"limit": {"type": "array", "items": {
    "type": "string", "pattern": f"^[1-9][0-9]{{0,{DIGITS - 1}}}$"}}}
_POLICY = {"group_policy": {"type": "array", "items": {"enum": ["none", "isolate"]}}}
NUMBER = "[1-9][0-9]*"
SUFFIX = "[a-zA-Z0-9_-]{1,64}"


def _groups(
    suffix: str, words: tuple[str, ...], more: Mapping[str, Schema] | None = None
) -> dict[str, Any]:
    return {
        "type": "object", "additionalProperties": False,
        "properties": {**_LIMIT, **_POLICY, **(more or {})},
        "patternProperties": {f"^{word}({suffix})?$": _TEXTS for word in words},
    }


_WORDS_1_25 = ("resources", "required", "member_of")
_WORDS_1_31 = (*_WORDS_1_25, "in_tree")
# The query of candidates, by the microversion that it came with.
CANDIDATES_QUERIES: dict[str, Schema] = {
    "1.10": closed(_texts("resources"), "resources"),
    "1.16": closed({**_texts("resources"), **_LIMIT}, "resources"),
    "1.17": closed({**_texts("resources", "required"), **_LIMIT}, "resources"),
    "1.21": closed({**_texts("resources", "required", "member_of"), **_LIMIT}, "resources"),
    "1.25": _groups(NUMBER, _WORDS_1_25),
    "1.31": _groups(NUMBER, _WORDS_1_31),
    "1.33": _groups(SUFFIX, _WORDS_1_31),
    "1.35": _groups(SUFFIX, _WORDS_1_31, _texts("root_required")),
    "1.36": _groups(SUFFIX, _WORDS_1_31, _texts("root_required", "same_subtree")),
}

_ID_TEXT: Schema = {"type": "array", "items": {"type": "string", "minLength": 1,
                                               "maxLength": 255}}
USAGES_QUERY_1_9 = closed({"project_id": _ID_TEXT, "user_id": _ID_TEXT}, "project_id")
USAGES_QUERY_1_38 = closed({
    "project_id": _ID_TEXT, "user_id": _ID_TEXT,
    "consumer_type": {"type": "array", "items": {
        "type": "string", "minLength": 1, "maxLength": 255,
        "pattern": "^[A-Z0-9_]+$|^all$|^unknown$"}},
}, "project_id")
TRAITS_QUERY = closed(_texts("name", "associated"))
