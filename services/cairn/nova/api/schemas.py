"""What requests may say: the parts of schemas that resources share, and bodies of the server
endpoints by microversion."""

from collections.abc import Mapping
from typing import Any

from werkzeug.datastructures import MultiDict

from cairn.common import listing
from cairn.common.api import Schema, Version
from cairn.common.bounds import DIGITS
from cairn.common.names import SEGMENT
from cairn.nova.component import Nova
from cairn.nova.core import quotas, server_tags

Query = MultiDict[str, str]

# A name as Nova has it: something, nothing unprintable, no space at either end. The classes are
# spelled out: those of Unicode make a compiled pattern a hundred times bigger, for each use of it.
NAME: dict[str, Any] = {
    "type": "string", "minLength": 1, "maxLength": 255,
    "pattern": "^[^\\x00-\\x20\\x7f-\\xa0]([^\\x00-\\x1f\\x7f-\\x9f]*[^\\x00-\\x20\\x7f-\\xa0])?$",
}
UUID: Schema = {
    "type": "string",
    "pattern": "^[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}$",
}
BOOLEAN: Schema = {
    "enum": [True, "True", "TRUE", "true", "1", "ON", "On", "on", "YES", "Yes", "yes", "y", "t",
             False, "False", "FALSE", "false", "0", "OFF", "Off", "off", "NO", "No", "no", "n",
             "f"],
}
INTEGER = 0x7FFFFFFF
COUNT: dict[str, Any] = {"type": ["integer", "string"], "pattern": r"^[0-9]+$", "minimum": 0,
                         "maximum": INTEGER}
METADATA: Schema = {
    "type": "object", "additionalProperties": False, "propertyNames": {"maxLength": 255},
    "patternProperties": {r"^[a-zA-Z0-9\-_:. ]+$": {"type": "string", "maxLength": 255}},
}


def closed(required: list[str] | None = None, /, **properties: Any) -> dict[str, Any]:
    """An object that may have these members and no others."""
    return {"type": "object", "properties": properties, "required": required or [],
            "additionalProperties": False}


def wrapped(name: str, schema: Schema) -> dict[str, Any]:
    return closed([name], **{name: schema})


NULL_OR_OBJECT: Schema = {"type": ["object", "null", "string"], "additionalProperties": True}


def query(**single: Schema) -> Schema:
    """Of a query: these parameters are checked, others are let pass, as Nova does."""
    return {
        "type": "object", "additionalProperties": {"type": "array"},
        "properties": {name: {"type": "array", "items": schema}
                       for name, schema in single.items()},
    }


NUMBER: Schema = {"type": "string", "pattern": f"^[0-9]{{1,{DIGITS}}}$"}
TEXT: Schema = {"type": "string"}
PAGE: dict[str, Schema] = {"limit": NUMBER, "marker": TEXT}
# Since when most lists refuse a parameter that they do not know.
CLOSED = (2, 75)


def once(schema: Schema) -> Schema:
    """A query parameter that may not be repeated."""
    return {"type": "array", "items": schema, "maxItems": 1}


PAGE_ONCE = {name: once(schema) for name, schema in PAGE.items()}


def queries(
    changes: Mapping[Version, Mapping[str, Schema]], *, closed_since: Version | None = CLOSED,
) -> list[tuple[str, str | None, Schema]]:
    """The queries of a list as (since, until, schema): `changes` are the parameters that a version
    adds. What a version does not know is let pass, unchecked, before `closed_since`, and refused
    from there on; None: it is the handler's to refuse."""
    versions = sorted({(2, 1), *changes, *([closed_since] if closed_since else [])})
    stretches: list[tuple[str, str | None, Schema]] = []
    for since, until, version in ranges(versions):
        items = {name: schema for start, added in changes.items() if start <= version
                 for name, schema in added.items()}
        document = {
            "type": "object",
            "properties": {name: schema if schema.get("type") == "array" else
                           {"type": "array", "items": schema} for name, schema in items.items()},
            "additionalProperties": False if closed_since and version >= closed_since else {
                "type": "array"},
        }
        stretches.append((since, until, document))
    return stretches


# --- Pages ---------------------------------------------------------------------------------


def read_limit(nova: Nova, query: Query) -> int:
    """How many items a page may have at most: what was asked for, or the cloud's own limit. Raises
    Invalid."""
    return listing.read_limit(query, most=nova.api.max_limit) or 0


# --- Quotas --------------------------------------------------------------------------------


def quota_limits(*, network: bool, files: bool, **more: Any) -> dict[str, Any]:
    """Limits by resource: those of networks and of injected files only in old versions."""
    limit = {"type": ["integer", "string"], "pattern": "^-?[0-9]+$", "minimum": -1,
             "maximum": INTEGER}
    names = [*quotas.ALWAYS, *(quotas.FILES if files else ()),
             *(quotas.NETWORK if network else ())]
    return closed(None, **dict.fromkeys(names, limit), **more)


