"""Servers on the shelf: put there, taken from their hosts, brought back."""

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from cairn.common.api import Document
from cairn.common.context import Context, new_request_id
from cairn.common.db import utcnow
from cairn.common.errors import Invalid
from cairn.nova.component import Nova
from cairn.nova.core import block_devices, hosts, servers, snapshots, states, volumes, works
from cairn.nova.core.flows import shelve as shelving
from cairn.nova.core.flows import shelve_offload, unshelve
from cairn.nova.db.models import Server
from cairn.nova.errors import (
    HostDown,
    HostNotInZone,
    ServerBusy,
    ServerNotFound,
    UnshelveToWhere,
)
from cairn.nova.settings import ServiceSettings

# Works that one look of `offload_due` begins.
BATCH = 100


@dataclass(frozen=True)
class Destination:
    """Where an unshelved server shall come to."""

    # Whether `zone` was said: None then is any.
    pins: bool = False
    zone: str | None = None
    host: str | None = None


def shelve(nova: Nova, ctx: Context, server_id: str) -> None:
    """Begin to shelve the caller's server. Raises as snapshots.check and snapshots.begin."""
    action = shelving.ACTION
    row = snapshots.check(nova, ctx, server_id, action, {})
    if row.image_id is None:
        # Nothing of it is on the host but what runs.
        works.ask(nova, ctx, server_id, action, args={"offload": True})
        return
    args: Document = {"offload": nova.api.shelved_offload_time == 0}
    snapshots.begin(nova, ctx, row, action, f"{row.name}-shelved"[:255], {},
                    args=lambda session: args)


def record(
    session: Session, server: Row[Any], image_id: str | None, power_state: int
) -> None:
    """It is off, and its disk, if it had one, in that image."""
    servers.change(session, server.id, task_state=None, vm_state="shelved",
                   power_state=power_state, shelved_at=utcnow(),
                   shelved_image={"id": image_id} if image_id else None)


def offload(nova: Nova, ctx: Context, server_id: str) -> None:
    """Begin to take the caller's shelved server from its host. Raises as works.ask."""
    works.ask(nova, ctx, server_id, shelve_offload.ACTION)


def begin_offload(
    session: Session, ctx: Context, server: Row[Any], service: ServiceSettings
) -> str | None:
    """The same of anybody's; whom to ring. None while its host is down: then it is looked at again
    later. Raises ServerBusy, ServerNotFound."""
    if not hosts.is_up(session, server.host, service):
        return None
    works.claim(session, server, shelve_offload.ACTION)
    return str(works.add(session, ctx, server, shelve_offload.ACTION, service).runner)


def offload_due(nova: Nova) -> int:
    """Servers that were shelved for long enough leave their hosts. How many."""
    seconds, begun = nova.api.shelved_offload_time, 0
    if seconds < 0:
        return 0
    with nova.db.reading() as session:
        due = session.execute(select(*servers.COLUMNS).where(
            Server.vm_state == "shelved", Server.task_state.is_(None),
            Server.deleted.is_(False), Server.host.is_not(None),
            Server.shelved_at <= utcnow() - dt.timedelta(seconds=seconds),
        ).order_by(Server.shelved_at).limit(BATCH)).all()
    for row in due:
        begun += _offload_due(nova, row)
    return begun


def _offload_due(nova: Nova, row: Row[Any]) -> bool:
    ctx = replace(Context(), project_id=row.project_id, request_id=new_request_id())
    try:
        runner = nova.db.write(lambda session: begin_offload(session, ctx, row, nova.service))
    except (ServerBusy, ServerNotFound, HostDown):
        return False  # Somebody was faster.
    if runner is not None:
        nova.ring(ctx, runner)
    return runner is not None


# --- Back ----------------------------------------------------------------------------------


def bring_back(nova: Nova, ctx: Context, server_id: str, destination: Destination) -> None:
    """Begin to unshelve the caller's server. Raises ServerNotFound, ServerLocked, ServerBusy,
    HostDown; Forbidden, Invalid, UnshelveToWhere, HostNotInZone for where it shall come to."""
    if destination.host is not None:
        nova.policy.enforce(ctx, "os_compute_api:os-shelve:unshelve_to_host")
    with nova.db.reading() as session:
        row = servers.find(session, ctx, server_id)
    servers.check_unlocked(ctx, row)
    offloaded = row.vm_state == "shelved_offloaded"
    entry = unshelve.OFFLOADED if offloaded else unshelve.ON_HOST
    works.check_may(row, unshelve.ACTION, entry)
    if destination.pins or destination.host is not None:
        if not offloaded:
            raise UnshelveToWhere(id=row.id, status=states.status(row.vm_state, row.task_state))
        _check_destination(nova, ctx, row, destination)
    args: Document = {"offloaded": offloaded}
    if offloaded:
        args |= {"host": destination.host, "node": None, "security_groups": [], "attempt": 1,
                 "excluded": []}

    def write(session: Session) -> str:
        works.claim(session, row, unshelve.ACTION, entry)
        if destination.pins:
            servers.change(session, row.id, task_state=entry.task, asked_zone=destination.zone)
        return str(works.add(session, ctx, row, unshelve.ACTION, nova.service, args).runner)

    nova.ring(ctx, nova.db.write(write))


def _check_destination(
    nova: Nova, ctx: Context, row: Row[Any], destination: Destination
) -> None:
    zone = destination.zone if destination.pins else row.asked_zone
    default = nova.api.default_zone
    with nova.db.reading() as session:
        if destination.pins and zone is not None and zone not in hosts.zone_names(
                session, default):
            raise Invalid(reason="The requested availability zone is not available")
        if destination.host is not None:
            if destination.host not in hosts.computes(session):
                raise Invalid(reason=f"Compute host {destination.host} could not be found.")
            if zone is not None and hosts.zone_of(session, destination.host, default) != zone:
                raise HostNotInZone(host=destination.host, zone=zone)
        attached = block_devices.volumes_of(session, row.id)
    if destination.pins and zone is not None and not nova.api.cross_az_attach:
        for device in attached:
            volumes.check_zone(nova, volumes.show(nova, ctx, device.volume_id), zone)
