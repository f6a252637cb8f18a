"""The words of the API that several resources share: links, times, limits, schema parts."""

import datetime as dt
import hashlib
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import flask
from werkzeug.datastructures import MultiDict

from cairn.common.api import Document, Schema
from cairn.common.errors import Invalid
from cairn.nova.component import Nova

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
COUNT: dict[str, Any] = {"type": ["integer", "string"], "pattern": r"^[0-9]+$", "minimum": 0}
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


ANY: Schema = {"type": "object", "additionalProperties": {"type": "array"}}
NULL_OR_OBJECT: Schema = {"type": ["object", "null", "string"], "additionalProperties": True}


def query(**single: Schema) -> Schema:
    """Of a query: these parameters are checked, others are let pass, as Nova does."""
    return {
        "type": "object", "additionalProperties": {"type": "array"},
        "properties": {name: {"type": "array", "items": schema}
                       for name, schema in single.items()},
    }


NUMBER: Schema = {"type": "string", "pattern": "^[0-9]+$"}
PAGE = {"limit": NUMBER, "marker": {"type": "string"}}


def base() -> str:
    """Where the caller finds us, as the caller wrote it."""
    return flask.request.host_url.rstrip("/") + flask.request.script_root


def links(root: str, kind: str, item_id: str) -> list[Document]:
    return [{"rel": "self", "href": f"{root}/v2.1/{kind}/{item_id}"},
            {"rel": "bookmark", "href": f"{root}/{kind}/{item_id}"}]


def next_link(items: list[Document], limit: int, marker: str) -> list[Document]:
    """The following page, where this one is full."""
    if not items or len(items) < limit:
        return []
    args = flask.request.args.copy()
    args.setlist("marker", [marker])
    text = urlencode(list(args.items(multi=True)))
    return [{"rel": "next", "href": f"{base()}{flask.request.path}?{text}"}]


def limit(nova: Nova, args: Query) -> int:
    asked = args.get("limit", type=int)
    return nova.api.max_limit if asked is None else min(asked, nova.api.max_limit)


def stamp(moment: dt.datetime | None) -> str | None:
    """A time as the API writes it."""
    return None if moment is None else moment.isoformat(timespec="seconds") + "Z"


def micro(moment: dt.datetime | None) -> str | None:
    """A time with its microseconds, without a zone: as instance actions and services have it."""
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%S.%f}"


def moment(text: str, name: str) -> dt.datetime:
    """Raises Invalid naming the parameter."""
    try:
        found = dt.datetime.fromisoformat(text.strip().replace("Z", "+00:00").replace(" +", "+"))
    except ValueError:
        raise Invalid(reason=f"{name}: not a time: {text}") from None
    return found if found.tzinfo is None else found.astimezone(dt.UTC).replace(tzinfo=None)


def truth(text: str | None, name: str, default: bool = False) -> bool:
    """Raises Invalid naming the parameter."""
    if text is None:
        return default
    if text.lower() in ("1", "t", "true", "on", "y", "yes", ""):
        return True
    if text.lower() in ("0", "f", "false", "off", "n", "no"):
        return False
    raise Invalid(reason=f"{name}: expected true or false, not {text}")


@lru_cache(maxsize=4096)
def host_id(project_id: str, host: str | None) -> str:
    """A host's name as a project may know it: the same for all of its servers there."""
    return hashlib.sha224(f"{project_id}{host}".encode()).hexdigest() if host else ""