# --- Servers -------------------------------------------------------------------------------

TAG: Schema = {"type": "string", "minLength": 1, "maxLength": 60,
               "pattern": SEGMENT.replace("/", ",/")}
TAGS: Schema = {"type": "array", "items": TAG, "maxItems": server_tags.MOST}
DEVICE_TAG = TAG
DESCRIPTION: Schema = {
    "type": ["string", "null"], "maxLength": 255, "pattern": "^[^\\x00-\\x1f\\x7f-\\x9f]*$",
}
HOSTNAME: Schema = {
    "type": "string", "minLength": 2, "maxLength": 63,
    "pattern": "^[a-zA-Z0-9]+[a-zA-Z0-9-]*[a-zA-Z0-9]+$",
}
_LABEL = "[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?"
FQDN: Schema = {
    "type": "string", "minLength": 2, "maxLength": 255,
    "pattern": rf"^{_LABEL}(\.{_LABEL})*$",
}
DISK_CONFIG: Schema = {"type": "string", "enum": ["AUTO", "MANUAL"]}
USER_DATA: Schema = {"type": ["string", "null"], "maxLength": 65535}
PERSONALITY: Schema = {
    "type": "array",
    "items": closed(path={"type": "string"}, contents={"type": "string"}),
    # Files are not injected; user data and the metadata service carry them. Empty is no request.
    "maxItems": 0,
}
CERTS: Schema = {
    "type": ["array", "null"], "minItems": 1, "maxItems": 50, "uniqueItems": True,
    "items": {"type": "string", "minLength": 1},
}
ACCESS_V4: Schema = {"type": "string", "pattern": r"^$|^\d{1,3}(\.\d{1,3}){3}$"}
ACCESS_V6: Schema = {"type": "string", "pattern": "^$|^[0-9a-fA-F:.]{2,45}$"}
IMAGE: Schema = {"type": "string", "pattern": "^$|" + UUID["pattern"]}
_SERVERS: Schema = {"type": ["string", "array"], "pattern": UUID["pattern"], "items": UUID}
# Of others filters of an operator's own may know.
HINTS: Schema = {"type": "object", "additionalProperties": True, "properties": {
    "same_host": _SERVERS, "different_host": _SERVERS, "query": {"type": ["string", "object"]},
    "build_near_host_ip": {"type": "string", "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]},
    "cidr": {"type": "string", "pattern": "^/[0-9a-f.:]+$"}, "target_cell": NAME,
    "different_cell": {"type": ["string", "array"], "items": {"type": "string"}},
}}


def _networks(version: Version) -> Schema:
    item: dict[str, Any] = {
        "uuid": UUID, "fixed_ip": {"type": "string", "maxLength": 45},
        "port": {"type": ["string", "null"], "pattern": UUID["pattern"]},
    }
    if (2, 32) <= version <= (2, 36) or version >= (2, 42):
        item["tag"] = DEVICE_TAG
    items = {"type": "array", "items": closed(**item)}
    if version < (2, 37):
        return items
    return {"if": {"type": "string"}, "then": {"enum": ["auto", "none"]}, "else": items}


def _devices(version: Version) -> Schema:
    item: dict[str, Any] = {
        "boot_index": {"type": ["integer", "string", "null"], "pattern": "^-?[0-9]+$|^None$"},
        "delete_on_termination": BOOLEAN, "destination_type": {"enum": ["local", "volume"]},
        "device_name": {"type": "string", "maxLength": 255, "pattern": "^[a-zA-Z0-9._/-]*$"},
        "device_type": {"type": "string", "maxLength": 255},
        "disk_bus": {"type": "string", "maxLength": 255},
        "guest_format": {"type": "string", "maxLength": 255}, "no_device": {},
        "snapshot_id": {"type": "string"}, "source_type": {
            "enum": ["volume", "image", "snapshot", "blank"]},
        "uuid": {"type": "string", "minLength": 1, "maxLength": 255},
        "volume_id": {"type": "string"}, "volume_size": COUNT,
        "image_id": {"type": "string"}, "virtual_name": {"type": "string"},
    }
    if version == (2, 32) or version >= (2, 42):
        item["tag"] = DEVICE_TAG
    if version >= (2, 67):
        item["volume_type"] = {"type": ["string", "null"], "maxLength": 255}
    return {"type": "array", "items": closed(**item)}


_OLD_DEVICES: Schema = {"type": "array", "items": closed(
    virtual_name={"type": "string", "maxLength": 255},
    volume_id={"type": ["string", "null"], "pattern": UUID["pattern"]},
    snapshot_id={"type": ["string", "null"], "pattern": UUID["pattern"]},
    volume_size={"type": ["integer", "string"], "pattern": "^[0-9]*$", "minimum": 1,
                 "maximum": INTEGER},
    device_name={"type": "string", "minLength": 1, "maxLength": 255,
                 "pattern": "^[a-zA-Z0-9._/-]*$"},
    delete_on_termination=BOOLEAN, no_device={},
    connection_info={"type": "string", "maxLength": 16777215})}
# The versions at which the body changes.
CREATE_CHANGES = [(2, 1), (2, 19), (2, 32), (2, 33), (2, 37), (2, 42), (2, 52), (2, 57), (2, 63),
                  (2, 67), (2, 74), (2, 90), (2, 94)]


def create(version: Version) -> Schema:
    server: dict[str, Any] = {
        "name": NAME, "imageRef": IMAGE,
        "flavorRef": {"type": ["string", "integer"], "minLength": 1},
        "adminPass": {"type": "string"}, "metadata": METADATA, "networks": _networks(version),
        "OS-DCF:diskConfig": DISK_CONFIG, "accessIPv4": ACCESS_V4, "accessIPv6": ACCESS_V6,
        "availability_zone": {"type": "string", "minLength": 1, "maxLength": 255},
        "block_device_mapping": _OLD_DEVICES,
        "block_device_mapping_v2": _devices(version), "config_drive": BOOLEAN,
        "min_count": COUNT | {"minimum": 1}, "max_count": COUNT | {"minimum": 1},
        "return_reservation_id": BOOLEAN, "key_name": NAME | {"type": ["string", "null"]},
        "security_groups": {"type": "array", "items": closed(
            ["name"], name={"type": "string", "minLength": 1, "maxLength": 255})},
        "user_data": USER_DATA,
        # Clients have put the hints here, too.
        "os:scheduler_hints": HINTS, "OS-SCH-HNT:scheduler_hints": HINTS,
    }
    required = ["name", "flavorRef"]
    if version < (2, 57):
        server["personality"] = PERSONALITY
    if version >= (2, 19):
        server["description"] = DESCRIPTION
    if version >= (2, 37):
        required.append("networks")
    if version >= (2, 52):
        server["tags"] = TAGS
    if version >= (2, 63):
        server["trusted_image_certificates"] = CERTS
    if version >= (2, 74):
        server |= {"host": NAME, "hypervisor_hostname": NAME}
    if version >= (2, 90):
        server["hostname"] = FQDN if version >= (2, 94) else HOSTNAME
    return {
        "type": "object", "required": ["server"], "additionalProperties": False,
        "properties": {"server": closed(required, **server), "os:scheduler_hints": HINTS,
                       "OS-SCH-HNT:scheduler_hints": HINTS},
    }


UPDATE_CHANGES = [(2, 1), (2, 19), (2, 90), (2, 94), (2, 104)]


def update(version: Version) -> Schema:
    server: dict[str, Any] = {"name": NAME, "OS-DCF:diskConfig": DISK_CONFIG,
                              "accessIPv4": ACCESS_V4, "accessIPv6": ACCESS_V6}
    if version >= (2, 19):
        server["description"] = DESCRIPTION
    if version >= (2, 90):
        server["hostname"] = FQDN if version >= (2, 94) else HOSTNAME
    if version >= (2, 104):
        server["pinned_availability_zone"] = {
            "type": ["string", "null"], "minLength": 1, "maxLength": 255}
    return closed(["server"], server=closed(**server))


REBUILD_CHANGES = [(2, 1), (2, 19), (2, 54), (2, 57), (2, 63), (2, 90), (2, 94)]


def rebuild(version: Version) -> Schema:
    server: dict[str, Any] = {
        "imageRef": UUID, "name": NAME, "adminPass": {"type": "string"}, "metadata": METADATA,
        "preserve_ephemeral": BOOLEAN, "OS-DCF:diskConfig": DISK_CONFIG, "accessIPv4": ACCESS_V4,
        "accessIPv6": ACCESS_V6,
    }
    if version < (2, 57):
        server["personality"] = PERSONALITY
    if version >= (2, 19):
        server["description"] = DESCRIPTION
    if version >= (2, 54):
        server["key_name"] = NAME | {"type": ["string", "null"]}
    if version >= (2, 57):
        server["user_data"] = USER_DATA
    if version >= (2, 63):
        server["trusted_image_certificates"] = CERTS
    if version >= (2, 90):
        server["hostname"] = FQDN if version >= (2, 94) else HOSTNAME
    return closed(["rebuild"], rebuild=closed(["imageRef"], **server))


NOTHING = NULL_OR_OBJECT


def ranges(changes: list[Version]) -> list[tuple[str, str | None, Version]]:
    """(since, until, first version) of each stretch between the changes."""
    stretches = []
    for here, after in zip(changes, [*changes[1:], None], strict=True):
        until = None if after is None else f"{after[0]}.{after[1] - 1}"
        stretches.append((f"{here[0]}.{here[1]}", until, here))
    return stretches
