"""/servers"""

from cairn.common.api import Api, Document, Reply, Schema
from cairn.common.context import Context
from cairn.common.listing import read_value
from cairn.nova.api import schemas
from cairn.nova.api.schemas import PAGE, TEXT, Query, queries, read_limit
from cairn.nova.api.views import ServerView, links, next_link, roots
from cairn.nova.component import Nova
from cairn.nova.core import boot, server_lists, servers, soft_deletes
from cairn.nova.core.server_lists import PARAMETERS, SINCE, ListRequest
from cairn.nova.core.values import truth
from cairn.nova.policy import RULES

api = Api(RULES)

_FIRST = (2, 1)
# What a deletion is: compute.instance.delete, or .soft_delete where such servers are kept.
_GOES = "compute.instance"
_PAGES: dict[str, Schema] = {**PAGE, "sort_key": TEXT, "sort_dir": {"enum": ["asc", "desc"]}}
# Those that mean nothing are refused by core, which knows the names of old.
LIST_QUERIES = queries({
    since: (_PAGES if since == _FIRST else {}) | {
        name: TEXT for name in sorted(PARAMETERS) if SINCE.get(name, _FIRST) == since}
    for since in (_FIRST, *SINCE.values())}, closed_since=None)


# --- Create --------------------------------------------------------------------------------


def create(nova: Nova, ctx: Context, body: Document) -> Reply:
    """Record the server and its work; it is BUILD until a host has it."""
    request = body["server"]
    hints: Document = {}
    for name in ("os:scheduler_hints", "OS-SCH-HNT:scheduler_hints"):
        hints |= request.get(name) or {}
        hints |= body.get(name) or {}
    plan, recorded = boot.create_servers(nova, ctx, request, hints)
    first = recorded[0]
    location = f"{roots()[0]}/servers/{first.id}"
    if boot.truthy(request.get("return_reservation_id")):
        return Reply({"reservation_id": first.reservation_id}, 202)
    names = plan.security_groups or ["default"]
    server = {"id": first.id, "links": links("servers", first.id),
              "OS-DCF:diskConfig": first.disk_config, "adminPass": plan.admin_pass,
              "security_groups": [{"name": name} for name in names]}
    return Reply({"server": server}, 202, {"Location": location})


for _since, _until, _version in schemas.ranges(schemas.CREATE_CHANGES):
    api.post("/servers", policy="os_compute_api:servers:create", status=202,
             body=schemas.create(_version), since=_since, until=_until,
             event="compute.instance.create")(create)


# --- List ----------------------------------------------------------------------------------


def index(nova: Nova, ctx: Context, query: Query) -> Document:
    """List servers by id and name, the caller's project's unless an admin asks for all."""
    _check_all_tenants(nova, ctx, query, "os_compute_api:servers:index:get_all_tenants")
    view = ServerView(nova, ctx)
    shown = server_lists.list_servers(nova, ctx, _request(nova, ctx, query))
    return _listed(nova, query, [view.summary(row) for row in shown.rows])


def detail(nova: Nova, ctx: Context, query: Query) -> Document:
    """List servers with everything they say, the project's unless an admin asks for all."""
    _check_all_tenants(nova, ctx, query, "os_compute_api:servers:detail:get_all_tenants")
    view = ServerView(nova, ctx)
    request = _request(nova, ctx, query, more=view.more, states=view.host_status)
    shown = server_lists.list_servers(nova, ctx, request)
    return _listed(nova, query, [view.detail(row, shown.host_states) for row in shown.rows])


for _since, _until, _query in LIST_QUERIES:
    api.get("/servers", policy="os_compute_api:servers:index", query=_query, since=_since,
            until=_until)(index)
    api.get("/servers/detail", policy="os_compute_api:servers:detail", query=_query, since=_since,
            until=_until)(detail)


def _check_all_tenants(nova: Nova, ctx: Context, query: Query, rule: str) -> None:
    if truth(read_value(query, "all_tenants"), "all_tenants"):
        nova.policy.enforce(ctx, rule)


def _request(
    nova: Nova, ctx: Context, query: Query, *, more: tuple[str, ...] | None = None,
    states: bool = False,
) -> ListRequest:
    server_lists.check_names(ctx, query.keys())
    return ListRequest(
        filters={name: query.getlist(name) for name in query.keys() if name in PARAMETERS},
        limit=read_limit(nova, query),
        sort_keys=query.getlist("sort_key"), sort_dirs=query.getlist("sort_dir"),
        marker=read_value(query, "marker"), more=more, states=states,
    )


def _listed(nova: Nova, query: Query, items: list[Document]) -> Document:
    document: Document = {"servers": items}
    following = next_link(items, read_limit(nova, query), items[-1]["id"]) if items else []
    if following:
        document["servers_links"] = following
    return document


# --- One -----------------------------------------------------------------------------------


@api.get("/servers/<server_id>", policy="os_compute_api:servers:show")
def show(nova: Nova, ctx: Context, server_id: str) -> Document:
    """Show one server with everything it says."""
    return {"server": shown(nova, ctx, server_id)}


def shown(nova: Nova, ctx: Context, server_id: str) -> Document:
    view = ServerView(nova, ctx)
    state = server_lists.show(nova, ctx, server_id, view.more, states=view.host_status,
                              group=ctx.version >= (2, 71))
    return view.detail(state.rows[0], state.host_states, [state.group] if state.group else [])


def brief(nova: Nova, ctx: Context, server_id: str) -> Document:
    view = ServerView(nova, ctx)
    grouped = ctx.version >= (2, 71)
    state = server_lists.show(nova, ctx, server_id, view.more, group=grouped)
    document = view.short(state.rows[0])
    if grouped:
        document["server_groups"] = [state.group] if state.group else []
    return document


def change(nova: Nova, ctx: Context, server_id: str, body: Document) -> Document:
    """Rename, describe, or give other access addresses."""
    request = body["server"]
    columns = {"name": "name", "description": "description", "accessIPv4": "access_ipv4",
               "accessIPv6": "access_ipv6", "OS-DCF:diskConfig": "disk_config",
               "hostname": "hostname", "pinned_availability_zone": "asked_zone"}
    values = {columns[key]: value for key, value in request.items()}
    for name in ("accessIPv4", "accessIPv6"):
        if name in request:
            values[columns[name]] = boot.access(request[name], name)
    servers.update_server(nova, ctx, server_id, values)
    if ctx.version >= (2, 75):
        return {"server": shown(nova, ctx, server_id)}
    return {"server": brief(nova, ctx, server_id)}


for _since, _until, _version in schemas.ranges(schemas.UPDATE_CHANGES):
    api.put("/servers/<server_id>", policy="os_compute_api:servers:update",
            body=schemas.update(_version), since=_since, until=_until,
            event="compute.instance.update")(change)


@api.delete("/servers/<server_id>", policy="os_compute_api:servers:delete", status=204,
            event=_GOES)
def remove(nova: Nova, ctx: Context, server_id: str) -> None:
    """Begin to delete it, whatever is being done to it; where the cloud says so it is kept for a
    while."""
    soft_deletes.delete(nova, ctx, server_id)
