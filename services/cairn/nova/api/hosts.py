"""What runs where: /os-services, /os-hypervisors, /os-availability-zone, /os-aggregates."""

from typing import Any

import orjson
from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import Conflict, Invalid, NotFound, Unavailable
from cairn.nova.api.words import (
    ANY,
    BOOLEAN,
    NAME,
    NUMBER,
    Query,
    closed,
    micro,
    next_link,
    query,
    truth,
    wrapped,
)
from cairn.nova.component import Nova
from cairn.nova.core import boot, hosts
from cairn.nova.db.models import Aggregate, AggregateHost, Hypervisor, Server, Service
from cairn.nova.errors import HostDown
from cairn.nova.policy import RULES

api = Api(RULES)

# --- Services ------------------------------------------------------------------------------


def _service(
    nova: Nova, ctx: Context, service: Service, zones: dict[str, str]
) -> Document:
    zone = "internal"
    if service.binary == hosts.COMPUTE:
        zone = zones.get(service.host, nova.api.default_zone)
    shown: Document = {
        "id": service.id if ctx.version >= (2, 53) else service.number, "binary": service.binary,
        "host": service.host, "zone": zone, "status": "disabled" if service.disabled else "enabled",
        "state": "up" if hosts.up(service, nova.service) else "down",
        "updated_at": micro(service.seen_at or service.updated_at or service.created_at),
        "disabled_reason": service.disabled_reason,
    }
    if ctx.version >= (2, 11):
        shown["forced_down"] = service.forced_down
    return shown


@api.get("/os-services", policy="os_compute_api:os-services:list", query=ANY)
def services(nova: Nova, ctx: Context, query: Query) -> Document:
    statement = select(Service).order_by(Service.number)
    for name, column in (("host", Service.host), ("binary", Service.binary)):
        if query.get(name):
            statement = statement.where(column == query[name])
    with nova.db.reading() as session:
        zones = hosts.zones(session)
        found = [_service(nova, ctx, s, zones) for s in session.scalars(statement)]
    return {"services": found}


_DISABLE = {"host": {"type": "string"}, "binary": {"type": "string"}}


def _by_name(session: Session, body: Document) -> Service:
    found = session.scalar(select(Service).where(
        Service.host == body["host"], Service.binary == body["binary"]))
    if found is None:
        raise NotFound(f"Service {body['binary']} on host", body["host"])
    return found


def _switch(nova: Nova, body: Document, disabled: bool, reason: str | None) -> Document:
    with nova.db.writing() as session:
        service = _by_name(session, body)
        service.disabled, service.disabled_reason = disabled, reason
    return {"host": body["host"], "binary": body["binary"],
            "status": "disabled" if disabled else "enabled"}


@api.put("/os-services/enable", policy="os_compute_api:os-services:update", until="2.52",
         body=closed(["host", "binary"], **_DISABLE))
def enable(nova: Nova, ctx: Context, body: Document) -> Document:
    return {"service": _switch(nova, body, False, None)}


@api.put("/os-services/disable", policy="os_compute_api:os-services:update", until="2.52",
         body=closed(["host", "binary"], **_DISABLE))
def disable(nova: Nova, ctx: Context, body: Document) -> Document:
    return {"service": _switch(nova, body, True, None)}


@api.put("/os-services/disable-log-reason", policy="os_compute_api:os-services:update",
         until="2.52", body=closed(["host", "binary", "disabled_reason"], **_DISABLE,
                                   disabled_reason=NAME))
def disable_with_reason(nova: Nova, ctx: Context, body: Document) -> Document:
    reason = body["disabled_reason"]
    return {"service": _switch(nova, body, True, reason) | {"disabled_reason": reason}}


@api.put("/os-services/force-down", policy="os_compute_api:os-services:update", since="2.11",
         until="2.52", body=closed(["host", "binary", "forced_down"], **_DISABLE,
                                   forced_down=BOOLEAN))
def force_down(nova: Nova, ctx: Context, body: Document) -> Document:
    down = boot.truthy(body["forced_down"])
    with nova.db.writing() as session:
        _by_name(session, body).forced_down = down
    return {"service": {"host": body["host"], "binary": body["binary"], "forced_down": down}}


@api.put("/os-services/<service_id>", policy="os_compute_api:os-services:update", since="2.53",
         body=closed(status={"enum": ["enabled", "disabled"]}, disabled_reason=NAME,
                     forced_down=BOOLEAN) | {"minProperties": 1})
