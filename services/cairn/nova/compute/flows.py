"""What this host does for each kind of work, step by step. The other half is the conductor's.

A step's name is the event that the server's owner sees. Each may be repeated after a death in its
middle; each that may half succeed has an undo that bears any state.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cairn.common.context import Context
from cairn.common.work import Flow, Job, Step, check
from cairn.nova.compute.errors import PortNotPlugged, Unsupported
from cairn.nova.compute.images import ImageCache
from cairn.nova.compute.orders import spec_of, stray_of
from cairn.nova.compute.settings import ComputeSettings
from cairn.nova.compute.snapshots import Snapshots
from cairn.nova.compute.transfers import Transfers
from cairn.nova.drivers.base import Driver
from cairn.nova.rpc import CONDUCTOR, Conductor, Spec

Done = dict[str, Any] | None


class Flows:
    def __init__(
        self, conductor: Conductor, driver: Driver, images: ImageCache, settings: ComputeSettings,
        host: str, transfers: Transfers, sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.conductor, self.driver, self.images = conductor, driver, images
        self.settings, self.host, self.sleep = settings, host, sleep
        self.snapshots = Snapshots(conductor, driver, transfers, Path(settings.folder), sleep)

    def all(self) -> list[Flow]:
        started = Step("domain_started", self.create_domain, self.destroy_domain)
        disks = Step("disks_prepared", self.prepare_disks, self.destroy_domain)
        ports = Step("ports_plugged", self.await_ports)
        image = (Step("image_found", self.find_image), Step("image_cached", self.cache_image))
        return [
            Flow("create", (
                Step("spec_received", self.receive_spec), *image, ports,
                Step("volumes_attached", self.attach_volumes), disks, started,
            ), failed=lambda job, error: CONDUCTOR),
            Flow("rebuild", (
                Step("domain_stopped", self.pull_plug), *image, ports,
                Step("disks_prepared", self.remake_disks),
                Step("domain_started", self.create_domain),
            ), failed=self.broke),
            Flow("delete", (
                Step("domain_destroyed", self.destroy), Step("volumes_detached", self.nothing),
            ), then=lambda job: CONDUCTOR, failed=self.broke),
            Flow("start", (ports, Step("domain_started", self.start)), failed=self.refused),
            Flow("stop", (Step("domain_stopped", self.stop),), failed=self.refused),
            Flow("reboot", (Step("domain_rebooted", self.reboot),), failed=self.refused),
            self.snapshots.flow(),
        ]

    def spec(self, job: Job) -> Spec:
        return spec_of(self.conductor, job.ctx, job.subject)

    def receive_spec(self, job: Job) -> Done:
        spec = self.spec(job)
        for device in spec["block_devices"]:
            if device["destination"] == "volume":
                raise Unsupported(reason="there is no volume service to attach volumes from.")
        if spec["image"] is None:
            raise Unsupported(reason="a server without an image needs a volume to boot from.")
        return {"host": self.host}

    def find_image(self, job: Job) -> Done:
        image = self.spec(job)["image"]
        assert image is not None
        return {"cached": self.images.has(image), "checksum": image["checksum"]}

    def cache_image(self, job: Job) -> Done:
        self.images.fetch(job.ctx, self.spec(job))
        return None

    def await_ports(self, job: Job) -> Done:
        """Every port's tap is made and filtered by the network agent before a guest can speak."""
        deadline = time.monotonic() + self.settings.vif_plugging_timeout
        wait = 0.05
        while True:
            check()
            vifs = self.conductor.refresh_vifs(job.ctx, server_id=job.subject)
            late = next((v for v in vifs if v["status"] != "ACTIVE"), None)
            if late is None:
                return {"ports": [v["id"] for v in vifs]}
            if late["vif_type"] == "binding_failed" or time.monotonic() > deadline:
                raise PortNotPlugged(id=late["id"], host=self.host, status=late["status"],
                                     seconds=self.settings.vif_plugging_timeout)
            self.sleep(wait)
            wait = min(wait * 1.5, 0.3)

    def attach_volumes(self, job: Job) -> Done:
        return {"volumes": []}

    def prepare_disks(self, job: Job) -> Done:
        self._make_disks(job, self.spec(job))
        return None

    def create_domain(self, job: Job) -> Done:
        spec = self.spec(job)
        self.driver.start(spec)
        state = self.driver.power_state(spec)
        self.conductor.server_started(job.ctx, server_id=job.subject, power_state=state)
        return {"power_state": state}

    def destroy_domain(self, job: Job) -> None:
        self.driver.destroy(self.spec(job))

    def destroy(self, job: Job) -> Done:
        self.driver.destroy(self.spec(job))
        return None

    def nothing(self, job: Job) -> Done:
        return None

    def pull_plug(self, job: Job) -> Done:
        self.driver.stop(self.spec(job), timeout=0)
        return None

    def remake_disks(self, job: Job) -> Done:
        spec = self.spec(job)
        self.driver.destroy(spec)
        self._make_disks(job, spec)
        return None

    def _make_disks(self, job: Job, spec: Spec) -> None:
        # The image was there a moment ago, or before this process was away for a day.
        self.images.fetch(job.ctx, spec)
        self.driver.prepare(spec)

    def start(self, job: Job) -> Done:
        spec = self.spec(job)
        self.driver.start(spec)
        return self._changed(job, spec, "active")

    def stop(self, job: Job) -> Done:
        spec = self.spec(job)
        self.driver.stop(spec, timeout=float(job.args.get("timeout", 60)))
        return self._changed(job, spec, "stopped")

    def reboot(self, job: Job) -> Done:
        spec = self.spec(job)
        self.driver.reboot(spec, hard=bool(job.args.get("hard")))
        return self._changed(job, spec, "active")

    def _changed(self, job: Job, spec: Spec, vm_state: str) -> Done:
        state = self.driver.power_state(spec)
        self.conductor.server_changed(job.ctx, server_id=job.subject, task_state=None,
                                      power_state=state, vm_state=vm_state)
        return {"power_state": state}

    def refused(self, job: Job, error: str) -> None:
        self.conductor.task_failed(job.ctx, server_id=job.subject, message=error)

    def broke(self, job: Job, error: str) -> None:
        self.conductor.task_failed(job.ctx, server_id=job.subject, message=error,
                                   vm_state="error")


class Housekeeping:
    """What a host looks after at the start of its process, when nobody asked."""

    def __init__(
        self, conductor: Conductor, driver: Driver, images: ImageCache,
        settings: ComputeSettings, host: str, folder: Path,
    ) -> None:
        self.conductor, self.driver, self.images = conductor, driver, images
        self.settings, self.host, self.folder = settings, host, folder

    def recover(self) -> None:
        """Domains that are nobody's go; servers that ran before the host went down run again."""
        ctx = Context()
        known = {s["id"]: s for s in self.conductor.servers_of(ctx, service_host=self.host)}
        states = self.driver.power_states()
        for server_id in states.keys() - known.keys():
            # Deleted, or moved away, while this process was down.
            self.driver.destroy(stray_of(self.conductor, ctx, server_id))
        if not self._host_restarted():
            return
        for server_id, server in known.items():
            idle = not server["building"] and server["task_state"] is None
            ran = server["vm_state"] == "active" and states.get(server_id) != 1
            if self.settings.resume_guests and idle and ran and server_id in states:
                self.driver.start(spec_of(self.conductor, ctx, server_id))

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
