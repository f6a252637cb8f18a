"""/os-quota-sets"""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import Forbidden, Invalid
from cairn.common.listing import read_value
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


def _user(query: Query) -> str | None:
    """Whose limits in the project are meant; nobody's are the project's. Raises Invalid."""
    user_id = read_value(query, "user_id") or None
    if user_id is not None and len(user_id) > 64:
        raise Invalid(reason="user_id: no user has an id of more than 64 characters.")
    return user_id


def show(nova: Nova, ctx: Context, project_id: str, query: Query) -> Document:
    """Show a project's limits, or what holds for one user in it."""
    _check(ctx, project_id)
    limits = quotas.get_limits(nova, project_id, _user(query))
    return {"quota_set": {"id": project_id} | {name: limits[name] for name in quota_names(ctx)}}


@api.get("/os-quota-sets/<project_id>/defaults", policy="os_compute_api:os-quota-sets:defaults")
def defaults(nova: Nova, ctx: Context, project_id: str) -> Document:
    """Show the limits that hold for a project that has none of its own."""
    limits = quotas.get_limits(nova, quotas.DEFAULT_CLASS)
    return {"quota_set": {"id": project_id} | {name: limits[name] for name in quota_names(ctx)}}


def detail(nova: Nova, ctx: Context, project_id: str, query: Query) -> Document:
    """Show a project's limits, or a user's in it, with what is in use of each.

    Nothing is ever only reserved.
    """
    _check(ctx, project_id)
    limits, used = quotas.get_usage(nova, project_id, _user(query))
    return {"quota_set": {"id": project_id} | {
        name: {"limit": limits[name], "in_use": used.get(name, 0), "reserved": 0}
        for name in quota_names(ctx)
    }}


def change(
    nova: Nova, ctx: Context, project_id: str, query: Query, body: Document
) -> Document:
    """Give a project limits of its own, or a user in it; below what is used only with `force`.

    Limits of users come out of the project's: together they are no more than it has.
    """
    request = dict(body["quota_set"])
    force = boot.truthy(request.pop("force", False))
    request.pop("tenant_id", None)
    values = {name: int(value) for name, value in request.items()}
    limits = quotas.change(nova, ctx, project_id, values, force=force,
                           user_id=_user(query))
    return {"quota_set": {name: limits[name] for name in quota_names(ctx)}}


_MORE = {"force": BOOLEAN, "tenant_id": {"type": "string"}}
_OF_USER = {"user_id": TEXT}
for (_since, _until, _query), (_network, _files) in zip(
    queries({(2, 1): _OF_USER, (2, 36): {}, (2, 57): {}}),
    ((True, True), (False, True), (False, False), (False, False)), strict=True,
):
    api.put("/os-quota-sets/<project_id>", policy="os_compute_api:os-quota-sets:update",
            body=wrapped("quota_set", quota_limits(network=_network, files=_files, **_MORE)),
            query=_query, since=_since, until=_until, event="quota.update")(change)


def reset(nova: Nova, ctx: Context, project_id: str, query: Query) -> None:
    """Forget the limits of a project and its users, or one user's: those below them hold again."""
    quotas.reset(nova, ctx, project_id, _user(query))


for _since, _until, _query in queries({(2, 1): _OF_USER}):
    api.get("/os-quota-sets/<project_id>", policy="os_compute_api:os-quota-sets:show",
            query=_query, since=_since, until=_until)(show)
    api.get("/os-quota-sets/<project_id>/detail", policy="os_compute_api:os-quota-sets:detail",
            query=_query, since=_since, until=_until)(detail)
    api.delete("/os-quota-sets/<project_id>", policy="os_compute_api:os-quota-sets:delete",
               status=202, query=_query, since=_since, until=_until, event="quota.delete")(reset)