def change_service(nova: Nova, ctx: Context, service_id: str, body: Document) -> Document:
    status = body.get("status")
    if "disabled_reason" in body and status != "disabled":
        raise Invalid(reason="disabled_reason: it goes with status disabled.")
    with nova.db.writing() as session:
        service = hosts.find_service(session, service_id)
        if service.binary != hosts.COMPUTE:
            raise Invalid(reason=f"Updating a {service.binary} service is not supported. Only "
                                 "nova-compute services can be updated.")
        if status is not None:
            service.disabled = status == "disabled"
            service.disabled_reason = body.get("disabled_reason")
        if "forced_down" in body:
            service.forced_down = boot.truthy(body["forced_down"])
        zones = hosts.zones(session)
    return {"service": _service(nova, ctx, service, zones)}


@api.delete("/os-services/<service_id>", policy="os_compute_api:os-services:delete", status=204)
def remove_service(nova: Nova, ctx: Context, service_id: str) -> None:
    """Forget a process that is gone for good, its hypervisor too; one that runs comes back."""
    with nova.db.writing() as session:
        service = hosts.find_service(session, service_id)
        if service.binary == hosts.COMPUTE:
            busy = session.scalar(select(func.count()).where(
                Server.host == service.host, Server.deleted.is_(False)))
            if busy:
                raise Conflict(reason=f"Host {service.host} still has {busy} servers.")
            session.execute(delete(Hypervisor).where(Hypervisor.host == service.host))
            session.execute(delete(AggregateHost).where(AggregateHost.host == service.host))
        session.delete(service)


# --- Hypervisors ---------------------------------------------------------------------------

_SUMS = ("vcpus", "vcpus_used", "memory_mb", "memory_mb_used", "running_vms")


def _brief(nova: Nova, ctx: Context, hypervisor: Hypervisor, service: Service | None) -> Document:
    return {
        "id": hypervisor.id if ctx.version >= (2, 53) else hypervisor.number,
        "hypervisor_hostname": hypervisor.node,
        "state": "up" if service and hosts.up(service, nova.service) else "down",
        "status": "disabled" if service is None or service.disabled else "enabled",
    }


def _detail(nova: Nova, ctx: Context, hypervisor: Hypervisor, service: Service | None) -> Document:
    report = hypervisor.report
    shown = _brief(nova, ctx, hypervisor, service) | {
        "hypervisor_type": report["hypervisor_type"],
        "hypervisor_version": report["hypervisor_version"], "host_ip": report["host_ip"],
        "service": {
            "id": (service.id if ctx.version >= (2, 53) else service.number) if service else 0,
            "host": hypervisor.host,
            "disabled_reason": service.disabled_reason if service else None,
        },
    }
    if ctx.version >= (2, 88):
        return shown | {"uptime": report.get("uptime")}
    cpu: Any = report["cpu_info"]
    return shown | {name: report[name] for name in _SUMS} | {
        "local_gb": report["disk_gb"], "local_gb_used": report["disk_gb_used"],
        "free_disk_gb": report["disk_gb"] - report["disk_gb_used"],
        "free_ram_mb": report["memory_mb"] - report["memory_mb_used"],
        "disk_available_least": report["disk_available_least"], "current_workload": 0,
        "cpu_info": cpu if ctx.version >= (2, 28) else orjson.dumps(cpu).decode(),
    }


def _servers_of(session: Session, names: list[str]) -> dict[str, list[Document]]:
    found: dict[str, list[Document]] = {}
    for row in session.execute(
        select(Server.host, Server.id, Server.name)
        .where(Server.host.in_(names), Server.deleted.is_(False)).order_by(Server.number)
    ):
        assert row.host is not None
        found.setdefault(row.host, []).append({"uuid": row.id, "name": row.name})
    return found


