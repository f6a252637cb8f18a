"""What a host looks after at the start of its process, and from time to time, when nobody asked."""

import logging
from pathlib import Path

from cairn.common.context import Context
from cairn.common.errors import Problem
from cairn.nova.compute.boots import Boots
from cairn.nova.compute.images import ImageCache
from cairn.nova.compute.orders import stray_of
from cairn.nova.drivers.base import RUNNING, Driver
from cairn.nova.rpc import Conductor
from cairn.nova.settings import ComputeSettings

log = logging.getLogger(__name__)


class HostCleanup:
    def __init__(
        self, conductor: Conductor, driver: Driver, images: ImageCache,
        settings: ComputeSettings, host: str, folder: Path,
    ) -> None:
        self.conductor, self.driver, self.images = conductor, driver, images
        self.settings, self.host, self.boots = settings, host, Boots(folder)
        # Servers that are still to be started again; None: all that do not run.
        self._waiting: list[str] | None = None

    def recover(self) -> bool:
        """Domains that are nobody's go; servers that ran before the host went down run again.
        Whether that is all there is to do; else it is to be called again."""
        ctx = Context()
        own = {s["id"] for s in self.conductor.servers_of(ctx, service_host=self.host)}
        states = self.driver.power_states()
        strays = [id_ for id_ in states if id_ not in own and not self._end(ctx, id_)]
        if self.settings.resume_guests and self.boots.again():
            resumed = self._resume(ctx, {id_ for id_ in own if states.get(id_) != RUNNING})
            return resumed and not strays
        self.boots.note()
        return not strays

    def _end(self, ctx: Context, server_id: str) -> bool:
        """Whether the domain of a server that was deleted, or moved away, is gone. One that cannot
        be ended keeps no other from being started."""
        try:
            self.driver.destroy(stray_of(self.conductor, ctx, server_id))
        except Problem as problem:
            log.warning("server %s is not ended here: %s", server_id, problem)
            return False
        return True

    def _resume(self, ctx: Context, stopped: set[str]) -> bool:
        """The boot is noted once the conductor has written it all down."""
        asked = stopped if self._waiting is None else stopped & set(self._waiting)
        self._waiting = self.conductor.host_restarted(
            ctx, service_host=self.host, stopped=sorted(asked))["busy"]
        if self._waiting:
            return False
        self.boots.note()
        return True

    def age_images(self) -> None:
        self.images.age(self.settings.image_cache_seconds, self.settings.image_cache_gb << 30)
