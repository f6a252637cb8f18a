"""/servers"""

from typing import Any

from sqlalchemy import and_, func, not_, or_, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from cairn.common.api import Api, Document, Reply
from cairn.common.context import Context
from cairn.common.db import transient, utcnow
from cairn.common.errors import Forbidden, Invalid, NotFound
from cairn.nova.api import schemas
from cairn.nova.api.security_groups import of_server
from cairn.nova.api.views import ServerView
from cairn.nova.api.words import (
    ANY,
    NUMBER,
    Query,
    base,
    limit,
    links,
    moment,
    next_link,
    query,
    truth,
)
from cairn.nova.component import Nova
from cairn.nova.core import boot, groups, hosts, network, servers, states, works
from cairn.nova.db.models import Server
from cairn.nova.errors import OverQuota
from cairn.nova.policy import RULES
from cairn.nova.rpc import CONDUCTOR

api = Api(RULES)

LIST_QUERY = query(limit=NUMBER, **{"sort_dir": {"enum": ["asc", "desc"]}})

# What anybody may filter by; the rest is an admin's (before 2.83).
_FOR_ALL = {"name", "status", "flavor", "image", "reservation_id", "ip", "ip6", "changes-since",
            "changes-before", "tags", "tags-any", "not-tags", "not-tags-any", "locked"}
_SINCE_283 = {"availability_zone", "config_drive", "key_name", "created_at", "launched_at",
              "terminated_at", "power_state", "task_state", "vm_state", "progress", "user_id"}
# Of the table, not the model: such a query is plain SQL to SQLAlchemy, and twice as fast.
S: Any = Server.__table__.c

_EQUAL = {
    "flavor": S.flavor_id, "image": S.image_id, "reservation_id": S.reservation_id,
    "host": S.host, "node": S.node, "uuid": S.id, "user_id": S.user_id,
    "availability_zone": S.zone, "key_name": S.key_name, "task_state": S.task_state,
    "vm_state": S.vm_state, "hostname": S.hostname, "project_id": S.project_id,
    "tenant_id": S.project_id,
}


# --- Create --------------------------------------------------------------------------------


def create(nova: Nova, ctx: Context, body: Document) -> Reply:
    """Record the server and its work; it is BUILD until a host has it."""
    times = {"received": utcnow()}
    wanted = body["server"]
    hints: Document = {}
    for name in ("os:scheduler_hints", "OS-SCH-HNT:scheduler_hints"):
        hints |= wanted.get(name) or {}
        hints |= body.get(name) or {}
    plan = boot.plan(nova, ctx, wanted, hints)
    times["allowed"] = utcnow()
    least = int(wanted.get("min_count") or 1)

    def record(session: Session) -> list[Server]:
        return boot.record(nova, session, ctx, plan, times)

    try:
        made = nova.db.write(record)
    except OverQuota:
        # Upstream makes as many as the quota has room for, down to min_count.
        if least >= plan.count:
            raise
        plan = boot.Plan(**{**vars(plan), "count": least})
        made = nova.db.write(record)
    nova.ring(ctx, CONDUCTOR)
    first = made[0]
    location = f"{base()}/v2.1/servers/{first.id}"
    if boot.truthy(wanted.get("return_reservation_id")):
        return Reply({"reservation_id": first.reservation_id}, 202)
    names = plan.security_groups or ["default"]
    server = {"id": first.id, "links": links(base(), "servers", first.id),
              "OS-DCF:diskConfig": first.disk_config, "adminPass": plan.admin_pass,
              "security_groups": [{"name": name} for name in names]}
    return Reply({"server": server}, 202, {"Location": location})


for _since, _until, _version in schemas.ranges(schemas.CREATE_CHANGES):
    api.post("/servers", policy="os_compute_api:servers:create", status=202,
             body=schemas.create(_version), since=_since, until=_until)(create)


# --- List ----------------------------------------------------------------------------------


@api.get("/servers", policy="os_compute_api:servers:index", query=LIST_QUERY)
def index(nova: Nova, ctx: Context, query: Query) -> Document:
    view = ServerView(nova, ctx)
    with nova.db.reading() as session:
        rows = _page(nova, session, ctx, query, [S.id, S.name])
    return _listed(nova, query, [view.summary(row) for row in rows])