def _hypervisors(nova: Nova, ctx: Context, query: Query, show: Any) -> Document:
    pattern = query.get("hypervisor_hostname_pattern") if ctx.version >= (2, 53) else None
    with_servers = ctx.version >= (2, 53) and truth(query.get("with_servers"), "with_servers")
    with nova.db.reading() as session:
        found = hosts.hypervisors(session)
        services = hosts.computes(session)
        servers = _servers_of(session, [h.host for h in found]) if with_servers else {}
    if pattern:
        found = [h for h in found if pattern in h.node]
        if not found:
            raise NotFound("Hypervisor matching", f"'{pattern}'")
    more: Document = {}
    if ctx.version >= (2, 33):
        found, more = _cut(nova, ctx, found, query)
    items = []
    for hypervisor in found:
        item = show(nova, ctx, hypervisor, services.get(hypervisor.host))
        if with_servers and (servers.get(hypervisor.host) or ctx.version >= (2, 75)):
            item["servers"] = servers.get(hypervisor.host, [])
        items.append(item)
    return {"hypervisors": items} | more


def _cut(
    nova: Nova, ctx: Context, found: list[Hypervisor], query: Query
) -> tuple[list[Hypervisor], Document]:
    size = min(query.get("limit", nova.api.max_limit, type=int), nova.api.max_limit)
    marker = query.get("marker")
    if marker:
        ids = [h.id if ctx.version >= (2, 53) else str(h.number) for h in found]
        if marker not in ids:
            raise Invalid(reason=f"marker [{marker}] not found")
        found = found[ids.index(marker) + 1:]
    page = found[:size]
    if page and len(found) > size:
        last = page[-1].id if ctx.version >= (2, 53) else str(page[-1].number)
        return page, {"hypervisors_links": next_link([{}] * size, size, last)}
    return page, {}


_QUERY = query(limit=NUMBER)


@api.get("/os-hypervisors", policy="os_compute_api:os-hypervisors:list", query=_QUERY)
def hypervisors(nova: Nova, ctx: Context, query: Query) -> Document:
    return _hypervisors(nova, ctx, query, _brief)


@api.get("/os-hypervisors/detail", policy="os_compute_api:os-hypervisors:list-detail",
         query=_QUERY)
def hypervisors_detail(nova: Nova, ctx: Context, query: Query) -> Document:
    return _hypervisors(nova, ctx, query, _detail)


@api.get("/os-hypervisors/statistics", policy="os_compute_api:os-hypervisors:statistics",
         until="2.87")
def statistics(nova: Nova, ctx: Context) -> Document:
    with nova.db.reading() as session:
        found = hosts.hypervisors(session)
        services = hosts.computes(session)
    reports = [h.report for h in found
               if (s := services.get(h.host)) is not None and not s.disabled]
    sums: Document = {name: sum(r[name] for r in reports) for name in _SUMS}
    sums |= {
        "count": len(reports), "current_workload": 0,
        "local_gb": sum(r["disk_gb"] for r in reports),
        "local_gb_used": sum(r["disk_gb_used"] for r in reports),
        "disk_available_least": sum(r["disk_available_least"] or 0 for r in reports),
    }
    sums["free_disk_gb"] = sums["local_gb"] - sums["local_gb_used"]
    sums["free_ram_mb"] = sums["memory_mb"] - sums["memory_mb_used"]
    return {"hypervisor_statistics": sums}


@api.get("/os-hypervisors/<hypervisor_id>", policy="os_compute_api:os-hypervisors:show",
         query=ANY)
def hypervisor(nova: Nova, ctx: Context, hypervisor_id: str, query: Query) -> Document:
    with nova.db.reading() as session:
        found = hosts.find_hypervisor(session, hypervisor_id)
        service = hosts.computes(session).get(found.host)
        servers = _servers_of(session, [found.host])
    shown = _detail(nova, ctx, found, service)
    if ctx.version >= (2, 53) and truth(query.get("with_servers"), "with_servers"):
        if servers.get(found.host) or ctx.version >= (2, 75):
            shown["servers"] = servers.get(found.host, [])
    return {"hypervisor": shown}


@api.get("/os-hypervisors/<hypervisor_id>/uptime", policy="os_compute_api:os-hypervisors:uptime",
         until="2.87")
def uptime(nova: Nova, ctx: Context, hypervisor_id: str) -> Document:
    with nova.db.reading() as session:
        found = hosts.find_hypervisor(session, hypervisor_id)
        service = hosts.computes(session).get(found.host)
    try:
        text = nova.compute.uptime(ctx, host=found.host)
    except Unavailable:
        raise HostDown(host=found.host, action="uptime") from None
    return {"hypervisor": _brief(nova, ctx, found, service) | {"uptime": text}}


