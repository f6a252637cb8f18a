"""nova-conductor: the database, for those who have none."""

import logging
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import exists, func, select, update
from sqlalchemy.orm import Session

from cairn.common.context import Context
from cairn.common.db import utcnow
from cairn.common.errors import Refused
from cairn.common.ledger import OPEN, DatabaseLedger, LedgerManager, add
from cairn.common.work import Worker
from cairn.nova import rpc
from cairn.nova.component import Nova
from cairn.nova.conductor import restarts
from cairn.nova.conductor.providers import Providers
from cairn.nova.core import (
    actions,
    block_devices,
    guest_documents,
    hosts,
    loans,
    network,
    servers,
    specs,
)
from cairn.nova.core.flows import delete
from cairn.nova.db.models import Server, Work
from cairn.nova.drivers.base import CRASHED, NOSTATE, RUNNING, SHUTDOWN
from cairn.nova.errors import ServerNotFound
from cairn.nova.rpc import CONDUCTOR, runner_of

log = logging.getLogger(__name__)
# States in which the hypervisor's word of a guest's power is believed.
SYNCHRONIZED = ("active", "paused", "stopped")


@dataclass
class Manager(LedgerManager):
    """Serves rpc.Conductor."""

    nova: Nova
    ledger: DatabaseLedger
    worker: Worker | None = None
    # Power states that surprised us once: believed when they come again, for the report may
    # be older than what we know.
    odd: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.providers = Providers(self.nova)

    # --- Who asks: controllers anything, a host of itself ---

    def runners_of(self, host: str) -> tuple[str, ...]:
        return (runner_of(host),)

    def to_controllers(self, runner: str) -> bool:
        return runner == CONDUCTOR

    def _check(self, session: Session, ctx: Context, server_id: str) -> None:
        """Raises ServerNotFound when a host asks that the server is not on, and that has no work
        to do on it."""
        if ctx.host is None:
            return
        host = session.scalar(select(Server.host).where(Server.id == server_id))
        if host == ctx.host or session.scalar(select(Work.seq).where(
            Work.subject == server_id, Work.runner == runner_of(ctx.host), Work.state.in_(OPEN)
        ).limit(1)) is not None:
            return
        log.warning("host %s asked for server %.80r, which is not its: refused", ctx.host,
                    server_id)
        raise ServerNotFound(server_id)

    def ring(self, ctx: Context) -> None:
        if self.worker is not None:
            self.worker.ring()

    # --- Hosts ---

    def report_service(self, ctx: Context, binary: str, service_host: str) -> dict[str, Any]:
        if ctx.host is not None and binary != hosts.COMPUTE:
            raise Refused(reason=f"There is no {binary} on a compute host.")
        self.nova.db.write(lambda session: hosts.seen(session, binary, service_host))
        return {"interval": self.nova.service.interval}

    def report_host(
        self, ctx: Context, service_host: str, report: rpc.HostReport
    ) -> dict[str, Any]:
        if ctx.host is not None and report["hypervisor_hostname"] != ctx.host:
            raise Refused(reason="A host has no hypervisor but its own.")
        return {"id": self.providers.report(ctx, service_host, report)}

    def servers_of(self, ctx: Context, service_host: str) -> list[dict[str, Any]]:
        with self.nova.db.reading() as session:
            return [
                {"id": row.id, "domain": servers.domain_name(row.number),
                 "vm_state": row.vm_state, "task_state": row.task_state,
                 "power_state": row.power_state, "building": bool(row.building)}
                for row in servers.of_host(session, service_host)
            ]

    def host_restarted(
        self, ctx: Context, service_host: str, stopped: list[str]
    ) -> dict[str, Any]:
        return {"busy": restarts.resume(self.nova, ctx, service_host, stopped)}

    def sync_power(self, ctx: Context, service_host: str, states: dict[str, int]) -> None:
        with self.nova.db.reading() as session:
            rows = session.execute(
                select(Server.id, Server.vm_state, Server.power_state)
                .where(Server.host == service_host, Server.deleted.is_(False),
                       Server.task_state.is_(None),
                       Server.vm_state.in_(SYNCHRONIZED))
            ).all()
        self._end_orphans(ctx, service_host, set(states) - {row.id for row in rows})
        for row in rows:
            state = states.get(row.id, NOSTATE)
            if state == row.power_state:
                self.odd.pop(row.id, None)
            elif self.odd.get(row.id) != state:
                self.odd[row.id] = state
            else:
                self._believe(row.id, state)

    def _end_orphans(self, ctx: Context, host: str, unknown: set[str]) -> None:
        """Servers that were deleted while their host was thought dead: it shall end them, too."""
        if not unknown:
            return
        with self.nova.db.writing() as session:
            open_ = exists().where(Work.subject == Server.id, Work.state.in_(OPEN))
            orphans = session.scalars(
                select(Server.id).where(Server.id.in_(unknown), Server.deleted.is_(True), ~open_,
                                        Server.host == host)
            ).all()
            for server_id in orphans:
                add(session, ctx, Work, kind=delete.ACTION.kind, subject=server_id,
                    runner=runner_of(host), args={"orphan": True})
        if orphans:
            self.nova.ring(ctx, runner_of(host))

    def _believe(self, server_id: str, state: int) -> None:
        self.odd.pop(server_id, None)
        values: dict[str, Any] = {"power_state": state}
        ended = state in (SHUTDOWN, CRASHED, NOSTATE)
        if ended:
            values["vm_state"] = "stopped"
        elif state == RUNNING:
            values["vm_state"] = "active"
        with self.nova.db.writing() as session:
            session.execute(
                update(Server).where(Server.id == server_id, Server.task_state.is_(None),
                                     Server.vm_state.in_(SYNCHRONIZED))
                .values(**values)
            )
            if ended:
                servers.void_consoles(session, server_id)

    # --- Servers ---

    def spec(self, ctx: Context, server_id: str) -> rpc.Spec:
        row = self._row(ctx, server_id)
        drive = row.config_drive and guest_documents.is_being_made(row)
        with self.nova.db.reading() as session:
            devices = block_devices.of(session, row.id)
            roles = actions.maker_roles(session, row.id) if drive else []
        dynamic = self.nova.cloud.vendordata.ask(row, roles) if drive else {}
        # What opens its volumes is for its own host, not for one that lost it.
        own = ctx.host is None or ctx.host == row.host
        return specs.spec(row, self.nova.api, devices, secret=own, dynamic=dynamic)

    def passphrases(self, ctx: Context, server_id: str) -> dict[str, str]:
        row = self._row(ctx, server_id)
        if ctx.host != row.host or row.deleted:
            raise ServerNotFound(server_id)
        with self.nova.db.reading() as session:
            volumes = [device.volume_id for device in block_devices.volumes_of(session, row.id)
                       if device.encryption is not None and device.connection_info is not None]
        return {volume: self.nova.cloud.volumes.passphrase(ctx, volume) for volume in volumes}

    def stray(self, ctx: Context, server_id: str) -> rpc.Spec:
        with self.nova.db.reading() as session:
            row = servers.find_any(session, server_id)
        if row is None:
            raise ServerNotFound(server_id)
        return specs.stray(row)

    def lend_image(self, ctx: Context, server_id: str, purpose: str) -> rpc.Loan:
        return loans.lend(self.nova, self._row(ctx, server_id), purpose)

    def refresh_vifs(self, ctx: Context, server_id: str) -> list[rpc.Vif]:
        return network.statuses(self.nova, ctx, self._row(ctx, server_id))

    def server_started(self, ctx: Context, server_id: str, power_state: int) -> None:
        now = utcnow()
        with self.nova.db.writing() as session:
            self._check(session, ctx, server_id)
            servers.change(
                session, server_id, task_state=None, vm_state="active", power_state=power_state,
                launched_at=func.coalesce(Server.launched_at, now), admin_pass=None, fault=None,
            )
            hosts.built(session, server_id)

    def server_changed(
        self, ctx: Context, server_id: str, task_state: str | None, power_state: int,
        vm_state: str | None = None,
    ) -> None:
        values: dict[str, Any] = {"power_state": power_state}
        if vm_state is not None:
            values["vm_state"] = vm_state
        if task_state is None and vm_state is not None:
            values |= {"fault": None, "admin_pass": None}
        with self.nova.db.writing() as session:
            self._check(session, ctx, server_id)
            servers.change(session, server_id, task_state=task_state, **values)

    def volume_swapped(
        self, ctx: Context, server_id: str, device_id: str, new_device_id: str
    ) -> None:
        with self.nova.db.writing() as session:
            self._check(session, ctx, server_id)
            devices = {device.id: device.state for device in block_devices.of(session, server_id)}
            if (devices.get(device_id), devices.get(new_device_id)) == (
                    block_devices.SWAPPING, block_devices.INCOMING):
                block_devices.replace(session, device_id, new_device_id)

    def task_failed(
        self, ctx: Context, server_id: str, message: str, vm_state: str | None = None
    ) -> None:
        with self.nova.db.writing() as session:
            self._check(session, ctx, server_id)
            servers.record_failure(session, server_id, message, breaks=vm_state == "error")

    def _row(self, ctx: Context, server_id: str) -> Any:
        with self.nova.db.reading() as session:
            self._check(session, ctx, server_id)
            row = servers.find_any(session, server_id)
        if row is None:
            raise ServerNotFound(server_id)
        return row
