"""/os-quota-sets"""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import Forbidden
from cairn.nova.api.schemas import BOOLEAN, TEXT, Query, queries, quota_limits, wrapped
from cairn.nova.api.views import quota_names
from cairn.nova.component import Nova
from cairn.nova.core import boot, quotas
from cairn.nova.policy import RULES

api = Api(RULES)


def _check(ctx: Context, project_id: str) -> None:
    """Readers ask about their own project, admins about any."""
    if not ctx.is_admin and ctx.project != project_id:
        raise Forbidden(rule="os_compute_api:os-quota-sets:show")


def show(nova: Nova, ctx: Context, project_id: str, query: Query) -> Document:
    """Show a project's limits."""
    _check(ctx, project_id)
    limits = quotas.get_limits(nova, project_id)
    return {"quota_set": {"id": project_id} | {name: limits[name] for name in quota_names(ctx)}}


@api.get("/os-quota-sets/<project_id>/defaults", policy="os_compute_api:os-quota-sets:defaults")
def defaults(nova: Nova, ctx: Context, project_id: str) -> Document:
    """Show the limits that hold for a project that has none of its own."""
    limits = quotas.get_limits(nova, quotas.DEFAULT_CLASS)
    return {"quota_set": {"id": project_id} | {name: limits[name] for name in quota_names(ctx)}}


def detail(nova: Nova, ctx: Context, project_id: str, query: Query) -> Document:
    """Show a project's limits with what is in use of each; nothing is ever only reserved."""
    _check(ctx, project_id)
    limits, used = quotas.get_usage(nova, project_id)
    return {"quota_set": {"id": project_id} | {
        name: {"limit": limits[name], "in_use": used.get(name, 0), "reserved": 0}
        for name in quota_names(ctx)
    }}


def change(nova: Nova, ctx: Context, project_id: str, body: Document) -> Document:
    """Give a project limits of its own; below what it uses only with `force`."""
    request = dict(body["quota_set"])
    force = boot.truthy(request.pop("force", False))
    request.pop("tenant_id", None)
    values = {name: int(value) for name, value in request.items()}
    limits = quotas.change(nova, ctx, project_id, values, force=force)
    return {"quota_set": {name: limits[name] for name in quota_names(ctx)}}


_MORE = {"force": BOOLEAN, "tenant_id": {"type": "string"}}
for _since, _until, _network, _files in (
    ("2.1", "2.35", True, True), ("2.36", "2.56", False, True), ("2.57", None, False, False),
):
    api.put("/os-quota-sets/<project_id>", policy="os_compute_api:os-quota-sets:update",
            body=wrapped("quota_set", quota_limits(network=_network, files=_files, **_MORE)),
            since=_since, until=_until, event="quota.update")(change)


def reset(nova: Nova, ctx: Context, project_id: str, query: Query) -> None:
    """Forget a project's own limits: the defaults hold again."""
    quotas.reset(nova, ctx, project_id)


for _since, _until, _query in queries({(2, 1): {"user_id": TEXT}}):
    api.get("/os-quota-sets/<project_id>", policy="os_compute_api:os-quota-sets:show",
            query=_query, since=_since, until=_until)(show)
    api.get("/os-quota-sets/<project_id>/detail", policy="os_compute_api:os-quota-sets:detail",
            query=_query, since=_since, until=_until)(detail)
    api.delete("/os-quota-sets/<project_id>", policy="os_compute_api:os-quota-sets:delete",
               status=202, query=_query, since=_since, until=_until, event="quota.delete")(reset)