@api.get("/os-hypervisors/<pattern>/search", policy="os_compute_api:os-hypervisors:search",
         until="2.52")
def search(nova: Nova, ctx: Context, pattern: str) -> Document:
    return {"hypervisors": _matching(nova, ctx, pattern)}


@api.get("/os-hypervisors/<pattern>/servers", policy="os_compute_api:os-hypervisors:servers",
         until="2.52")
def servers_on(nova: Nova, ctx: Context, pattern: str) -> Document:
    return {"hypervisors": _matching(nova, ctx, pattern, with_servers=True)}


def _matching(
    nova: Nova, ctx: Context, pattern: str, with_servers: bool = False
) -> list[Document]:
    with nova.db.reading() as session:
        found = [h for h in hosts.hypervisors(session) if pattern in h.node]
        services = hosts.computes(session)
        servers = _servers_of(session, [h.host for h in found])
    if not found:
        raise NotFound("Hypervisor matching", f"'{pattern}'")
    items = []
    for one in found:
        item = _brief(nova, ctx, one, services.get(one.host))
        if with_servers and servers.get(one.host):
            item["servers"] = servers[one.host]
        items.append(item)
    return items


# --- Availability zones --------------------------------------------------------------------


@api.get("/os-availability-zone", policy="os_compute_api:os-availability-zone:list")
def zones(nova: Nova, ctx: Context) -> Document:
    with nova.db.reading() as session:
        by_host = hosts.zones(session)
        computes = hosts.computes(session)
    available: dict[str, bool] = {}
    for host, service in computes.items():
        zone = by_host.get(host, nova.api.default_zone)
        available[zone] = available.get(zone, False) or not service.disabled
    return {"availabilityZoneInfo": [
        {"zoneName": zone, "zoneState": {"available": ready}, "hosts": None}
        for zone, ready in sorted(available.items())
    ]}


@api.get("/os-availability-zone/detail", policy="os_compute_api:os-availability-zone:detail")
def zones_detail(nova: Nova, ctx: Context) -> Document:
    found: dict[str, Any] = {}
    with nova.db.reading() as session:
        by_host = hosts.zones(session)
        for service in session.scalars(select(Service).order_by(Service.number)):
            zone = "internal"
            if service.binary == hosts.COMPUTE:
                zone = by_host.get(service.host, nova.api.default_zone)
            found.setdefault(zone, {}).setdefault(service.host, {})[service.binary] = {
                "available": hosts.up(service, nova.service), "active": not service.disabled,
                "updated_at": micro(service.seen_at),
            }
    return {"availabilityZoneInfo": [
        {"zoneName": zone, "zoneState": {"available": True}, "hosts": members}
        for zone, members in sorted(found.items())
    ]}


# --- Aggregates ----------------------------------------------------------------------------

_ZONE = {"type": ["string", "null"], "minLength": 1, "maxLength": 255, "pattern": "^[^:]*$"}


def _aggregate(
    session: Session, ctx: Context, aggregate: Aggregate, brief: bool = False
) -> Document:
    shown: Document = {
        "id": aggregate.number, "name": aggregate.name, "availability_zone": aggregate.zone,
        "created_at": micro(aggregate.created_at), "updated_at": micro(aggregate.updated_at),
        "deleted": False, "deleted_at": None,
    }
    if not brief:
        zone = {"availability_zone": aggregate.zone} if aggregate.zone else {}
        shown["metadata"] = aggregate.meta | zone
        shown["hosts"] = list(session.scalars(
            select(AggregateHost.host).where(AggregateHost.aggregate == aggregate.number)
            .order_by(AggregateHost.host)))
    if ctx.version >= (2, 41):
        shown["uuid"] = aggregate.id
    return shown


def _find_aggregate(session: Session, number: str) -> Aggregate:
    found = session.get(Aggregate, int(number)) if number.isdigit() else None
    if found is None:
        raise NotFound("Aggregate", number)
    return found


@api.get("/os-aggregates", policy="os_compute_api:os-aggregates:index")
def aggregates(nova: Nova, ctx: Context) -> Document:
    with nova.db.reading() as session:
        found = session.scalars(select(Aggregate).order_by(Aggregate.number)).all()
        return {"aggregates": [_aggregate(session, ctx, aggregate) for aggregate in found]}


@api.post("/os-aggregates", policy="os_compute_api:os-aggregates:create",
          body=wrapped("aggregate", closed(["name"], name=NAME, availability_zone=_ZONE)))
