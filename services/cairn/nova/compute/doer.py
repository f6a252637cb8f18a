"""What a host's steps of every action have in common.

Each step may be repeated after a death in its middle; each that may half succeed has an undo that
bears any state.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cairn.common import flows
from cairn.common.flows import Action
from cairn.common.patience import patiently
from cairn.common.transfers import Transfers
from cairn.common.work import Job, check
from cairn.nova.compute.images import ImageCache
from cairn.nova.compute.orders import opened_of, spec_of
from cairn.nova.core import guest_features
from cairn.nova.drivers.base import Driver
from cairn.nova.errors import PortNotPlugged
from cairn.nova.rpc import CONDUCTOR, BlockDevice, Conductor, Spec, Vif
from cairn.nova.settings import ComputeSettings

Done = dict[str, Any] | None

HYPERVISOR = 60.0  # Seconds that one which ended may take to be there again.


@dataclass(frozen=True)
class Hands:
    """What they are done with."""

    conductor: Conductor
    driver: Driver
    images: ImageCache
    settings: ComputeSettings
    host: str
    transfers: Transfers
    sleep: Callable[[float], None] = time.sleep


class Doer(flows.Doer):
    """What fails here ends at the conductor."""

    def __init__(self, action: Action, hands: Hands) -> None:
        super().__init__(action)
        self.conductor, self.driver, self.images = hands.conductor, hands.driver, hands.images
        self.settings, self.host, self.sleep = hands.settings, hands.host, hands.sleep
        self.transfers = hands.transfers

    def runner(self, room: str, job: Job) -> str:
        return CONDUCTOR

    def failed(self, job: Job, error: str) -> str:
        return CONDUCTOR

    def spec(self, job: Job) -> Spec:
        return spec_of(self.conductor, job.ctx, job.subject)

    def opened(self, job: Job) -> Spec:
        """The same with what opens its encrypted volumes: to start it, or to attach one."""
        return opened_of(self.conductor, job.ctx, job.subject)

    def patience(self, spec: Spec) -> float:
        """Seconds that its guest gets to power off by itself."""
        return guest_features.shutdown_timeout(spec["image"], self.settings.shutdown_timeout)

    def unplugged(self, take: Callable[[], None], what: str) -> Done:
        """The guest let go of it. It was asked before a hypervisor ended, and lets go all the
        same: so that one is waited for."""
        patiently(take, HYPERVISOR, what, brief=0)
        return None

    def await_ports(self, job: Job) -> Done:
        """Every port's tap is made and filtered by the network agent before a guest can speak."""
        return {"ports": [vif["id"] for vif in self.await_plug(job)]}

    def await_plug(
        self, job: Job, port_id: str | None = None, seconds: float | None = None
    ) -> list[Vif]:
        """The server's ports, once all of them are plugged, or the one. Raises PortNotPlugged after
        so many seconds, if not of the settings."""
        seconds = self.settings.vif_plugging_timeout if seconds is None else seconds
        deadline = time.monotonic() + seconds
        wait = 0.05
        while True:
            check()
            vifs = patiently(
                lambda: self.conductor.refresh_vifs(job.ctx, server_id=job.subject),
                deadline - time.monotonic(), "looking at ports")
            asked = [v for v in vifs if port_id in (None, v["id"])]
            late = next((v for v in asked if v["status"] != "ACTIVE"), None)
            if late is None:
                return asked
            if late["vif_type"] == "binding_failed" or time.monotonic() > deadline:
                raise PortNotPlugged(id=late["id"], host=self.host, status=late["status"],
                                     seconds=seconds)
            self.sleep(wait)
            wait = min(wait * 1.5, 0.3)

    def returns(self, job: Job) -> bool:
        """Whether the server comes back on a host that went down, or was begun before it did: what
        it needs may not be there yet."""
        return bool(job.args.get("restarted")) or job.attempts > 1

    def say(self, job: Job, spec: Spec, vm_state: str) -> Done:
        """The action is over and the server is that now."""
        state = self.driver.power_state(spec)
        self.conductor.server_changed(job.ctx, server_id=job.subject, task_state=None,
                                      power_state=state, vm_state=vm_state)
        return {"power_state": state}


def vif_of(spec: Spec, port_id: str) -> Vif | None:
    """That port of the server; None when it has it no more."""
    return next((vif for vif in spec["vifs"] if vif["id"] == port_id), None)


def device_of(spec: Spec, device_id: str) -> BlockDevice | None:
    """That block device of the server; None when it has it no more."""
    return next((d for d in spec["block_devices"] if d.get("id") == device_id), None)
