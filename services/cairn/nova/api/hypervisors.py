"""/os-hypervisors"""

from collections.abc import Callable
from typing import Any

import orjson

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import Invalid, NotFound, Unavailable
from cairn.common.listing import read_value
from cairn.nova.api.schemas import BOOLEAN, PAGE, PAGE_ONCE, Query, once, queries, read_limit
from cairn.nova.api.views import next_link
from cairn.nova.component import Nova
from cairn.nova.core import hosts, hypervisors
from cairn.nova.core.hypervisors import HypervisorState
from cairn.nova.core.values import by_uuid, truth
from cairn.nova.errors import HostDown
from cairn.nova.policy import RULES

api = Api(RULES)

_SUMS = ("vcpus", "vcpus_used", "memory_mb", "memory_mb_used", "running_vms")
_SERVERS = {"with_servers": once(BOOLEAN)}
_QUERIES = queries(
    {(2, 33): PAGE,
     (2, 53): PAGE_ONCE | _SERVERS | {
         "hypervisor_hostname_pattern": once({"type": "string", "minLength": 1, "maxLength": 255,
                                              "pattern": "^[a-zA-Z0-9._-]*$"})}},
    closed_since=(2, 53))
View = Callable[[Nova, Context, HypervisorState], Document]


def brief(nova: Nova, ctx: Context, state: HypervisorState) -> Document:
    service = state.service
    return {
        "id": _id(ctx, state), "hypervisor_hostname": state.hypervisor.node,
        "state": "up" if service and hosts.up(service, nova.service) else "down",
        "status": "disabled" if service is None or service.disabled else "enabled",
    }


def _id(ctx: Context, state: HypervisorState) -> str | int:
    return state.hypervisor.id if by_uuid(ctx.version) else state.hypervisor.number


def detailed(nova: Nova, ctx: Context, state: HypervisorState) -> Document:
    service, report = state.service, state.hypervisor.report
    shown = brief(nova, ctx, state) | {
        "hypervisor_type": report["hypervisor_type"],
        "hypervisor_version": report["hypervisor_version"], "host_ip": report["host_ip"],
        "service": {
            "id": (service.id if by_uuid(ctx.version) else service.number) if service else 0,
            "host": state.hypervisor.host,
            "disabled_reason": service.disabled_reason if service else None,
        },
    }
    if ctx.version >= (2, 88):
        return shown | {"uptime": report.get("uptime")}
    cpu: Any = report["cpu_info"]
    return shown | _amounts(report) | {
        "cpu_info": cpu if ctx.version >= (2, 28) else orjson.dumps(cpu).decode(),
    }


def _amounts(report: dict[str, Any]) -> Document:
    return {name: report[name] for name in _SUMS} | {
        "local_gb": report["disk_gb"], "local_gb_used": report["disk_gb_used"],
        "free_disk_gb": report["disk_gb"] - report["disk_gb_used"],
        "free_ram_mb": report["memory_mb"] - report["memory_mb_used"],
        "disk_available_least": report["disk_available_least"], "current_workload": 0,
    }


def _with_servers(ctx: Context, query: Query) -> bool:
    return ctx.version >= (2, 53) and truth(read_value(query, "with_servers"), "with_servers")


def _servers(state: HypervisorState) -> list[Document]:
    return [{"uuid": row.id, "name": row.name} for row in state.servers]


def _list(nova: Nova, ctx: Context, query: Query, view: View) -> Document:
    pattern = read_value(query, "hypervisor_hostname_pattern") if by_uuid(ctx.version) else None
    if pattern and ("limit" in query or "marker" in query):
        raise Invalid(reason="hypervisor_hostname_pattern: there are no pages of what it finds.")
    with_servers = _with_servers(ctx, query)
    states = hypervisors.list_hypervisors(nova, pattern)
    if pattern and not states:
        raise NotFound("Hypervisor matching", f"'{pattern}'")
    more: Document = {}
    if ctx.version >= (2, 33) and not pattern:
        states, more = _cut(nova, ctx, states, query)
    items = []
    for state in states:
        item = view(nova, ctx, state)
        if with_servers and (state.servers or ctx.version >= (2, 75)):
            item["servers"] = _servers(state)
        items.append(item)
    return {"hypervisors": items} | more


