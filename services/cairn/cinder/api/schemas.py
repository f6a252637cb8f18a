"""What requests may say: the parts of schemas that resources share."""

from typing import Any

from werkzeug.datastructures import MultiDict

from cairn.common.api import Schema

Query = MultiDict[str, str]

UUID: Schema = {
    "type": "string",
    "pattern": "^[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}$",
}
UUID_OR_NONE: Schema = {"type": ["string", "null"], "pattern": UUID["pattern"]}
NAME_OR_NONE: Schema = {"type": ["string", "null"], "maxLength": 255}
DESCRIPTION_OR_NONE: Schema = {"type": ["string", "null"], "maxLength": 255}
BOOLEAN: Schema = {
    "enum": [True, "True", "TRUE", "true", "1", "ON", "On", "on", "YES", "Yes", "yes", "y", "t",
             False, "False", "FALSE", "false", "0", "OFF", "Off", "off", "NO", "No", "no", "n",
             "f"],
}
BOOLEAN_OR_NONE: Schema = {"enum": [None, *BOOLEAN["enum"]]}
INTEGER = 0x7FFFFFFF
SIZE: dict[str, Any] = {"type": ["integer", "string"], "pattern": r"^[0-9]+$", "minimum": 1,
                "maximum": INTEGER, "minLength": 1, "maxLength": 10}
METADATA: dict[str, Any] = {
    "type": "object", "additionalProperties": False, "propertyNames": {"maxLength": 255},
    "patternProperties": {r"^.+$": {"type": "string", "maxLength": 255}},
}
METADATA_OR_NONE: Schema = METADATA | {"type": ["object", "null"]}


# Extra specs of types, group specs, qos specs.
KEY = r"^[a-zA-Z0-9\-_:. ]+$"
SPECS: dict[str, Any] = {
    "type": "object", "additionalProperties": False, "propertyNames": {"maxLength": 255},
    "patternProperties": {KEY: {"type": "string", "maxLength": 255}},
}
ONE_SPEC: dict[str, Any] = SPECS | {"minProperties": 1, "maxProperties": 1}
NAME: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"\S"}
TEXT_OR_NONE: Schema = {"type": ["string", "null"], "maxLength": 255}
PROJECT: Schema = {"type": "string", "minLength": 1, "maxLength": 64}


# What python-cinderclient says beside the rest of what it asks for, and nobody reads.
UNREAD: dict[str, Schema] = {
    name: {"type": ["string", "null"], "maxLength": 255}
    for name in ("user_id", "project_id", "status")}


def closed(required: list[str] | None = None, /, **properties: Any) -> dict[str, Any]:
    """An object that may have these members and no others."""
    return {"type": "object", "properties": properties, "required": required or [],
            "additionalProperties": False}


def wrapped(name: str, schema: Schema) -> dict[str, Any]:
    """A body of one member."""
    return closed([name], **{name: schema})


def is_true(value: Any) -> bool:
    """What BOOLEAN said."""
    return str(value).lower() in ("true", "1", "on", "yes", "y", "t")


def stripped(text: str | None) -> str | None:
    """Names are kept without the spaces around them."""
    return text.strip() if text is not None else None
