"""/os-quota-sets and /os-quota-class-sets"""

from typing import Any

from cairn.cinder.api.pages import only
from cairn.cinder.api.schemas import INTEGER, Query, wrapped
from cairn.cinder.component import Cinder
from cairn.cinder.core import quota_sets, quotas
from cairn.cinder.policy import RULES
from cairn.common import listing
from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import Forbidden, Invalid

api = Api(RULES)

PATH = "/os-quota-sets/<project_id>"
CLASS = "/os-quota-class-sets/<name>"
SHOW = "volume_extension:quotas:show"
_SET: dict[str, Any] = {
    "type": "object", "propertyNames": {"maxLength": 300},
    "properties": {"tenant_id": {"type": "string", "maxLength": 64}, "force": {}, "id": {},
                   "class_name": {}},
    "additionalProperties": {
        "type": ["integer", "string"], "pattern": r"^(-1|[0-9]+)$", "minimum": -1,
        "maximum": INTEGER, "maxLength": 10},
}
_OTHERS = ("tenant_id", "force", "id", "class_name")


def _check(cinder: Cinder, ctx: Context, project_id: str) -> None:
    """Readers ask about their own project, administrators about any. Raises Forbidden."""
    if not cinder.policy.allows(ctx, SHOW, {"project_id": project_id}):
        raise Forbidden(rule=SHOW)


def _asked(body: Document) -> dict[str, int]:
    return {name: int(value) for name, value in body.items() if name not in _OTHERS}


@api.get(PATH, policy=SHOW, query=only("usage"))
def show(cinder: Cinder, ctx: Context, project_id: str, query: Query) -> Document:
    """Show a project's limits, those of volume types too; with `usage` what is in use of each."""
    _check(cinder, ctx, project_id)
    limits = quota_sets.limits(cinder, ctx, project_id)
    if not listing.read_flag(query, "usage", False):
        return {"quota_set": {"id": project_id, **limits}}
    used = quota_sets.usage(cinder, ctx, project_id)
    return {"quota_set": {"id": project_id, **{
        name: {"limit": limit, "in_use": used.get(name, 0), "reserved": 0}
        for name, limit in limits.items()}}}


@api.get(PATH + "/defaults", policy=SHOW)
def defaults(cinder: Cinder, ctx: Context, project_id: str) -> Document:
    """Show the limits that hold for a project that has none of its own."""
    _check(cinder, ctx, project_id)
    return {"quota_set": {"id": project_id, **quota_sets.defaults(cinder, ctx)}}


@api.put(PATH, policy="volume_extension:quotas:update", body=wrapped("quota_set", _SET),
         query=only("skip_validation"), event="quota.update")
def change(
    cinder: Cinder, ctx: Context, project_id: str, query: Query, body: Document
) -> Document:
    """Give a project limits of its own; -1 is none. With `skip_validation=false` none may be below
    what is in use."""
    checked = not listing.read_flag(query, "skip_validation", True)
    quota_sets.change(cinder, ctx, project_id, _asked(body["quota_set"]), checked=checked)
    return {"quota_set": quota_sets.limits(cinder, ctx, project_id)}


@api.delete(PATH, policy="volume_extension:quotas:delete", event="quota.delete")
def reset(cinder: Cinder, ctx: Context, project_id: str) -> None:
    """Forget a project's own limits: the defaults hold again."""
    quota_sets.reset(cinder, ctx, project_id)


@api.get(CLASS, policy="volume_extension:quota_classes:get")
def show_class(cinder: Cinder, ctx: Context, name: str) -> Document:
    """Show the limits of a class; `default`, the only one, holds for projects that have none of
    their own."""
    return {"quota_class_set": {"id": name, **quota_sets.defaults(cinder, ctx)}}


@api.put(CLASS, policy="volume_extension:quota_classes:update",
         body=wrapped("quota_class_set", _SET), event="quota_class.update")
def change_class(cinder: Cinder, ctx: Context, name: str, body: Document) -> Document:
    """Set limits that hold for projects that have none of their own."""
    if name != "default":
        raise Invalid(reason=f"There is no quota class {name}: projects have the class default.")
    quota_sets.change(cinder, ctx, quotas.DEFAULT_CLASS, _asked(body["quota_class_set"]),
                      event="quota_class.update")
    return {"quota_class_set": quota_sets.defaults(cinder, ctx)}
