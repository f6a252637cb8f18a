"""/quotas"""

from cairn.common.api import ANYONE, Api, Document
from cairn.common.context import Context
from cairn.neutron import errors
from cairn.neutron.api import common
from cairn.neutron.api.schemas import QUOTA_UPDATE
from cairn.neutron.component import Neutron
from cairn.neutron.core import quotas
from cairn.neutron.core.write import Write, write
from cairn.neutron.policy import RULES

api = Api(RULES)


def _enforce(neutron: Neutron, ctx: Context, rule: str, project_id: str) -> None:
    about = {"project_id": project_id, "tenant_id": project_id}
    neutron.policy.enforce(ctx, rule, about)


@api.get("/quotas", policy="update_quota")
def index(neutron: Neutron, ctx: Context) -> Document:
    """Projects that have limits of their own."""
    with neutron.db.reading() as session:
        return {"quotas": [
            {"tenant_id": project, "project_id": project, **quotas.defaults(neutron), **limits}
            for project, limits in quotas.own(session).items()
        ]}


@api.get("/quotas/tenant", policy=ANYONE)
@api.get("/quotas/project", policy=ANYONE)
def mine(neutron: Neutron, ctx: Context) -> Document:
    """Which project the token is for."""
    return {"tenant": {"tenant_id": ctx.project}}


@api.get("/quotas/<project_id>", policy="get_quota", late=True)
def show(neutron: Neutron, ctx: Context, project_id: str) -> Document:
    _enforce(neutron, ctx, "get_quota", project_id)
    with neutron.db.reading() as session:
        return {"quota": quotas.limits(session, neutron, project_id)}


@api.get("/quotas/<project_id>/default", policy="get_quota", late=True)
def default(neutron: Neutron, ctx: Context, project_id: str) -> Document:
    _enforce(neutron, ctx, "get_quota", project_id)
    return {"quota": quotas.defaults(neutron)}


@api.get("/quotas/<project_id>/details.json", policy="get_quota", late=True)
@api.get("/quotas/<project_id>/details", policy="get_quota", late=True)
def details(neutron: Neutron, ctx: Context, project_id: str) -> Document:
    """The limits, and what is used of them."""
    _enforce(neutron, ctx, "get_quota", project_id)
    with neutron.db.reading() as session:
        limits = quotas.limits(session, neutron, project_id)
        used = quotas.usages(session, project_id)
    return {"quota": {
        name: {"limit": limit, "used": used.get(name, 0), "reserved": 0}
        for name, limit in limits.items()
    }}


@api.put("/quotas/<project_id>", policy="update_quota", body=QUOTA_UPDATE)
def change(neutron: Neutron, ctx: Context, project_id: str, body: Document) -> Document:
    given = {name: int(value) for name, value in body["quota"].items()
             if name not in ("check_limit", "force")}
    checked = body["quota"].get("check_limit") in common.TRUE
    for name, value in given.items():
        if not -1 <= value < 2**31:
            raise errors.BadAttribute(
                name=name, reason=f"'{value}' must be between -1 and 2147483647."
            )

    def work(w: Write) -> dict[str, int]:
        if checked:
            used = quotas.usages(w.session, project_id)
            unders = sorted(n for n, limit in given.items() if 0 <= limit < used.get(n, 0))
            if unders:
                raise errors.InvalidQuotaValue(unders=unders)
        if given:
            quotas.put(w, project_id, given)
        return quotas.limits(w.session, neutron, project_id)

    return {"quota": write(neutron, ctx, work)}


@api.delete("/quotas/<project_id>", policy="delete_quota", status=204)
def delete(neutron: Neutron, ctx: Context, project_id: str) -> None:
    """Back to the defaults."""
    write(neutron, ctx, lambda w: quotas.forget(w, project_id))
