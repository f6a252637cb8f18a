"""Services: processes of ours by host, switched off and on, forgotten."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from cairn.common.context import Context
from cairn.common.errors import Conflict, Invalid, NotFound, Problem
from cairn.nova.component import Nova
from cairn.nova.core import hosts
from cairn.nova.core.values import by_uuid, check_uuid, number
from cairn.nova.db.models import AggregateHost, Event, Hypervisor, Server, Service

INTERNAL = "internal"  # The zone of all that is no compute host.


@dataclass(frozen=True)
class PlacedService:
    """A service and the availability zone of its host, `internal` unless it is a nova-compute."""

    service: Service
    zone: str


def list_services(
    nova: Nova, *, host: str | None = None, binary: str | None = None
) -> list[PlacedService]:
    """In the order in which they were first heard of."""
    query = select(Service).order_by(Service.number)
    if host:
        query = query.where(Service.host == host)
    if binary:
        query = query.where(Service.binary == binary)
    with nova.db.reading() as session:
        zones = hosts.zones(session)
        return [_placed(nova, service, zones) for service in session.scalars(query)]


def _placed(nova: Nova, service: Service, zones: dict[str, str]) -> PlacedService:
    zone = INTERNAL
    if service.binary == hosts.COMPUTE:
        zone = zones.get(service.host, nova.api.default_zone)
    return PlacedService(service, zone)


def change_named(
    nova: Nova, ctx: Context, host: str, binary: str, **values: Any
) -> None:
    """Set columns of a service by its names. Raises NotFound."""
    with nova.db.writing() as session:
        service = session.scalar(
            select(Service).where(Service.host == host, Service.binary == binary))
        if service is None:
            raise NotFound(f"Service {binary} on host", host)
        _set(session, ctx, service, values)


def change(nova: Nova, ctx: Context, service_id: str, values: dict[str, Any]) -> PlacedService:
    """Set columns of a compute service. Raises NotFound, and Invalid for one that is none."""
    with nova.db.writing() as session:
        service = _find(session, ctx, service_id)
        if service.binary != hosts.COMPUTE:
            raise Invalid(reason=f"Updating a {service.binary} service is not supported. Only "
                                 "nova-compute services can be updated.")
        _set(session, ctx, service, values)
        return _placed(nova, service, hosts.zones(session))


def _set(session: Session, ctx: Context, service: Service, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(service, name, value)
    _record(session, ctx, "update", service)


def _record(session: Session, ctx: Context, verb: str, service: Service) -> None:
    Event.record(session, ctx, f"service.{verb}", "service", service.id, {
        "uuid": service.id, "host": service.host, "binary": service.binary,
        "topic": service.binary.removeprefix("nova-"), "disabled": service.disabled,
        "disabled_reason": service.disabled_reason, "forced_down": service.forced_down},
        project_id="")


def remove(nova: Nova, ctx: Context, service_id: str) -> None:
    """Forget a service; with a compute's go its hypervisor, what placement has of it, and its place
    in aggregates. Raises NotFound, and Conflict while servers or allocations are there."""
    with nova.db.reading() as session:
        service = _find(session, ctx, service_id)
        provider = None
        if service.binary == hosts.COMPUTE:
            _check_empty(session, service.host)
            provider = session.scalar(
                select(Hypervisor.id).where(Hypervisor.host == service.host))
    if provider is not None:
        _remove_provider(nova, ctx, provider, service.host)
    with nova.db.writing() as session:
        if service.binary == hosts.COMPUTE:
            _check_empty(session, service.host)
            session.execute(delete(Hypervisor).where(Hypervisor.host == service.host))
            session.execute(delete(AggregateHost).where(AggregateHost.host == service.host))
        session.execute(delete(Service).where(Service.id == service.id))
        _record(session, ctx, "delete", service)


def _check_empty(session: Session, host: str) -> None:
    busy = session.scalar(
        select(func.count()).where(Server.host == host, Server.deleted.is_(False)))
    if busy:
        raise Conflict(reason=f"Unable to delete compute service that is hosting instances: host "
                              f"{host} still has {busy}. Migrate or delete the instances first.")


def _remove_provider(nova: Nova, ctx: Context, provider: str, host: str) -> None:
    try:
        nova.cloud.placement.delete_provider(ctx, provider)
    except Problem as problem:
        if problem.code == 409:
            raise Conflict(reason=f"Unable to delete compute service of host {host}: its resource "
                                  f"provider {provider} still has allocations.") from None
        raise


def _find(session: Session, ctx: Context, service_id: str) -> Service:
    """Raises Invalid for what is no id in the caller's version, NotFound."""
    if by_uuid(ctx.version):
        where = Service.id == check_uuid(service_id)
    else:
        where = Service.number == number(service_id)
    service = session.scalar(select(Service).where(where))
    if service is None:
        raise NotFound("Service", service_id)
    return service
