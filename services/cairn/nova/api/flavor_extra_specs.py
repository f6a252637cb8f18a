"""/flavors/{id}/os-extra_specs"""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.nova.api.schemas import wrapped
from cairn.nova.component import Nova
from cairn.nova.core import flavors, guest_features
from cairn.nova.errors import ExtraSpecNotFound
from cairn.nova.policy import RULES

api = Api(RULES)

PATH = "/flavors/<flavor_id>/os-extra_specs"
_SPECS = {
    "type": "object", "additionalProperties": False, "propertyNames": {"maxLength": 255},
    "patternProperties": {r"^[a-zA-Z0-9\-_:. ]+$": {
        "type": ["string", "number", "boolean"], "maxLength": 255}},
}


@api.get(PATH, policy="os_compute_api:os-flavor-extra-specs:index")
def index(nova: Nova, ctx: Context, flavor_id: str) -> Document:
    """List a flavor's extra specs."""
    return {"extra_specs": flavors.get(nova, ctx, flavor_id).extra_specs}


def _check(ctx: Context, specs: dict[str, str]) -> None:
    if ctx.version >= (2, 86):
        guest_features.check_specs(specs)


@api.post(PATH, policy="os_compute_api:os-flavor-extra-specs:create",
          body=wrapped("extra_specs", _SPECS), event="flavor.update")
def create(nova: Nova, ctx: Context, flavor_id: str, body: Document) -> Document:
    """Add or replace extra specs of a flavor; servers that exist keep those they were made with."""
    specs = {key: str(value) for key, value in body["extra_specs"].items()}
    _check(ctx, specs)
    flavors.set_specs(nova, ctx, flavor_id, specs)
    return {"extra_specs": specs}


@api.get(PATH + "/<key>", policy="os_compute_api:os-flavor-extra-specs:show")
def show(nova: Nova, ctx: Context, flavor_id: str, key: str) -> Document:
    """Show one extra spec of a flavor."""
    specs = flavors.get(nova, ctx, flavor_id).extra_specs
    if key not in specs:
        raise ExtraSpecNotFound("extra spec", key, flavor=flavor_id)
    return {key: specs[key]}


@api.put(PATH + "/<key>", policy="os_compute_api:os-flavor-extra-specs:update",
         body={**_SPECS, "minProperties": 1, "maxProperties": 1}, event="flavor.update")
def update(nova: Nova, ctx: Context, flavor_id: str, key: str, body: Document) -> Document:
    """Set one extra spec of a flavor, which the body names as the path does."""
    if key not in body:
        raise Invalid(reason="Request body and URI mismatch")
    spec = {key: str(body[key])}
    _check(ctx, spec)
    flavors.set_specs(nova, ctx, flavor_id, spec)
    return spec


@api.delete(PATH + "/<key>", policy="os_compute_api:os-flavor-extra-specs:delete",
            event="flavor.update")
def delete(nova: Nova, ctx: Context, flavor_id: str, key: str) -> None:
    """Take one extra spec from a flavor."""
    flavors.drop_spec(nova, ctx, flavor_id, key)