def _cut(
    nova: Nova, ctx: Context, states: list[HypervisorState], query: Query
) -> tuple[list[HypervisorState], Document]:
    size, marker = read_limit(nova, query), read_value(query, "marker")
    if marker:
        ids = [str(_id(ctx, state)) for state in states]
        if marker not in ids:
            raise Invalid(reason=f"marker [{marker}] not found")
        states = states[ids.index(marker) + 1:]
    page = states[:size]
    if page and len(states) > size:
        return page, {"hypervisors_links": next_link([{}] * size, size, str(_id(ctx, page[-1])))}
    return page, {}


def index(nova: Nova, ctx: Context, query: Query) -> Document:
    """List hypervisors by name, state and status."""
    return _list(nova, ctx, query, brief)


def detail(nova: Nova, ctx: Context, query: Query) -> Document:
    """List hypervisors with what each last said of itself."""
    return _list(nova, ctx, query, detailed)


for _since, _until, _query in _QUERIES:
    api.get("/os-hypervisors", policy="os_compute_api:os-hypervisors:list", query=_query,
            since=_since, until=_until)(index)
    api.get("/os-hypervisors/detail", policy="os_compute_api:os-hypervisors:list-detail",
            query=_query, since=_since, until=_until)(detail)


@api.get("/os-hypervisors/statistics", policy="os_compute_api:os-hypervisors:statistics",
         until="2.87")
def statistics(nova: Nova, ctx: Context) -> Document:
    """Sum up what the hypervisors that are not disabled have and use."""
    sums = hypervisors.sums(nova)
    return {"hypervisor_statistics": {"count": sums["count"]} | _amounts(sums)}


def show(nova: Nova, ctx: Context, hypervisor_id: str, query: Query) -> Document:
    """Show one hypervisor with what it last said of itself."""
    state = hypervisors.get(nova, ctx, hypervisor_id)
    shown = detailed(nova, ctx, state)
    if _with_servers(ctx, query):
        if state.servers or ctx.version >= (2, 75):
            shown["servers"] = _servers(state)
    return {"hypervisor": shown}


for _since, _until, _query in queries({(2, 53): _SERVERS}, closed_since=(2, 53)):
    api.get("/os-hypervisors/<hypervisor_id>", policy="os_compute_api:os-hypervisors:show",
            query=_query, since=_since, until=_until)(show)


@api.get("/os-hypervisors/<hypervisor_id>/uptime", policy="os_compute_api:os-hypervisors:uptime",
         until="2.87")
def uptime(nova: Nova, ctx: Context, hypervisor_id: str) -> Document:
    """Ask a hypervisor's host how long it has been up; one that does not answer is an error."""
    state = hypervisors.get(nova, ctx, hypervisor_id)
    try:
        text = nova.compute.uptime(ctx, host=state.hypervisor.host)
    except Unavailable:
        raise HostDown(host=state.hypervisor.host, action="uptime") from None
    return {"hypervisor": brief(nova, ctx, state) | {"uptime": text}}


@api.get("/os-hypervisors/<pattern>/search", policy="os_compute_api:os-hypervisors:search",
         until="2.52")
def search(nova: Nova, ctx: Context, pattern: str) -> Document:
    """List the hypervisors that have a text in their names."""
    return {"hypervisors": [brief(nova, ctx, state) for state in _matching(nova, pattern)]}


@api.get("/os-hypervisors/<pattern>/servers", policy="os_compute_api:os-hypervisors:servers",
         until="2.52")
def servers_on(nova: Nova, ctx: Context, pattern: str) -> Document:
    """List the hypervisors that have a text in their names, each with its servers."""
    return {"hypervisors": [
        brief(nova, ctx, state) | ({"servers": _servers(state)} if state.servers else {})
        for state in _matching(nova, pattern)]}


def _matching(nova: Nova, pattern: str) -> list[HypervisorState]:
    states = hypervisors.list_hypervisors(nova, pattern)
    if not states:
        raise NotFound("Hypervisor matching", f"'{pattern}'")
    return states
