"""Limits: /os-quota-sets, /os-quota-class-sets, /limits, and /os-simple-tenant-usage."""

import datetime as dt
from typing import Any

from sqlalchemy import or_, select

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.db import utcnow
from cairn.common.errors import Forbidden, Invalid
from cairn.nova.api.words import ANY, BOOLEAN, Query, closed, micro, moment, wrapped
from cairn.nova.component import Nova
from cairn.nova.core import quotas
from cairn.nova.db.models import Server
from cairn.nova.policy import RULES

api = Api(RULES)

_ALWAYS = ["instances", "cores", "ram", "metadata_items", "key_pairs", "server_groups",
           "server_group_members"]
_FILES = ["injected_files", "injected_file_content_bytes", "injected_file_path_bytes"]


def names(ctx: Context) -> list[str]:
    """The resources that the version knows."""
    found = list(_ALWAYS)
    if ctx.version < (2, 57):
        found += _FILES
    if ctx.version < (2, 36):
        found += quotas.NETWORK
    return found


def _schema(*, network: bool, files: bool, **more: Any) -> Any:
    limit = {"type": ["integer", "string"], "pattern": "^-?[0-9]+$", "minimum": -1,
             "maximum": 0x7FFFFFFF}
    known = [*_ALWAYS, *(_FILES if files else ()), *(quotas.NETWORK if network else ())]
    return closed(None, **dict.fromkeys(known, limit), **more)


def _check(ctx: Context, project_id: str) -> None:
    """Readers ask about their own project, admins about any."""
    if not ctx.is_admin and ctx.project != project_id:
        raise Forbidden(rule="os_compute_api:os-quota-sets:show")


@api.get("/os-quota-sets/<project_id>", policy="os_compute_api:os-quota-sets:show", query=ANY)
def show(nova: Nova, ctx: Context, project_id: str, query: Query) -> Document:
    _check(ctx, project_id)
    with nova.db.reading() as session:
        limits = quotas.limits(session, project_id, nova.quota)
    return {"quota_set": {"id": project_id} | {name: limits[name] for name in names(ctx)}}


@api.get("/os-quota-sets/<project_id>/defaults", policy="os_compute_api:os-quota-sets:defaults")
def defaults(nova: Nova, ctx: Context, project_id: str) -> Document:
    with nova.db.reading() as session:
        limits = quotas.limits(session, quotas.DEFAULT_CLASS, nova.quota)
    return {"quota_set": {"id": project_id} | {name: limits[name] for name in names(ctx)}}


@api.get("/os-quota-sets/<project_id>/detail", policy="os_compute_api:os-quota-sets:detail",
         query=ANY)
def detail(nova: Nova, ctx: Context, project_id: str, query: Query) -> Document:
    _check(ctx, project_id)
    with nova.db.reading() as session:
        limits = quotas.limits(session, project_id, nova.quota)
        used = quotas.usage(session, project_id)
    return {"quota_set": {"id": project_id} | {
        name: {"limit": limits[name], "in_use": used.get(name, 0), "reserved": 0}
        for name in names(ctx)
    }}


def change(nova: Nova, ctx: Context, project_id: str, body: Document) -> Document:
    asked = dict(body["quota_set"])
    force = asked.pop("force", False)
    asked.pop("tenant_id", None)
    wanted = {name: int(value) for name, value in asked.items()}
    with nova.db.writing() as session:
        used = quotas.usage(session, project_id)
        for name, value in wanted.items():
            if not force and 0 <= value < used.get(name, 0):
                raise Invalid(reason=f"Quota limit {value} for {name} must be greater than or "
                                     f"equal to already used and reserved {used[name]}.")
        quotas.override(session, project_id, wanted)
        session.flush()
        limits = quotas.limits(session, project_id, nova.quota)
    return {"quota_set": {name: limits[name] for name in names(ctx)}}


_MORE = {"force": BOOLEAN, "tenant_id": {"type": "string"}}
for _since, _until, _network, _files in (
    ("2.1", "2.35", True, True), ("2.36", "2.56", False, True), ("2.57", None, False, False),
):
    api.put("/os-quota-sets/<project_id>", policy="os_compute_api:os-quota-sets:update",
            body=wrapped("quota_set", _schema(network=_network, files=_files, **_MORE)),
            since=_since, until=_until)(change)


@api.delete("/os-quota-sets/<project_id>", policy="os_compute_api:os-quota-sets:delete",
            status=202, query=ANY)
def reset(nova: Nova, ctx: Context, project_id: str, query: Query) -> None:
    with nova.db.writing() as session:
        quotas.reset(session, project_id)


@api.get("/os-quota-class-sets/<name>", policy="os_compute_api:os-quota-class-sets:show")
def show_class(nova: Nova, ctx: Context, name: str) -> Document:
    with nova.db.reading() as session:
        limits = quotas.limits(session, f"class:{name}", nova.quota)
    known = names(ctx) if ctx.version >= (2, 50) else [
        n for n in names(ctx) if n not in ("server_groups", "server_group_members")]
    return {"quota_class_set": {"id": name} | {n: limits[n] for n in known}}


def change_class(nova: Nova, ctx: Context, name: str, body: Document) -> Document:
    wanted = {key: int(value) for key, value in body["quota_class_set"].items()}
    with nova.db.writing() as session:
        quotas.override(session, f"class:{name}", wanted)
    document: Document = show_class(nova, ctx, name)  # type: ignore[assignment]
    del document["quota_class_set"]["id"]
    return document


