"""What nobody rings a bell for: works stranded on dead hosts, ports that Neutron changed, volumes
that a request reserved before it died."""

import logging
import threading
import time

from sqlalchemy import or_, select, update

from cairn.common.context import Context
from cairn.common.db import changed, utcnow
from cairn.common.errors import Problem
from cairn.common.ledger import OPEN, QUEUED, UNDOING
from cairn.nova.component import Nova
from cairn.nova.core import hosts, moves, network, volumes
from cairn.nova.core.flows import delete
from cairn.nova.db.models import Server, Work
from cairn.nova.rpc import CONDUCTOR, runner_of
from cairn.nova.settings import ConductorSettings

log = logging.getLogger(__name__)
ADMIN = Context(roles=frozenset({"admin"}))

PAUSE = 10.0
BATCH = 100
# Seconds after which a request that reserves a volume is no longer waited for. One that lives all
# the same finds that it may not go on, and gives the volume back itself.
RESERVED = 30.0


class Sweeper:
    """A thread of the conductor."""

    def __init__(self, nova: Nova, settings: ConductorSettings) -> None:
        self.nova, self.settings = nova, settings
        self._ended = threading.Event()
        self._healed = 0.0

    def start(self) -> None:
        threading.Thread(target=self._loop, daemon=True, name="nova sweeper").start()

    def stop(self) -> None:
        self._ended.set()

    def _loop(self) -> None:
        while not self._ended.wait(PAUSE):
            try:
                self.strand()
                if time.monotonic() - self._healed > self.settings.heal_interval:
                    self._healed = time.monotonic()
                    self.heal()
                    self.release()
                    self.confirm()
            except Exception as error:
                log.warning("sweeping: %s", error)

    def strand(self) -> int:
        """Deletions and called-off creations wait for no dead host: they end here. How many."""
        taken = 0
        with self.nova.db.writing() as session:
            now = utcnow()
            down = [runner_of(host) for host, service in hosts.computes(session).items()
                    if not hosts.up(service, self.nova.service, now)]
            if not down:
                return 0
            waiting = session.execute(
                select(Work.id, Work.kind, Work.args).where(
                    # What it held is free once its lease lapsed.
                    Work.state.in_(OPEN), Work.runner.in_(down), Work.lease_holder.is_(None),
                    or_(Work.kind == delete.ACTION.kind, Work.cancelled.is_(True),
                        Work.state == UNDOING),
                )
            ).all()
            for row in waiting:
                values = {"runner": CONDUCTOR}
                if row.kind == delete.ACTION.kind:
                    values["args"] = row.args | {"local": True}
                else:
                    values |= {"state": UNDOING, "error": "The server was deleted."}
                done = session.execute(
                    update(Work).where(Work.id == row.id, Work.state.in_((QUEUED, UNDOING)),
                                       Work.lease_holder.is_(None))
                    .values(**values)
                )
                taken += changed(done)
        if taken:
            self.nova.ring(Context(), CONDUCTOR)
        return taken

    def release(self) -> int:
        """Volumes that requests reserved and never handed on are given back. How many."""
        try:
            return volumes.sweep(self.nova, RESERVED)
        except Problem as problem:
            log.warning("reserved volumes were not given back: %s", problem)
            return 0

    def confirm(self) -> int:
        """What was resized or moved long enough ago stays so. How many."""
        window = self.settings.resize_confirm_window
        return moves.confirm_old(self.nova, ADMIN, window) if window else 0

    def heal(self) -> None:
        """Look at the ports of the servers that were looked at longest ago."""
        with self.nova.db.reading() as session:
            rows = session.execute(
                select(Server.id, Server.requested_networks, Server.vifs,
                       Server.vifs_revision)
                .where(Server.deleted.is_(False),
                       or_(Server.host.is_not(None), Server.vm_state == "shelved_offloaded"),
                       Server.task_state.is_(None), Server.vm_state != "building")
                .order_by(Server.vifs_at).limit(BATCH)
            ).all()
        try:
            stale = network.changed(self.nova, Context(), rows)
            network.refresh(self.nova, Context(), stale)
            fresh = [row.id for row in rows if row not in stale]
            with self.nova.db.writing() as session:
                session.execute(
                    update(Server).where(Server.id.in_(fresh))
                    .values(vifs_at=utcnow(), updated_at=Server.updated_at)
                )
        except Problem as problem:
            log.debug("ports were not looked at: %s", problem)
