"""Cinder's processes, as operators see and change them."""

from collections.abc import Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from cairn.cinder.component import Cinder
from cairn.cinder.core import services
from cairn.cinder.db.models import Event, Service
from cairn.cinder.errors import InvalidInput, ServiceNotFound
from cairn.common.context import Context


def index(
    cinder: Cinder, *, host: str | None = None, binary: str | None = None, zone: str | None = None
) -> Sequence[Service]:
    """All of them; of a host (also one that has several backends), of a name, of a zone."""
    query = select(Service).order_by(Service.number)
    if host:
        query = query.where(or_(Service.host == host,
                                Service.host.startswith(f"{host}@", autoescape=True)))
    if binary:
        query = query.where(Service.binary == binary)
    if zone:
        query = query.where(Service.zone == zone)
    with cinder.db.reading() as session:
        return session.scalars(query).all()


def set_disabled(
    cinder: Cinder, ctx: Context, host: str, binary: str, disabled: bool,
    reason: str | None = None,
) -> None:
    """Let it have no new volumes, or have them again. Raises ServiceNotFound."""

    def change(session: Session) -> None:
        row = session.scalar(select(Service).where(
            Service.host == host, Service.binary == binary).with_for_update())
        if row is None:
            raise ServiceNotFound(binary, host)
        row.disabled, row.disabled_reason = disabled, reason
        _record(session, ctx, row)

    cinder.db.write(change)


def set_frozen(cinder: Cinder, ctx: Context, host: str, frozen: bool) -> None:
    """Let a backend, host@backend, take no new volume, or take them again. Raises InvalidInput."""

    def change(session: Session) -> None:
        row = _backend(session, host)
        if row.frozen == frozen:
            raise InvalidInput(reason=f"Backend {host} is {'' if frozen else 'not '}frozen.")
        row.frozen = frozen
        _record(session, ctx, row)

    cinder.db.write(change)


def refuse_failover(cinder: Cinder, host: str) -> None:
    """No backend of ours is replicated. Raises InvalidInput, always."""
    with cinder.db.reading() as session:
        _backend(session, host)
    raise InvalidInput(reason=f"Backend {host} does not replicate: there is nothing to fail over "
                              "to. Its replication_status is disabled.")


def _backend(session: Session, host: str) -> Service:
    row = session.scalar(select(Service).where(
        Service.host == host, Service.binary == services.VOLUME).with_for_update())
    if row is None:
        raise InvalidInput(reason=f"No service found with host={host}: name a backend as "
                                  "host@backend.")
    return row


def _record(session: Session, ctx: Context, row: Service) -> None:
    Event.record(session, ctx, "service.update", "service", str(row.number), {
        "id": row.number, "host": row.host, "binary": row.binary, "disabled": row.disabled,
        "disabled_reason": row.disabled_reason, "frozen": row.frozen}, project_id="")
