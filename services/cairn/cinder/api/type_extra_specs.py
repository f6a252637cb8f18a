"""/types/{id}/extra_specs"""

from cairn.cinder.api.schemas import ONE_SPEC, SPECS, wrapped
from cairn.cinder.component import Cinder
from cairn.cinder.core import type_specs
from cairn.cinder.errors import SpecNotFound
from cairn.cinder.policy import RULES
from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import Invalid

api = Api(RULES)

PATH = "/types/<type_id>/extra_specs"


@api.get(PATH, policy="volume_extension:types_extra_specs:index")
def index(cinder: Cinder, ctx: Context, type_id: str) -> Document:
    """List a volume type's extra specs; users see those that tell nothing of the deployment."""
    return {"extra_specs": type_specs.read(cinder, ctx, type_id)}


@api.post(PATH, policy="volume_extension:types_extra_specs:create",
          body=wrapped("extra_specs", SPECS | {"minProperties": 1}),
          event="volume_type_extra_specs.create")
def create(cinder: Cinder, ctx: Context, type_id: str, body: Document) -> Document:
    """Add or replace extra specs of a volume type that has no volumes."""
    type_specs.put(cinder, ctx, type_id, body["extra_specs"], "volume_type_extra_specs.create")
    return {"extra_specs": body["extra_specs"]}


@api.get(PATH + "/<key>", policy="volume_extension:types_extra_specs:show")
def show(cinder: Cinder, ctx: Context, type_id: str, key: str) -> Document:
    """Show one extra spec of a volume type."""
    specs = type_specs.read(cinder, ctx, type_id)
    if key not in specs:
        raise SpecNotFound(key, f"Volume Type {type_id}")
    return {key: specs[key]}


@api.put(PATH + "/<key>", policy="volume_extension:types_extra_specs:update", body=ONE_SPEC,
         event="volume_type_extra_specs.update")
def change(cinder: Cinder, ctx: Context, type_id: str, key: str, body: Document) -> Document:
    """Set one extra spec of a volume type, which the body names as the path does."""
    if key not in body:
        raise Invalid(reason="Request body and URI mismatch: the body has to name the extra spec "
                             f"{key}.")
    type_specs.put(cinder, ctx, type_id, body, "volume_type_extra_specs.update")
    return body


@api.delete(PATH + "/<key>", policy="volume_extension:types_extra_specs:delete", status=202,
            event="volume_type_extra_specs.delete")
def delete(cinder: Cinder, ctx: Context, type_id: str, key: str) -> None:
    """Remove one extra spec of a volume type that has no volumes."""
    type_specs.drop(cinder, ctx, type_id, key)
