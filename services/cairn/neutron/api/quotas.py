"""/quotas"""

from cairn.common.api import ANYONE, Api, Document
from cairn.common.context import Context
from cairn.neutron.api.schemas import QUOTA_UPDATE, TRUE
from cairn.neutron.component import Neutron
from cairn.neutron.core import quotas
from cairn.neutron.policy import RULES

api = Api(RULES)


def _enforce(neutron: Neutron, ctx: Context, rule: str, project_id: str) -> None:
    about = {"project_id": project_id, "tenant_id": project_id}
    neutron.policy.enforce(ctx, rule, about)


@api.get("/quotas", policy="update_quota")
def index(neutron: Neutron, ctx: Context) -> Document:
    """List the limits of those projects that have limits of their own."""
    return {"quotas": [
        {"tenant_id": project, "project_id": project, **limits}
        for project, limits in quotas.list_own(neutron).items()
    ]}


@api.get("/quotas/tenant", policy=ANYONE)
@api.get("/quotas/project", policy=ANYONE)
def mine(neutron: Neutron, ctx: Context) -> Document:
    """Show which project the token is for."""
    return {"tenant": {"tenant_id": ctx.project}}


@api.get("/quotas/<project_id>", policy="get_quota", late=True)
def show(neutron: Neutron, ctx: Context, project_id: str) -> Document:
    """Show what a project may have of each resource; -1 is without limit."""
    _enforce(neutron, ctx, "get_quota", project_id)
    return {"quota": quotas.find_limits(neutron, project_id)}


@api.get("/quotas/<project_id>/default", policy="get_quota", late=True)
def default(neutron: Neutron, ctx: Context, project_id: str) -> Document:
    """Show what a project may have that has no limits of its own."""
    _enforce(neutron, ctx, "get_quota", project_id)
    return {"quota": quotas.defaults(neutron)}


@api.get("/quotas/<project_id>/details.json", policy="get_quota", late=True)
@api.get("/quotas/<project_id>/details", policy="get_quota", late=True)
def details(neutron: Neutron, ctx: Context, project_id: str) -> Document:
    """Show what a project may have of each resource, and what it has."""
    _enforce(neutron, ctx, "get_quota", project_id)
    return {"quota": {
        name: {"limit": limit, "used": used, "reserved": 0}
        for name, (limit, used) in quotas.find_details(neutron, project_id).items()
    }}


@api.put("/quotas/<project_id>", policy="update_quota", body=QUOTA_UPDATE,
         event="quota.update")
def change(neutron: Neutron, ctx: Context, project_id: str, body: Document) -> Document:
    """Set limits of a project's own; those not named stay what they are."""
    limits = {name: int(value) for name, value in body["quota"].items()
              if name not in ("check_limit", "force")}
    checked = body["quota"].get("check_limit") in TRUE
    return {"quota": quotas.change(neutron, ctx, project_id, limits, checked=checked)}


@api.delete("/quotas/<project_id>", policy="delete_quota", status=204,
            event="quota.delete")
def delete(neutron: Neutron, ctx: Context, project_id: str) -> None:
    """Put a project back to the default limits; 404 if it has none of its own."""
    quotas.delete(neutron, ctx, project_id)