@api.get("/servers/detail", policy="os_compute_api:servers:detail", query=LIST_QUERY)
def detail(nova: Nova, ctx: Context, query: Query) -> Document:
    view = ServerView(nova, ctx)
    with nova.db.reading() as session:
        rows = _page(nova, session, ctx, query, view.columns)
        known = host_states(nova, session) if view.host_status else None
    return _listed(nova, query, [view.detail(row, known) for row in rows])


def _listed(nova: Nova, query: Query, items: list[Document]) -> Document:
    document: Document = {"servers": items}
    following = next_link(items, limit(nova, query), items[-1]["id"]) if items else []
    if following:
        document["servers_links"] = following
    return document


def host_states(nova: Nova, session: Session) -> dict[str, str]:
    """host_status of 2.16, by host."""
    return {
        host: "MAINTENANCE" if service.disabled
        else "UP" if hosts.up(service, nova.service) else "DOWN"
        for host, service in hosts.computes(session).items()
    }


def _page(
    nova: Nova, session: Session, ctx: Context, query: Query, columns: list[Any]
) -> Any:
    size = limit(nova, query)
    where = _where(nova, ctx, query)
    if where is None or size == 0:
        return []
    sort, marker = _sort(query), query.get("marker")
    try:
        return servers.page_of(session, ctx, columns, where, sort, marker, size)
    except DBAPIError as error:
        if "name" not in query or transient(error):
            raise
        # Its regular expressions are not quite Python's, which it was checked against.
        raise Invalid(reason="name: the database does not take this regular expression") from None


def _sort(query: Query) -> list[tuple[str, str]]:
    directions = query.getlist("sort_dir")
    sort = []
    for number, name in enumerate(query.getlist("sort_key") or ["created_at"]):
        if name not in servers.SORTABLE:
            raise Invalid(reason=f"sort_key: servers are not sorted by {name}")
        direction = directions[number] if number < len(directions) else "desc"
        sort.append((name, direction))
    return sort


def _where(nova: Nova, ctx: Context, query: Query) -> list[Any] | None:
    """The conditions of a list; None where nothing can match."""
    every = nova.policy.allows(ctx, "os_compute_api:servers:allow_all_filters")
    allowed = _FOR_ALL | (_SINCE_283 if ctx.version >= (2, 83) else set())
    given = {name: query.getlist(name) for name in query if every or name in allowed}
    where: list[Any] = []
    if truth(query.get("all_tenants"), "all_tenants"):
        if not nova.policy.allows(ctx, "os_compute_api:servers:detail:get_all_tenants"):
            raise Forbidden(rule="os_compute_api:servers:detail:get_all_tenants")
    else:
        where.append(S.project_id == ctx.project)
        given.pop("project_id", None)
        given.pop("tenant_id", None)
    changed = "changes-since" in given
    if "deleted" in given:
        where.append(S.deleted.is_(truth(given["deleted"][0], "deleted")))
    elif not changed:
        where.append(S.deleted.is_(False))
    if changed:
        since = moment(given["changes-since"][0], "changes-since")
        where.append(_changed_at() >= since)
    if "changes-before" in given and ctx.version >= (2, 66):
        where.append(_changed_at() <= moment(given["changes-before"][0], "changes-before"))
    if "status" in given:
        words = [word.upper() for word in given["status"]]
        if "DELETED" in words and not ctx.is_admin:
            raise Forbidden(rule="listing deleted servers")
        if not states.STATUSES & set(words):
            return None
        where.append(states.having(words))
    for name in ("ip", "ip6"):
        where += [servers.with_address(text) for text in given.get(name, ())]
    for name, column in _EQUAL.items():
        if name in given:
            where.append(column.in_(given[name]))
    if "power_state" in given:
        where.append(S.power_state.in_([int(p) for p in given["power_state"]
                                             if p.isdigit()]))
    if "config_drive" in given:
        where.append(S.config_drive.is_(truth(given["config_drive"][0], "config_drive")))
    if "locked" in given and ctx.version >= (2, 73):
        wanted = truth(given["locked"][0], "locked")
        where.append(S.locked_by.is_not(None) if wanted else S.locked_by.is_(None))
    if ctx.version >= (2, 26):
        where += _tags(given)
    if "name" in given:
        with nova.db.reading() as session:
            where += [servers.named(session, pattern, where) for pattern in given["name"]]
    return where


def _changed_at() -> Any:
    return func.coalesce(S.updated_at, S.created_at)