for _since, _until, _network, _files in (
    ("2.1", "2.49", True, True), ("2.50", "2.56", False, True), ("2.57", None, False, False),
):
    api.put("/os-quota-class-sets/<name>", policy="os_compute_api:os-quota-class-sets:update",
            body=wrapped("quota_class_set", _schema(network=_network, files=_files)),
            since=_since, until=_until)(change_class)


@api.get("/limits", policy="os_compute_api:limits", query=ANY)
def limits(nova: Nova, ctx: Context, query: Query) -> Document:
    project = query.get("tenant_id", ctx.project)
    if project != ctx.project:
        nova.policy.enforce(ctx, "os_compute_api:limits:other_project")
    with nova.db.reading() as session:
        allowed = quotas.limits(session, project, nova.quota)
        used = quotas.usage(session, project)
    absolute = {
        "maxTotalInstances": allowed["instances"], "maxTotalCores": allowed["cores"],
        "maxTotalRAMSize": allowed["ram"], "maxServerMeta": allowed["metadata_items"],
        "maxTotalKeypairs": allowed["key_pairs"], "maxServerGroups": allowed["server_groups"],
        "maxServerGroupMembers": allowed["server_group_members"],
        "totalInstancesUsed": used["instances"], "totalCoresUsed": used["cores"],
        "totalRAMUsed": used["ram"], "totalServerGroupsUsed": used["server_groups"],
    }
    if ctx.version < (2, 57):
        absolute |= {"maxPersonality": allowed["injected_files"],
                     "maxPersonalitySize": allowed["injected_file_content_bytes"]}
    if ctx.version < (2, 39):
        absolute["maxImageMeta"] = allowed["metadata_items"]
    if ctx.version < (2, 36):
        absolute |= {"maxTotalFloatingIps": -1, "totalFloatingIpsUsed": 0, "maxSecurityGroups": -1,
                     "totalSecurityGroupsUsed": 0, "maxSecurityGroupRules": -1}
    return {"limits": {"rate": [], "absolute": absolute}}


# --- What was used, when -------------------------------------------------------------------


def _period(query: Query) -> tuple[dt.datetime, dt.datetime]:
    now = utcnow()
    stop = moment(query["end"], "end") if query.get("end") else now
    start = moment(query["start"], "start") if query.get("start") else now - dt.timedelta(weeks=4)
    if start > stop:
        raise Invalid(reason="start: it must lie before the end.")
    return start, stop


def _usages(
    nova: Nova, project_id: str | None, start: dt.datetime, stop: dt.datetime
) -> dict[str, list[Document]]:
    """Each server's part of the period, by project."""
    query = select(
        Server.id, Server.name, Server.project_id, Server.flavor, Server.launched_at,
        Server.terminated_at, Server.vm_state,
    ).where(Server.launched_at.is_not(None), Server.launched_at <= stop,
            or_(Server.terminated_at.is_(None), Server.terminated_at >= start))
    if project_id is not None:
        query = query.where(Server.project_id == project_id)
    now = utcnow()
    found: dict[str, list[Document]] = {}
    with nova.db.reading() as session:
        for row in session.execute(query.order_by(Server.number)):
            ended = row.terminated_at
            seconds = (min(ended or now, stop) - max(row.launched_at, start)).total_seconds()
            flavor = row.flavor
            found.setdefault(row.project_id, []).append({
                "instance_id": row.id, "name": row.name, "tenant_id": row.project_id,
                "flavor": flavor["name"], "hours": max(seconds, 0) / 3600,
                "local_gb": flavor["disk"] + flavor["ephemeral"], "memory_mb": flavor["ram"],
                "vcpus": flavor["vcpus"], "started_at": micro(row.launched_at),
                "ended_at": micro(ended),
                "state": "terminated" if ended else row.vm_state,
                "uptime": int(((ended or now) - row.launched_at).total_seconds()),
            })
    return found


def _usage(
    project_id: str, servers: list[Document], start: dt.datetime, stop: dt.datetime, detailed: bool
) -> Document:
    def total(amount: str | None) -> float:
        return float(sum(s["hours"] * (s[amount] if amount else 1) for s in servers))

    shown: Document = {
        "tenant_id": project_id, "start": micro(start), "stop": micro(stop),
        "total_hours": total(None), "total_vcpus_usage": total("vcpus"),
        "total_memory_mb_usage": total("memory_mb"), "total_local_gb_usage": total("local_gb"),
    }
    if detailed:
        shown["server_usages"] = servers
    return shown


@api.get("/os-simple-tenant-usage", policy="os_compute_api:os-simple-tenant-usage:list", query=ANY)
def usages(nova: Nova, ctx: Context, query: Query) -> Document:
    start, stop = _period(query)
    detailed = query.get("detailed", "0") == "1"
    found = _usages(nova, None, start, stop)
    return {"tenant_usages": [_usage(project, servers, start, stop, detailed)
                              for project, servers in found.items()]}


@api.get("/os-simple-tenant-usage/<project_id>",
         policy="os_compute_api:os-simple-tenant-usage:show", query=ANY)
def usage(nova: Nova, ctx: Context, project_id: str, query: Query) -> Document:
    if not ctx.is_admin and project_id != ctx.project:
        raise Forbidden(rule="os_compute_api:os-simple-tenant-usage:show")
    start, stop = _period(query)
    servers = _usages(nova, project_id, start, stop).get(project_id)
    if not servers:
        return {"tenant_usage": {}}
    return {"tenant_usage": _usage(project_id, servers, start, stop, True)}


