"""What nova-compute answers at once; everything longer is a work (flows/)."""

from typing import Any

from cairn.common.context import Context
from cairn.common.errors import Problem
from cairn.common.work import Worker
from cairn.nova.compute.consoles import Tickets
from cairn.nova.compute.orders import spec_of
from cairn.nova.compute.precache import Precache
from cairn.nova.drivers.base import PAUSED, RUNNING, SHOWN_STATES, Driver
from cairn.nova.drivers.uptime import uptime
from cairn.nova.errors import ServerBusy, ServerNotReady, Unsupported
from cairn.nova.rpc import Conductor, ConsolePlace, Image, Loan, Spec


class Manager:
    def __init__(
        self, conductor: Conductor, driver: Driver, worker: Worker, tickets: Tickets,
        precache: Precache | None = None,
    ) -> None:
        self.conductor, self.driver, self.worker = conductor, driver, worker
        self.tickets, self.precache = tickets, precache

    def ring(self, ctx: Context) -> None:
        self.worker.ring()

    def console_output(self, ctx: Context, server_id: str, length: int | None) -> str:
        return self.driver.console_output(spec_of(self.conductor, ctx, server_id), length)

    def check_console(self, ctx: Context, server_id: str, console_type: str) -> ConsolePlace:
        spec = spec_of(self.conductor, ctx, server_id)
        place = self.tickets.place(console_type)
        if self.driver.power_state(spec) not in (RUNNING, PAUSED):
            raise ServerNotReady(id=spec["id"])
        return place

    def open_console(self, ctx: Context, server_id: str, console_type: str) -> ConsolePlace:
        place = self.check_console(ctx, server_id, console_type)
        return {**place, "ticket": self.tickets.issue(server_id, console_type)}

    def diagnostics(self, ctx: Context, server_id: str) -> dict[str, Any]:
        """Raises ServerBusy for one that does not run: it counts nothing."""
        spec = spec_of(self.conductor, ctx, server_id)
        state = self.driver.power_state(spec)
        if state != RUNNING:
            raise ServerBusy(action="get_diagnostics", id=spec["id"], attribute="power state",
                             state=SHOWN_STATES[state])
        return self.driver.diagnostics(spec)

    def guest_volumes(self, ctx: Context) -> dict[str, list[str]]:
        return {server_id: self.driver.volumes_of(server_id, self._spec(ctx, server_id))
                for server_id in self.driver.power_states()}

    def cache_images(self, ctx: Context, images: list[Image], loans: list[Loan]) -> None:
        if self.precache is None:
            raise Unsupported(reason="it keeps no images")
        for image, loan in zip(images, loans, strict=True):
            self.precache.add(ctx, image, loan)

    def _spec(self, ctx: Context, server_id: str) -> Spec | None:
        """What the server was told to have; None of one that is not this host's."""
        try:
            return spec_of(self.conductor, ctx, server_id)
        except Problem as problem:
            if problem.code >= 500:
                raise
            return None

    def uptime(self, ctx: Context) -> str:
        return uptime()
