"""/os-simple-tenant-usage: what was used, when."""

import datetime as dt

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.db import utcnow
from cairn.common.errors import Forbidden, Invalid
from cairn.common.listing import read_value
from cairn.nova.api.schemas import PAGE, TEXT, Query, queries, read_limit
from cairn.nova.api.views import micro, next_link
from cairn.nova.component import Nova
from cairn.nova.core import usages
from cairn.nova.core.usages import ServerUsage
from cairn.nova.core.values import moment
from cairn.nova.policy import RULES

api = Api(RULES)


def _period(query: Query) -> tuple[dt.datetime, dt.datetime]:
    now = utcnow()
    first, last = read_value(query, "start"), read_value(query, "end")
    stop = moment(last, "end") if last else now
    start = moment(first, "start") if first else now - dt.timedelta(weeks=4)
    if start >= stop:
        raise Invalid(reason="start: it must lie before the end.")
    return start, stop


def _server(usage: ServerUsage) -> Document:
    return {
        "instance_id": usage.id, "name": usage.name, "tenant_id": usage.project_id,
        "flavor": usage.flavor, "hours": usage.hours, "local_gb": usage.disk_gb,
        "memory_mb": usage.ram_mb, "vcpus": usage.vcpus, "started_at": micro(usage.started_at),
        "ended_at": micro(usage.ended_at), "state": usage.state, "uptime": usage.uptime,
    }


def view(
    project_id: str, servers: list[ServerUsage], start: dt.datetime, stop: dt.datetime,
    detailed: bool,
) -> Document:
    shown: Document = {
        "tenant_id": project_id, "start": micro(start), "stop": micro(stop),
        "total_hours": float(sum(s.hours for s in servers)),
        "total_vcpus_usage": float(sum(s.hours * s.vcpus for s in servers)),
        "total_memory_mb_usage": float(sum(s.hours * s.ram_mb for s in servers)),
        "total_local_gb_usage": float(sum(s.hours * s.disk_gb for s in servers)),
    }
    if detailed:
        shown["server_usages"] = [_server(usage) for usage in servers]
    return shown


def index(nova: Nova, ctx: Context, query: Query) -> Document:
    """Sum up what each project used in a period, by default in the last four weeks."""
    start, stop = _period(query)
    detailed = read_value(query, "detailed") == "1"
    by_project, links = _page(nova, ctx, query, None, start, stop)
    document: Document = {"tenant_usages": [view(project, servers, start, stop, detailed)
                                            for project, servers in by_project.items()]}
    return document | ({"tenant_usages_links": links} if links else {})


_PERIOD = {"start": TEXT, "end": TEXT}
for _since, _until, _query in queries({(2, 1): {**_PERIOD, "detailed": TEXT}, (2, 40): PAGE}):
    api.get("/os-simple-tenant-usage", policy="os_compute_api:os-simple-tenant-usage:list",
            query=_query, since=_since, until=_until)(index)


def show(nova: Nova, ctx: Context, project_id: str, query: Query) -> Document:
    """Sum up what one project used in a period, by default four weeks, with each of its servers."""
    if not ctx.is_admin and project_id != ctx.project:
        raise Forbidden(rule="os_compute_api:os-simple-tenant-usage:show")
    start, stop = _period(query)
    by_project, links = _page(nova, ctx, query, project_id, start, stop)
    servers = by_project.get(project_id)
    document = {"tenant_usage": view(project_id, servers, start, stop, True) if servers else {}}
    return document | ({"tenant_usage_links": links} if links else {})


for _since, _until, _query in queries({(2, 1): _PERIOD, (2, 40): PAGE}):
    api.get("/os-simple-tenant-usage/<project_id>",
            policy="os_compute_api:os-simple-tenant-usage:show", query=_query, since=_since,
            until=_until)(show)


def _page(
    nova: Nova, ctx: Context, query: Query, project_id: str | None, start: dt.datetime,
    stop: dt.datetime,
) -> tuple[dict[str, list[ServerUsage]], list[Document]]:
    """Since 2.40 so many servers at a time, and where the next ones are."""
    if ctx.version < (2, 40):
        return usages.list_usages(nova, project_id, start, stop), []
    size = read_limit(nova, query)
    by_project = usages.list_usages(nova, project_id, start, stop, limit=size,
                                    marker=read_value(query, "marker"))
    servers = [usage for usages_ in by_project.values() for usage in usages_]
    last = max(servers, key=lambda usage: usage.number).id if servers else ""
    return by_project, next_link([{}] * len(servers), size, last)
