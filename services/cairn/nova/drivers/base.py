"""What nova-compute needs of a hypervisor, and that of nova-compute."""

import socket
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from cairn.nova.rpc import BlockDevice, HostReport, Image, Spec, Vif

# Power states, as the API counts them.
NOSTATE, RUNNING, PAUSED, SHUTDOWN, CRASHED, SUSPENDED = 0, 1, 3, 4, 6, 7
# What diagnostics call them.
SHOWN_STATES = {NOSTATE: "pending", RUNNING: "running", PAUSED: "paused", SHUTDOWN: "shutdown",
                CRASHED: "crashed", SUSPENDED: "suspended"}


def connected(spec: Spec) -> list[BlockDevice]:
    """The server's volumes that its guest has, or is to have when it starts."""
    return [device for device in spec["block_devices"]
            if device["connection"] is not None and device.get("state") != "incoming"]


def volume_backed(spec: Spec) -> bool:
    """Whether the server boots from a volume: its host has no root disk of it."""
    return any(device["destination"] == "volume" and device["boot_index"] == 0
               for device in spec["block_devices"])


class Images(Protocol):
    """The images that this host has."""

    folder: Path

    def kept(self, image: Image) -> AbstractContextManager[Path]:
        """The image's file, which does not go meanwhile. Raises ImageBroken if it has gone."""
        ...


class Driver(Protocol):
    """A hypervisor. Every method may be repeated: what is already so is left so."""

    def report(self) -> HostReport:
        """What the host is and has, now."""
        ...

    def prepare(self, spec: Spec) -> None:
        """Make the server's disks (an overlay on the cached image, or a whole copy of it where the
        spec says so; ephemeral, swap, config drive). Half made ones are made again."""
        ...

    def start(self, spec: Spec) -> None:
        """Define the domain as the spec says and power it on; one that runs is left running."""
        ...

    def stop(self, spec: Spec, *, timeout: float) -> None:
        """Ask the guest to power off, pull the plug after `timeout` seconds (0: at once)."""
        ...

    def reboot(self, spec: Spec, *, timeout: float) -> None:
        """Off as by stop(), defined anew, and on."""
        ...

    def pause(self, spec: Spec) -> None:
        """Let its processors stand still. Raises HypervisorFailed for one that does not run."""
        ...

    def unpause(self, spec: Spec) -> None:
        """Let a paused guest go on. Raises HypervisorFailed for one that does not run."""
        ...

    def suspend(self, spec: Spec) -> None:
        """Write its memory to the host's disk, and power it off. Raises HypervisorFailed for one
        that does not run, NoDiskSpace."""
        ...

    def resume(self, spec: Spec) -> None:
        """Go on from the memory that was written; that is gone then. Where there is none it is
        powered on."""
        ...

    def rescue(self, spec: Spec, image: Image) -> None:
        """Start a server that is off from an image that the host has, its own disks beside. What an
        earlier try left is made again."""
        ...

    def unrescue(self, spec: Spec) -> None:
        """Off, and nothing is left of what it was rescued from."""
        ...

    def set_aside(self, spec: Spec) -> None:
        """Put the disks of a server that is off aside, under a name of their own: it has no domain
        and no disks here then."""
        ...

    def put_back(self, spec: Spec) -> None:
        """What was put aside is the server's again, in place of what it has. Well where nothing
        was."""
        ...

    def forget_aside(self, spec: Spec) -> None:
        """What was put aside is gone."""
        ...

    def receive(self, spec: Spec, address: str | None) -> None:
        """Copy the disks that were put aside on the host at that address (None: on this one), and
        make them as large as the spec's flavor has them. What an earlier try left is made again.
        Raises NoDiskSpace, HypervisorFailed."""
        ...

    def snapshot(self, spec: Spec, path: Path) -> None:
        """Write the root disk as it is now to `path`, a qcow2 file that needs no other; a running
        guest goes on. What an earlier try left there is written over."""
        ...

    def destroy(self, spec: Spec) -> None:
        """Domain, disks, logs and interfaces gone; no error when they are not there."""
        ...

    def plug(self, spec: Spec, vif: Vif) -> None: ...

    def unplug(self, spec: Spec, vif: Vif) -> None: ...

    def attach(self, spec: Spec, device: BlockDevice) -> None:
        """Give the guest a volume, called as the device says; one that is off has it from its next
        start on."""
        ...

    def detach(self, spec: Spec, device: BlockDevice) -> None:
        """Take a volume away, once the guest let go of it. Raises HypervisorFailed if it does
        not."""
        ...

    def swap(self, spec: Spec, old: BlockDevice, new: BlockDevice) -> None:
        """Copy one volume to the other while the guest goes on, which then uses that one."""
        ...

    def unswap(self, spec: Spec, old: BlockDevice, new: BlockDevice) -> bool:
        """End a swap that is not over; whether the guest has the new volume, for it was."""
        ...

    def resize(self, spec: Spec, device: BlockDevice, size: int) -> None:
        """Let a running guest see that a volume has so many bytes now."""
        ...

    def set_password(self, spec: Spec, user: str, password: str) -> None:
        """Let the guest's agent set it. Raises AgentSilent where none answers."""
        ...

    def interrupt(self, spec: Spec) -> None:
        """Send a running or paused guest an interrupt that it cannot mask."""
        ...

    def power_state(self, spec: Spec) -> int:
        """NOSTATE when there is no such domain."""
        ...

    def power_states(self) -> dict[str, int]:
        """Of all domains of ours, by server id."""
        ...

    def volumes_of(self, server_id: str, spec: Spec | None) -> list[str]:
        """Ids of the volumes that the guest has now, or would start with; none where there is no
        domain. One whose disk tells another id is looked for as the spec says."""
        ...

    def console(self, server_id: str, console_type: str) -> socket.socket:
        """What a viewer of that type (novnc: the RFB protocol; serial: the line's bytes) would have
        at the other end of a wire: a stream socket, the caller's to close. A second one of a serial
        console ends the first; screens are shared. Raises ServerNotReady where the guest does not
        run, ConsoleTypeUnavailable where it has none such."""
        ...

    def console_output(self, spec: Spec, length: int | None) -> str: ...

    def diagnostics(self, spec: Spec) -> dict[str, Any]:
        """Counters of a running server: see rpc.Compute."""
        ...
