"""/ and /versions: which versions glance speaks; /v2/schemas; /v2/info."""

import flask

from cairn.common.api import ANYONE, PUBLIC, Api, Document, Reply
from cairn.common.context import Context
from cairn.common.errors import NoSuchPath
from cairn.glance.api import schemas
from cairn.glance.component import Glance
from cairn.glance.policy import RULES

root = Api(RULES)
api = Api(RULES)
CURRENT = "v2.17"
SUPPORTED = ["v2.16", "v2.15", "v2.9", "v2.7", "v2.6", "v2.5", "v2.4", "v2.3", "v2.2", "v2.1",
             "v2.0"]
SCHEMAS = {
    "image": schemas.IMAGE, "images": schemas.collection("images", schemas.IMAGE),
    "member": schemas.MEMBER, "members": schemas.collection("members", schemas.MEMBER),
}


def _versions() -> Document:
    href = f"{flask.request.url_root.rstrip('/')}/v2/"
    return {"versions": [
        {"id": id_, "status": "CURRENT" if id_ == CURRENT else "SUPPORTED",
         "links": [{"rel": "self", "href": href}]} for id_ in (CURRENT, *SUPPORTED)]}


@root.get("/", policy=PUBLIC, status=300)
def choices(glance: Glance, ctx: Context) -> Document:
    return _versions()


@root.get("/versions", policy=PUBLIC)
def versions(glance: Glance, ctx: Context) -> Document:
    return _versions()


@api.get("/schemas/<name>", policy=ANYONE)
def schema(glance: Glance, ctx: Context, name: str) -> Document:
    if name not in SCHEMAS:
        raise NoSuchPath
    return SCHEMAS[name]


@api.get("/info/import", policy=ANYONE)
def import_methods(glance: Glance, ctx: Context) -> Document:
    return {"import-methods": {
        "description": "Import methods available.", "type": "array", "value": []}}


@api.get("/info/stores", policy=ANYONE)
def stores(glance: Glance, ctx: Context) -> Reply:
    return Reply({"stores": [{"id": "file", "default": "true"}]})