def _tags(given: dict[str, list[str]]) -> list[Any]:
    def conditions(name: str) -> list[Any]:
        return [servers.tagged(tag) for text in given.get(name, ())
                for tag in text.split(",") if tag]

    where = conditions("tags")
    if some := conditions("tags-any"):
        where.append(or_(*some))
    if every := conditions("not-tags"):
        where.append(not_(and_(*every)))
    if none := conditions("not-tags-any"):
        where.append(not_(or_(*none)))
    return where


# --- One -----------------------------------------------------------------------------------


@api.get("/servers/<server_id>", policy="os_compute_api:servers:show")
def show(nova: Nova, ctx: Context, server_id: str) -> Document:
    return {"server": shown(nova, ctx, server_id)}


def shown(nova: Nova, ctx: Context, server_id: str) -> Document:
    view = ServerView(nova, ctx)
    with nova.db.reading() as session:
        row = view.find(session, ctx, server_id)
        known = host_states(nova, session) if view.host_status else None
        group = None
        if ctx.version >= (2, 71):
            found = groups.of_server(session, row.id)
            group = [found] if found else []
    return view.detail(row, known, group)


def change(nova: Nova, ctx: Context, server_id: str, body: Document) -> Document:
    """Rename, describe, or give other access addresses."""
    wanted = body["server"]
    columns = {"name": "name", "description": "description", "accessIPv4": "access_ipv4",
               "accessIPv6": "access_ipv6", "OS-DCF:diskConfig": "disk_config",
               "hostname": "hostname"}
    values = {columns[key]: value for key, value in wanted.items()}
    for name in ("accessIPv4", "accessIPv6"):
        if name in wanted:
            values[columns[name]] = boot.access(wanted[name], name)
    with nova.db.writing() as session:
        row = servers.find(session, ctx, server_id)
        if values:
            session.execute(update(Server).where(S.id == row.id).values(**values))
    if ctx.version >= (2, 75):
        return {"server": shown(nova, ctx, server_id)}
    return {"server": brief(nova, ctx, server_id)}


def brief(nova: Nova, ctx: Context, server_id: str) -> Document:
    view = ServerView(nova, ctx)
    with nova.db.reading() as session:
        row = view.find(session, ctx, server_id)
        document = view.short(row)
        if ctx.version >= (2, 71):
            found = groups.of_server(session, row.id)
            document["server_groups"] = [found] if found else []
    return document


for _since, _until, _version in schemas.ranges(schemas.UPDATE_CHANGES):
    api.put("/servers/<server_id>", policy="os_compute_api:servers:update",
            body=schemas.update(_version), since=_since, until=_until)(change)


@api.delete("/servers/<server_id>", policy="os_compute_api:servers:delete", status=204)
def remove(nova: Nova, ctx: Context, server_id: str) -> None:
    """Begin to delete it, whatever is being done to it."""
    with nova.db.reading() as session:
        row = servers.find(session, ctx, server_id)
    servers.check_unlocked(ctx, row)
    runner = nova.db.write(lambda session: works.remove(session, ctx, row, nova.service))
    if runner is not None:
        nova.ring(ctx, runner)


@api.get("/servers/<server_id>/ips", policy="os_compute_api:ips:index")
def ips(nova: Nova, ctx: Context, server_id: str) -> Document:
    return {"addresses": _plain(nova, ctx, server_id)}


@api.get("/servers/<server_id>/ips/<label>", policy="os_compute_api:ips:show")
def ips_of_network(nova: Nova, ctx: Context, server_id: str, label: str) -> Document:
    found = _plain(nova, ctx, server_id)
    if label not in found:
        raise NotFound("Network", label)
    return {label: found[label]}


def _plain(nova: Nova, ctx: Context, server_id: str) -> Document:
    with nova.db.reading() as session:
        row = servers.find(session, ctx, server_id)
    found = network.addresses(row.vifs)
    return {label: [{"version": a["version"], "addr": a["addr"]} for a in addresses]
            for label, addresses in found.items()}


# Until there are volumes, no server has one.
@api.get("/servers/<server_id>/os-volume_attachments",
         policy="os_compute_api:os-volumes-attachments:index", query=ANY)
def volumes(nova: Nova, ctx: Context, server_id: str, query: Query) -> Document:
    with nova.db.reading() as session:
        servers.find(session, ctx, server_id)
    return {"volumeAttachments": []}


@api.get("/servers/<server_id>/os-security-groups", policy="os_compute_api:os-security-groups:list")
def security_groups(nova: Nova, ctx: Context, server_id: str) -> Document:
    with nova.db.reading() as session:
        row = servers.find(session, ctx, server_id)
    return {"security_groups": of_server(nova, ctx, row.id)}

