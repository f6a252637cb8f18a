"""The bodies glance accepts, and the schemas it publishes."""

from typing import Any

from cairn.common.api import Schema

DISK_FORMATS = ["ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop"]
CONTAINER_FORMATS = ["ami", "ari", "aki", "bare", "ovf", "ova", "docker", "compressed"]
VISIBILITIES = ["community", "public", "private", "shared"]
UUID = ("^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}"
        "-([0-9a-fA-F]){12}$")
TAG: dict[str, Any] = {"type": "string", "maxLength": 255}

# What a caller may set. Anything else that is a string is a custom property.
SETTABLE: dict[str, Any] = {
    "name": {"type": ["null", "string"], "maxLength": 255},
    "visibility": {"type": "string", "enum": VISIBILITIES},
    "protected": {"type": "boolean"},
    "os_hidden": {"type": "boolean"},
    "owner": {"type": ["null", "string"], "maxLength": 255},
    "disk_format": {"type": ["null", "string"], "enum": [None, *DISK_FORMATS]},
    "container_format": {"type": ["null", "string"], "enum": [None, *CONTAINER_FORMATS]},
    "min_disk": {"type": "integer", "minimum": 0, "maximum": 2147483647},
    "min_ram": {"type": "integer", "minimum": 0, "maximum": 2147483647},
    "tags": {"type": "array", "items": TAG, "maxItems": 128},
}
READ_ONLY: dict[str, Any] = {
    "id": {"type": "string", "pattern": UUID},
    "status": {"type": "string", "enum": [
        "queued", "saving", "active", "killed", "deleted", "uploading", "importing",
        "pending_delete", "deactivated"]},
    "checksum": {"type": ["null", "string"], "maxLength": 32},
    "os_hash_algo": {"type": ["null", "string"], "maxLength": 64},
    "os_hash_value": {"type": ["null", "string"], "maxLength": 128},
    "size": {"type": ["null", "integer"]},
    "virtual_size": {"type": ["null", "integer"]},
    "created_at": {"type": "string"},
    "updated_at": {"type": "string"},
    "self": {"type": "string"},
    "file": {"type": "string"},
    "schema": {"type": "string"},
    "direct_url": {"type": "string"},
    "locations": {"type": "array"},
}
CREATE: Schema = {
    "type": "object", "properties": {**SETTABLE, "id": READ_ONLY["id"]},
    "additionalProperties": {"type": "string", "maxLength": 65535},
    "propertyNames": {"maxLength": 255, "minLength": 1}, "maxProperties": 160,
}
PATCH: Schema = {
    "type": "array", "items": {
        "type": "object", "required": ["op", "path"],
        "properties": {"op": {"type": "string"}, "path": {"type": "string"}, "value": {}},
        "additionalProperties": False,
    },
}
MEMBER_CREATE: Schema = {
    "type": "object", "required": ["member"], "additionalProperties": False,
    "properties": {"member": {"type": "string", "minLength": 1, "maxLength": 255}},
}
MEMBER_UPDATE: Schema = {
    "type": "object", "required": ["status"], "additionalProperties": False,
    "properties": {"status": {"type": "string", "enum": ["pending", "accepted", "rejected"]}},
}

IMAGE: dict[str, Any] = {
    "name": "image",
    "properties": {
        **{name: {**schema, "readOnly": True} for name, schema in READ_ONLY.items()}, **SETTABLE},
    "additionalProperties": {"type": "string"},
    "links": [{"href": "{self}", "rel": "self"}, {"href": "{file}", "rel": "enclosure"},
              {"href": "{schema}", "rel": "describedby"}],
}
MEMBER: dict[str, Any] = {
    "name": "member",
    "properties": {
        "member_id": {"type": "string"}, "image_id": {"type": "string", "pattern": UUID},
        "created_at": {"type": "string"}, "updated_at": {"type": "string"},
        "status": {"type": "string", "enum": ["pending", "accepted", "rejected"]},
        "schema": {"readOnly": True, "type": "string"}},
}


def collection(name: str, item: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "properties": {
            name: {"type": "array", "items": item}, "first": {"type": "string"},
            "next": {"type": "string"}, "schema": {"type": "string"}},
        "links": [{"rel": "first", "href": "{first}"}, {"rel": "next", "href": "{next}"},
                  {"rel": "describedby", "href": "{schema}"}],
    }
