"""What a host looks after at the start of its process, and from time to time, when nobody asked."""

import logging
from pathlib import Path

from cairn.common.context import Context
from cairn.common.errors import Problem
from cairn.nova.compute.images import ImageCache
from cairn.nova.compute.orders import opened_of, stray_of
from cairn.nova.drivers.base import Driver
from cairn.nova.rpc import Conductor
from cairn.nova.settings import ComputeSettings

log = logging.getLogger(__name__)


class HostCleanup:
    def __init__(
        self, conductor: Conductor, driver: Driver, images: ImageCache,
        settings: ComputeSettings, host: str, folder: Path,
    ) -> None:
        self.conductor, self.driver, self.images = conductor, driver, images
        self.settings, self.host, self.folder = settings, host, folder

    def recover(self) -> None:
        """Domains that are nobody's go; servers that ran before the host went down run again."""
        ctx = Context()
        own = {s["id"]: s for s in self.conductor.servers_of(ctx, service_host=self.host)}
        states = self.driver.power_states()
        for server_id in states.keys() - own.keys():
            # Deleted, or moved away, while this process was down.
            self.driver.destroy(stray_of(self.conductor, ctx, server_id))
        if not self._host_restarted():
            return
        for server_id, server in own.items():
            idle = not server["building"] and server["task_state"] is None
            ran = server["vm_state"] == "active" and states.get(server_id) != 1
            if self.settings.resume_guests and idle and ran and server_id in states:
                self._resume(ctx, server_id)

    def _resume(self, ctx: Context, server_id: str) -> None:
        """One that cannot be started (a volume of it is away) keeps no other from it."""
        try:
            self.driver.start(opened_of(self.conductor, ctx, server_id))
        except Problem as problem:
            log.warning("server %s ran before, and is not started again: %s", server_id, problem)

    def age_images(self) -> None:
        self.images.age(self.settings.image_cache_seconds, self.settings.image_cache_gb << 30)

    def _host_restarted(self) -> bool:
        """Whether the host (or container) booted since this was last asked."""
        with open("/proc/sys/kernel/random/boot_id") as file:
            boot = file.read().strip()
        with open("/proc/1/stat") as file:
            boot += " " + file.read().rpartition(")")[2].split()[19]
        mark = self.folder / ".boot"
        before = mark.read_text() if mark.exists() else boot
        mark.write_text(boot)
        return before != boot