def create_aggregate(nova: Nova, ctx: Context, body: Document) -> Document:
    asked = body["aggregate"]
    aggregate = Aggregate(name=asked["name"], zone=asked.get("availability_zone"), meta={})
    with nova.db.writing() as session:
        try:
            with session.begin_nested():
                session.add(aggregate)
        except IntegrityError:
            raise Conflict(reason=f"Aggregate {asked['name']} already exists.") from None
        return {"aggregate": _aggregate(session, ctx, aggregate, brief=True)}


@api.get("/os-aggregates/<number>", policy="os_compute_api:os-aggregates:show")
def aggregate(nova: Nova, ctx: Context, number: str) -> Document:
    with nova.db.reading() as session:
        return {"aggregate": _aggregate(session, ctx, _find_aggregate(session, number))}


@api.put("/os-aggregates/<number>", policy="os_compute_api:os-aggregates:update",
         body=wrapped("aggregate", closed(name=NAME, availability_zone=_ZONE)
                      | {"minProperties": 1}))
def change_aggregate(nova: Nova, ctx: Context, number: str, body: Document) -> Document:
    asked = body["aggregate"]
    with nova.db.writing() as session:
        found = _find_aggregate(session, number)
        found.name = asked.get("name", found.name)
        found.zone = asked.get("availability_zone", found.zone)
        try:
            session.flush()
        except IntegrityError:
            raise Conflict(reason=f"Aggregate {asked['name']} already exists.") from None
        return {"aggregate": _aggregate(session, ctx, found)}


@api.delete("/os-aggregates/<number>", policy="os_compute_api:os-aggregates:delete")
def remove_aggregate(nova: Nova, ctx: Context, number: str) -> None:
    with nova.db.writing() as session:
        found = _find_aggregate(session, number)
        if _aggregate(session, ctx, found)["hosts"]:
            raise Invalid(reason=f"Aggregate {number} still has hosts.")
        session.delete(found)


_HOST = closed(["host"], host=NAME)
_ACTION = "/os-aggregates/<number>/action"


@api.post(_ACTION, action="add_host", policy="os_compute_api:os-aggregates:add_host",
          body=wrapped("add_host", _HOST))
def add_host(nova: Nova, ctx: Context, number: str, body: Document) -> Document:
    host = body["add_host"]["host"]
    with nova.db.writing() as session:
        found = _find_aggregate(session, number)
        if host not in hosts.computes(session):
            raise NotFound("Compute host", host)
        zone = hosts.zones(session).get(host)
        if found.zone and zone not in (None, found.zone):
            raise Conflict(reason=f"Host {host} is in availability zone {zone} already.")
        try:
            with session.begin_nested():
                session.add(AggregateHost(aggregate=found.number, host=host))
        except IntegrityError:
            raise Conflict(reason=f"Host {host} is in aggregate {number} already.") from None
        return {"aggregate": _aggregate(session, ctx, found)}


@api.post(_ACTION, action="remove_host", policy="os_compute_api:os-aggregates:remove_host",
          body=wrapped("remove_host", _HOST))
def remove_host(nova: Nova, ctx: Context, number: str, body: Document) -> Document:
    host = body["remove_host"]["host"]
    with nova.db.writing() as session:
        found = _find_aggregate(session, number)
        gone = session.execute(delete(AggregateHost).where(
            AggregateHost.aggregate == found.number, AggregateHost.host == host))
        if not gone.rowcount:  # type: ignore[attr-defined]
            raise NotFound("Compute host", host)
        return {"aggregate": _aggregate(session, ctx, found)}


@api.post(_ACTION, action="set_metadata", policy="os_compute_api:os-aggregates:set_metadata",
          body=wrapped("set_metadata", closed(["metadata"], metadata={
              "type": "object", "additionalProperties": {"type": ["string", "null"]}})))
def set_metadata(nova: Nova, ctx: Context, number: str, body: Document) -> Document:
    with nova.db.writing() as session:
        found = _find_aggregate(session, number)
        merged = found.meta | body["set_metadata"]["metadata"]
        found.zone = merged.pop("availability_zone", found.zone)
        found.meta = {key: value for key, value in merged.items() if value is not None}
        session.flush()
        return {"aggregate": _aggregate(session, ctx, found)}


