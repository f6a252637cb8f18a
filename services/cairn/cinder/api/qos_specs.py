"""/qos-specs"""

from typing import Any

from cairn.cinder.api.pages import following, only, queries
from cairn.cinder.api.schemas import KEY, NAME, Query, closed, wrapped
from cairn.cinder.api.views import links
from cairn.cinder.component import Cinder
from cairn.cinder.core import qos
from cairn.cinder.policy import RULES
from cairn.common import listing
from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import Invalid

api = Api(RULES)

PATH = "/qos-specs/<qos_id>"
_POLICY = "volume_extension:qos_specs_manage:"
_TYPE = only("vol_type_id")
_SPECS: dict[str, Any] = {
    "type": "object", "additionalProperties": False, "propertyNames": {"maxLength": 255},
    "properties": {"consumer": {"enum": ["front-end", "back-end", "both"]}},
    "patternProperties": {KEY: {"type": "string", "maxLength": 255}},
}
_NEW: dict[str, Any] = _SPECS | {"required": ["name"],
                                 "properties": {**_SPECS["properties"], "name": NAME}}
_KEYS = closed(["keys"], keys={"type": "array", "minItems": 1, "uniqueItems": True,
                               "items": {"type": "string", "maxLength": 255, "pattern": KEY}})


def view(row: Any) -> Document:
    """As all of them are shown."""
    return {"id": row.id, "name": row.name, "consumer": row.consumer, "specs": row.specs}


def _detail(row: Any) -> Document:
    return {"qos_specs": view(row), "links": links("qos-specs", row.id)}


@api.get("/qos-specs", policy=_POLICY + "get_all", query=queries("offset"))
def index(cinder: Cinder, ctx: Context, query: Query) -> Document:
    """List qos specs."""
    part = qos.index(cinder, query)
    return {"qos_specs": [view(row) for row in part.rows],
            **following("qos_specs_links", "qos-specs", query, part)}


@api.get(PATH, policy=_POLICY + "get")
def show(cinder: Cinder, ctx: Context, qos_id: str) -> Document:
    """Show qos specs."""
    return _detail(qos.show(cinder, qos_id))


@api.post("/qos-specs", policy=_POLICY + "create", body=wrapped("qos_specs", _NEW),
          event="qos_specs.create")
def create(cinder: Cinder, ctx: Context, body: Document) -> Document:
    """Make qos specs; `consumer` says who holds disks to them: the guest's host (front-end), the
    backend, or both."""
    specs = dict(body["qos_specs"])
    name, consumer = specs.pop("name").strip(), specs.pop("consumer", "back-end")
    return _detail(qos.create(cinder, ctx, name, consumer, specs))


@api.put(PATH, policy=_POLICY + "update",
         body=wrapped("qos_specs", _SPECS | {"minProperties": 1}), event="qos_specs.update")
def change(cinder: Cinder, ctx: Context, qos_id: str, body: Document) -> Document:
    """Add or replace keys of qos specs; what is attached keeps those it has until it is attached
    again."""
    specs = dict(body["qos_specs"])
    qos.put(cinder, ctx, qos_id, specs.pop("consumer", None), specs)
    return body


@api.put(PATH + "/delete_keys", policy=_POLICY + "update", body=_KEYS, status=202,
         event="qos_specs.delete_keys")
def delete_keys(cinder: Cinder, ctx: Context, qos_id: str, body: Document) -> None:
    """Remove keys of qos specs."""
    qos.drop_keys(cinder, ctx, qos_id, body["keys"])


@api.delete(PATH, policy=_POLICY + "delete", status=202, query=only("force"),
            event="qos_specs.delete")
def delete(cinder: Cinder, ctx: Context, qos_id: str, query: Query) -> None:
    """Delete qos specs; with `force` also those that volume types have."""
    qos.remove(cinder, ctx, qos_id, force=bool(listing.read_flag(query, "force", False)))


@api.get(PATH + "/associations", policy=_POLICY + "get")
def associations(cinder: Cinder, ctx: Context, qos_id: str) -> Document:
    """List the volume types that have these qos specs."""
    return {"qos_associations": [
        {"association_type": "volume_type", "name": row.name, "id": row.id}
        for row in qos.associations(cinder, qos_id)]}


@api.get(PATH + "/associate", policy=_POLICY + "update", query=_TYPE, status=202,
         event="qos_specs.associate")
def associate(cinder: Cinder, ctx: Context, qos_id: str, query: Query) -> None:
    """Give a volume type these qos specs."""
    qos.associate(cinder, ctx, qos_id, _type(query))


@api.get(PATH + "/disassociate", policy=_POLICY + "update", query=_TYPE, status=202,
         event="qos_specs.disassociate")
def disassociate(cinder: Cinder, ctx: Context, qos_id: str, query: Query) -> None:
    """Take these qos specs from a volume type."""
    qos.disassociate(cinder, ctx, qos_id, _type(query))


@api.get(PATH + "/disassociate_all", policy=_POLICY + "update", status=202,
         event="qos_specs.disassociate")
def disassociate_all(cinder: Cinder, ctx: Context, qos_id: str) -> None:
    """Take these qos specs from every volume type that has them."""
    qos.disassociate(cinder, ctx, qos_id, None)


def _type(query: Query) -> str:
    type_id = listing.read_value(query, "vol_type_id")
    if not type_id:
        raise Invalid(reason="Volume Type id must not be None: the query has to name vol_type_id.")
    return type_id
