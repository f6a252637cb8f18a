"""/types/{id}/encryption"""

from typing import Any

from cairn.cinder.api.schemas import NAME, TEXT_OR_NONE, closed, wrapped
from cairn.cinder.component import Cinder
from cairn.cinder.core import type_encryption
from cairn.cinder.policy import RULES
from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import NotFound

api = Api(RULES)

PATH = "/types/<type_id>/encryption"
_POLICY = "volume_extension:volume_type_encryption:"
_PARTS: dict[str, Any] = {
    "provider": NAME, "cipher": TEXT_OR_NONE,
    "key_size": {"type": ["integer", "string", "null"], "pattern": "^[0-9]+$", "minimum": 0,
                 "maximum": 0x7FFFFFFF, "maxLength": 10},
    "control_location": {"enum": ["front-end", "back-end"]},
}


def _values(asked: Document) -> dict[str, Any]:
    size = asked.get("key_size")
    return dict(asked) | ({"key_size": int(size)} if size is not None else {})


@api.get(PATH, policy=_POLICY + "get")
def index(cinder: Cinder, ctx: Context, type_id: str) -> Document:
    """Show how volumes of a type are encrypted; nothing where they are not."""
    return type_encryption.read(cinder, ctx, type_id)


@api.get(PATH + "/<key>", policy=_POLICY + "get")
def show(cinder: Cinder, ctx: Context, type_id: str, key: str) -> Document:
    """Show one part of how volumes of a type are encrypted."""
    parts = type_encryption.read(cinder, ctx, type_id)
    if parts.get(key) is None:
        raise NotFound("Encryption spec", key)
    return {key: parts[key]}


@api.post(PATH, policy=_POLICY + "create",
          body=wrapped("encryption", closed(["provider"], **_PARTS)),
          event="volume_type_encryption.create")
def create(cinder: Cinder, ctx: Context, type_id: str, body: Document) -> Document:
    """Let volumes of a type be encrypted, which has none yet."""
    return {"encryption": type_encryption.create(cinder, ctx, type_id,
                                                 _values(body["encryption"]))}


@api.put(PATH + "/<encryption_id>", policy=_POLICY + "update",
         body=wrapped("encryption", closed(**_PARTS)), event="volume_type_encryption.update")
def change(
    cinder: Cinder, ctx: Context, type_id: str, encryption_id: str, body: Document
) -> Document:
    """Change how volumes of a type are encrypted, while it has none."""
    type_encryption.change(cinder, ctx, type_id, encryption_id, _values(body["encryption"]))
    return body


@api.delete(PATH + "/<encryption_id>", policy=_POLICY + "delete", status=202,
            event="volume_type_encryption.delete")
def delete(cinder: Cinder, ctx: Context, type_id: str, encryption_id: str) -> None:
    """Let volumes of a type no longer be encrypted, while it has none."""
    type_encryption.remove(cinder, ctx, type_id, encryption_id)
