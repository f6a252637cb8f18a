"""Cinder's own processes: who of us is where, and whether it works."""

import datetime as dt
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cairn.cinder.db.models import Service
from cairn.cinder.rpc import backend_of
from cairn.cinder.settings import ServiceSettings
from cairn.common.db import changed, utcnow

VOLUME, SCHEDULER, BACKUP = "cinder-volume", "cinder-scheduler", "cinder-backup"


def seen(
    session: Session, binary: str, host: str, zone: str, report: dict[str, Any] | None = None
) -> None:
    """A message of that process just came back to it; what a backend said of itself, if it is
    one."""
    now = utcnow()
    values = {"seen_at": now, "updated_at": now, "zone": zone}
    if report is not None:
        values["report"] = report
    done = session.execute(
        update(Service).where(Service.host == host, Service.binary == binary).values(**values))
    if not changed(done):
        try:
            with session.begin_nested():
                session.add(Service(host=host, binary=binary, **values))
        except IntegrityError:
            pass  # It said hello twice at once.


def up(service: Any, settings: ServiceSettings, now: dt.datetime | None = None) -> bool:
    """Whether a service was heard of in the last `down_after` seconds."""
    if service.seen_at is None:
        return False
    silent = ((now or utcnow()) - service.seen_at).total_seconds()
    return bool(silent <= settings.down_after)


def of_binary(session: Session, binary: str) -> list[Any]:
    """Services of that name, in the order in which they were first heard of."""
    table: Any = Service.__table__.c
    return list(session.execute(
        select(*table).where(table.binary == binary).order_by(table.number)))


def trouble(service: Any, settings: ServiceSettings, now: dt.datetime | None = None) -> str:
    """Why a backend takes no new volume ("is frozen"); empty where it does."""
    if service.disabled:
        reason = f" ({service.disabled_reason})" if service.disabled_reason else ""
        return f"is disabled{reason}"
    if service.frozen:
        return "is frozen"
    if not up(service, settings, now):
        return "was not heard of lately"
    said = (service.report or {}).get("trouble")
    return f"can not be used: {said}" if said else ""


def zone_of(session: Session, host: str) -> str | None:
    """Of host@backend[#pool]."""
    return session.scalar(select(Service.zone).where(
        Service.host == backend_of(host), Service.binary == VOLUME))


def is_up(session: Session, host: str, settings: ServiceSettings, binary: str = VOLUME) -> bool:
    """Whether the process answers that has host@backend[#pool]; False where there is none."""
    service = session.scalar(select(Service).where(
        Service.host == backend_of(host), Service.binary == binary))
    return service is not None and up(service, settings)


def zones(session: Session) -> dict[str, bool]:
    """The availability zones that volumes may be in, and whether one of its backends is
    enabled."""
    names: dict[str, bool] = {}
    for service in of_binary(session, VOLUME):
        names[service.zone] = names.get(service.zone, False) or not service.disabled
    return names
