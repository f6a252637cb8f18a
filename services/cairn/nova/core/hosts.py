"""Services and hypervisors: who of us is where, and whether it works."""

import datetime as dt
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cairn.common.db import changed, new_id, utcnow
from cairn.nova.db.models import Aggregate, AggregateHost, Hypervisor, Server, Service
from cairn.nova.settings import ServiceSettings

COMPUTE = "nova-compute"


def seen(session: Session, binary: str, host: str) -> None:
    """A message of that process just came back to it."""
    now = utcnow()
    done = session.execute(
        update(Service).where(Service.host == host, Service.binary == binary)
        .values(seen_at=now, updated_at=now)
    )
    if not changed(done):
        try:
            with session.begin_nested():
                session.add(Service(host=host, binary=binary, seen_at=now))
        except IntegrityError:
            pass  # It said hello twice at once.


def up(service: Any, settings: ServiceSettings, now: dt.datetime | None = None) -> bool:
    """Whether a service is not forced down and was heard of in the last `down_after` seconds."""
    if service.forced_down or service.seen_at is None:
        return False
    silent = ((now or utcnow()) - service.seen_at).total_seconds()
    return bool(silent <= settings.down_after)


def is_up(session: Session, host: str, settings: ServiceSettings) -> bool:
    """The same of a host's nova-compute; False where there is none."""
    service = session.scalar(
        select(Service).where(Service.host == host, Service.binary == COMPUTE)
    )
    return service is not None and up(service, settings)


_SERVICES: Any = Service.__table__.c
_COMPUTES = select(*_SERVICES).where(_SERVICES.binary == COMPUTE)


def computes(session: Session) -> dict[str, Any]:
    """Rows of nova-compute services by host."""
    return {service.host: service for service in session.execute(_COMPUTES)}


def report(session: Session, host: str, document: dict[str, Any]) -> str:
    """Keep what a hypervisor says of itself; its id."""
    hypervisor = session.scalar(select(Hypervisor).where(Hypervisor.host == host).with_for_update())
    if hypervisor is None:
        hypervisor = Hypervisor(id=new_id(), host=host, node=document["hypervisor_hostname"],
                           report=document)
        try:
            with session.begin_nested():
                session.add(hypervisor)
        except IntegrityError:  # It said hello twice at once.
            return report(session, host, document)
    hypervisor.node, hypervisor.report = document["hypervisor_hostname"], document
    return hypervisor.id


def build_failed(session: Session, host: str) -> None:
    """A server could not be built there: the scheduler prefers others, until one can."""
    session.execute(update(Hypervisor).where(Hypervisor.host == host)
                    .values(failed_builds=Hypervisor.failed_builds + 1))


def built(session: Session, server_id: str) -> None:
    """A server runs that its host built."""
    host = select(Server.host).where(Server.id == server_id).scalar_subquery()
    session.execute(update(Hypervisor).where(Hypervisor.host == host, Hypervisor.failed_builds > 0)
                    .values(failed_builds=0), execution_options={"synchronize_session": False})


def hypervisors(session: Session) -> list[Hypervisor]:
    """All of them, in the order in which they were first heard of."""
    return list(session.scalars(select(Hypervisor).order_by(Hypervisor.number)).all())


def has_node(session: Session, host: str | None, node: str | None) -> bool:
    """Whether there is a hypervisor on that host and of that name; None is any."""
    return any(host in (None, each.host) and node in (None, each.node)
               for each in hypervisors(session))


def zones(session: Session) -> dict[str, str]:
    """Availability zones by host, of the hosts that are in one."""
    return {row.host: row.zone for row in session.execute(
        select(AggregateHost.host, Aggregate.zone)
        .join(Aggregate, Aggregate.number == AggregateHost.aggregate)
        .where(Aggregate.zone.is_not(None))
    )}


def zone_of(session: Session, host: str, default: str) -> str:
    """The availability zone that one of the host's aggregates makes, else the default one."""
    zone = session.scalar(
        select(Aggregate.zone).join(AggregateHost, Aggregate.number == AggregateHost.aggregate)
        .where(AggregateHost.host == host, Aggregate.zone.is_not(None)).limit(1)
    )
    return zone or default


def zone_names(session: Session, default: str) -> set[str]:
    """The zones a server may be asked into: those that have a compute host."""
    by_host = zones(session)
    return {by_host.get(host, default) for host in computes(session)}
