"""A hypervisor that is libvirt's."""

import contextlib
import logging
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as xml

import libvirt

from cairn.nova.drivers.base import (
    CRASHED,
    NOSTATE,
    PAUSED,
    RUNNING,
    SHUTDOWN,
    SUSPENDED,
    Images,
    connected,
)
from cairn.nova.drivers.files import require_space
from cairn.nova.drivers.libvirt import consoles, copies, diagnostics, fetching, plugged, secrets
from cairn.nova.drivers.libvirt import domain as domains
from cairn.nova.drivers.libvirt.connection import Connection, failure
from cairn.nova.drivers.libvirt.disks import Disks
from cairn.nova.drivers.libvirt.report import report
from cairn.nova.errors import AgentSilent, HypervisorFailed, ServerNotReady
from cairn.nova.rpc import BlockDevice, HostReport, Image, Spec, Vif
from cairn.nova.settings import ComputeProcess

log = logging.getLogger(__name__)
STATES = {
    libvirt.VIR_DOMAIN_RUNNING: RUNNING, libvirt.VIR_DOMAIN_BLOCKED: RUNNING,
    libvirt.VIR_DOMAIN_SHUTDOWN: RUNNING, libvirt.VIR_DOMAIN_PAUSED: PAUSED,
    libvirt.VIR_DOMAIN_SHUTOFF: SHUTDOWN, libvirt.VIR_DOMAIN_CRASHED: CRASHED,
    libvirt.VIR_DOMAIN_PMSUSPENDED: SUSPENDED,
}
PREFIX = "instance-"
# Whatever a domain carries that would keep its definition.
UNDEFINE = (
    libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
    | libvirt.VIR_DOMAIN_UNDEFINE_NVRAM | libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
)
# Where libvirt writes the memory of what is suspended.
SAVED = Path("/var/lib/libvirt/qemu/save")
# What diagnostics ask of.
COUNTED = (
    libvirt.VIR_DOMAIN_STATS_STATE | libvirt.VIR_DOMAIN_STATS_CPU_TOTAL
    | libvirt.VIR_DOMAIN_STATS_VCPU | libvirt.VIR_DOMAIN_STATS_BALLOON
    | libvirt.VIR_DOMAIN_STATS_INTERFACE | libvirt.VIR_DOMAIN_STATS_BLOCK
)
CONSOLE_BYTES = 100 << 10
UNPLUG = 30.0  # Seconds a guest gets to let go of a device.


class LibvirtDriver:
    def __init__(self, settings: ComputeProcess, images: Images, host: str) -> None:
        self.settings, self.host = settings, host
        self.folder = Path(settings.compute.folder)
        self.folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        self.connection = Connection(settings.libvirt.uri)
        self.disks = Disks(self.folder, images, host,
                           settings.compute.config_drive_format)
        self.kind = domains.virt_type(settings.libvirt.virt_type)

    def report(self) -> HostReport:
        with hypervisor():
            return report(self.connection.get(), self.settings.compute, self.folder, self.host,
                          self.kind)

    def prepare(self, spec: Spec) -> None:
        # Its disks are made anew: a domain that an earlier try started must not hold them.
        self._off(spec)
        self.disks.make(spec)

    def start(self, spec: Spec) -> None:
        domain = self.connection.find(spec["id"])
        with hypervisor():
            if domain is not None and domain.isActive():
                return
            with secrets.lent(self.connection.get(), spec, connected(spec)):
                # What was suspended is forgotten: see resume.
                self._define(spec).createWithFlags(libvirt.VIR_DOMAIN_START_FORCE_BOOT)

    def stop(self, spec: Spec, *, timeout: float) -> None:
        domain = self.connection.find(spec["id"])
        if domain is None:
            return
        deadline = time.monotonic() + timeout
        pressed = 0.0
        with hypervisor():
            while domain.isActive():
                if time.monotonic() >= deadline:
                    _destroy(domain)
                    return
                if time.monotonic() - pressed > 10:
                    # Again and again: a guest that just boots does not hear the first one.
                    pressed = time.monotonic()
                    with contextlib.suppress(libvirt.libvirtError):
                        domain.shutdownFlags(libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN)
                time.sleep(0.2)

    def reboot(self, spec: Spec, *, timeout: float) -> None:
        self.stop(spec, timeout=timeout)
        self.start(spec)

    def pause(self, spec: Spec) -> None:
        domain = self._running(spec)
        with hypervisor():
            if STATES.get(domain.info()[0]) != PAUSED:
                domain.suspend()

    def unpause(self, spec: Spec) -> None:
        domain = self._running(spec)
        with hypervisor():
            if STATES.get(domain.info()[0]) == PAUSED:
                domain.resume()

    def suspend(self, spec: Spec) -> None:
        domain = self.connection.find(spec["id"])
        with hypervisor():
            if domain is not None and not domain.isActive() and domain.hasManagedSaveImage():
                return
            domain = self._running(spec)
            require_space(SAVED, int(spec["flavor"]["ram"]) << 20, self.host,
                          f"the memory of server {spec['id']}")
            domain.managedSave()

    def resume(self, spec: Spec) -> None:
        domain = self.connection.find(spec["id"])
        with hypervisor():
            if domain is None or not domain.hasManagedSaveImage():
                self.start(spec)
            elif not domain.isActive():
                with secrets.lent(self.connection.get(), spec, connected(spec)):
                    domain.create()

    def rescue(self, spec: Spec, image: Image) -> None:
        self._off(spec)
        self.disks.make_rescue(spec, image)
        rescue = domains.Rescue.by(self.disks.rescue(spec, image), image)
        with hypervisor(), secrets.lent(self.connection.get(), spec, connected(spec)):
            self._define(spec, rescue).createWithFlags(libvirt.VIR_DOMAIN_START_FORCE_BOOT)

    def unrescue(self, spec: Spec) -> None:
        self._off(spec)
        self.disks.drop_rescue(spec)

    def _running(self, spec: Spec) -> Any:
        """Its domain. Raises HypervisorFailed for one that does not run."""
        domain = self.connection.find(spec["id"])
        with hypervisor():
            if domain is None or not domain.isActive():
                raise HypervisorFailed(reason=f"server {spec['id']} does not run")
        return domain

    def set_aside(self, spec: Spec) -> None:
        self._undefine(spec)
        self.disks.set_aside(spec)

    def put_back(self, spec: Spec) -> None:
        if self.disks.aside(spec).exists():
            self._undefine(spec)
            self.disks.put_back(spec)
        with hypervisor():
            if self.connection.find(spec["id"]) is None:
                self._define(spec)

    def forget_aside(self, spec: Spec) -> None:
        self.disks.forget_aside(spec)

    def receive(self, spec: Spec, address: str | None) -> None:
        self._undefine(spec)
        self.disks.remove(spec)
        place = self.disks.of(spec)
        fetching.fetch(self.disks.aside(spec), address, place, self.host,
                       f"the disks of server {spec['id']}")
        if address is not None and (place / "disk").exists():
            fetching.fetch_base(place / "disk", address, self.disks.images.folder, self.host)
        self.disks.fit(spec)

    def snapshot(self, spec: Spec, path: Path) -> None:
        domain = self._existing(spec)
        disk = self.disks.root(spec)
        require_space(self.folder, self.disks.bytes_of(disk), self.host,
                      f"a snapshot of server {spec['id']}")
        with hypervisor():
            if domain.isActive():
                copies.live(domain, disk, path)
            else:
                copies.still(disk, path)

    def destroy(self, spec: Spec) -> None:
        self._undefine(spec)
        self.disks.remove(spec)

    def plug(self, spec: Spec, vif: Vif) -> None:
        domain = self.connection.find(spec["id"])
        if domain is None:
            return
        with hypervisor():
            for flag, shown in _sides(domain):
                if not _has(domain, vif, shown):
                    domain.attachDeviceFlags(_interface(spec, vif), flag)

    def unplug(self, spec: Spec, vif: Vif) -> None:
        domain = self.connection.find(spec["id"])
        if domain is None:
            return
        deadline = time.monotonic() + UNPLUG
        with hypervisor():
            for flag, shown in _sides(domain):
                # A running guest lets go when it has time: ask, look, ask again.
                while _has(domain, vif, shown):
                    if time.monotonic() > deadline:
                        raise HypervisorFailed(
                            reason=f"the guest does not let go of port {vif['id']}")
                    with contextlib.suppress(libvirt.libvirtError):
                        domain.detachDeviceFlags(_interface(spec, vif), flag)
                    time.sleep(0.3)

    def attach(self, spec: Spec, device: BlockDevice) -> None:
        domain = self.connection.find(spec["id"])
        if domain is None:
            return
        with hypervisor(), secrets.lent(self.connection.get(), spec, [device]):
            for flag, shown in _sides(domain):
                if plugged.find(domain, spec, device, shown) is None:
                    domain.attachDeviceFlags(plugged.new(spec, device, domain), flag)

    def detach(self, spec: Spec, device: BlockDevice) -> None:
        domain = self.connection.find(spec["id"])
        if domain is None:
            return
        with hypervisor():
            # What runs first: a guest that does not let go has it after its next start, too.
            for flag, shown in reversed(_sides(domain)):
                plugged.take(domain, spec, device, flag, shown)

    def swap(self, spec: Spec, old: BlockDevice, new: BlockDevice) -> None:
        domain = self._running(spec)
        with hypervisor(), secrets.lent(self.connection.get(), spec, [new]):
            plugged.swap(domain, spec, old, new)

    def unswap(self, spec: Spec, old: BlockDevice, new: BlockDevice) -> bool:
        domain = self.connection.find(spec["id"])
        if domain is None or not domain.isActive():
            return False
        with hypervisor():
            return plugged.unswap(domain, spec, old, new)

    def resize(self, spec: Spec, device: BlockDevice, size: int) -> None:
        domain = self.connection.find(spec["id"])
        if domain is not None and domain.isActive():
            with hypervisor():
                plugged.resize(domain, spec, device, size)

    def set_password(self, spec: Spec, user: str, password: str) -> None:
        domain = self._existing(spec)
        with hypervisor():
            try:
                domain.setUserPassword(user, password, 0)
            except libvirt.libvirtError as error:
                if error.get_error_code() != libvirt.VIR_ERR_AGENT_UNRESPONSIVE:
                    raise
                raise AgentSilent from None

    def interrupt(self, spec: Spec) -> None:
        domain = self._existing(spec)
        with hypervisor():
            domain.injectNMI()

    def power_state(self, spec: Spec) -> int:
        domain = self.connection.find(spec["id"])
        if domain is None:
            return NOSTATE
        with hypervisor():
            return STATES.get(domain.info()[0], NOSTATE)

    def power_states(self) -> dict[str, int]:
        states = {}
        with hypervisor():
            for domain in self.connection.get().listAllDomains():
                with contextlib.suppress(libvirt.libvirtError):
                    if domain.name().startswith(PREFIX):
                        _go_on(domain)
                        states[domain.UUIDString()] = STATES.get(domain.info()[0], NOSTATE)
        return states

    def volumes_of(self, server_id: str, spec: Spec | None) -> list[str]:
        domain = self.connection.find(server_id)
        if domain is None:
            return []
        with hypervisor():
            return plugged.ids(domain, spec)

    def console(self, server_id: str, console_type: str) -> socket.socket:
        domain = self.connection.find(server_id)
        if domain is None:
            raise ServerNotReady(id=server_id)
        with hypervisor():
            if not domain.isActive():
                raise ServerNotReady(id=server_id)
            if console_type == "novnc":
                return consoles.screen(domain)
            return consoles.serial(self.connection.get(), domain)

    def console_output(self, spec: Spec, length: int | None) -> str:
        path = self.disks.of(spec) / "console.log"
        try:
            with path.open("rb") as file:
                file.seek(0, 2)
                file.seek(max(0, file.tell() - CONSOLE_BYTES))
                text = file.read().decode("utf-8", "replace")
        except FileNotFoundError:
            return ""
        lines = text.splitlines(keepends=True)
        return "".join(lines if length is None else lines[max(0, len(lines) - length):])

    def diagnostics(self, spec: Spec) -> dict[str, Any]:
        domain = self._existing(spec)
        with hypervisor():
            # One question for all groups: the figures are of one moment.
            [(_, counters)] = self.connection.get().domainListGetStats([domain], COUNTED)
            state = STATES.get(counters.get("state.state"), NOSTATE)
            return diagnostics.read(counters, domain.XMLDesc(0), spec, self.kind, state)

    def _existing(self, spec: Spec) -> Any:
        """The server's domain. Raises HypervisorFailed."""
        domain = self.connection.find(spec["id"])
        if domain is None:
            raise HypervisorFailed(reason=f"there is no domain of server {spec['id']}")
        return domain

    def _define(self, spec: Spec, rescue: domains.Rescue | None = None) -> Any:
        text = domains.document(spec, self.settings.libvirt, self.kind, self.disks.of(spec),
                                self.disks.files(spec), rescue)
        return self.connection.get().defineXML(text)

    def _undefine(self, spec: Spec) -> None:
        self._off(spec)
        domain = self.connection.find(spec["id"])
        if domain is not None:
            with hypervisor():
                domain.undefineFlags(UNDEFINE)

    def _off(self, spec: Spec) -> None:
        domain = self.connection.find(spec["id"])
        if domain is not None:
            with hypervisor():
                _destroy(domain)


def _go_on(domain: Any) -> None:
    """A guest that waits for a volume that went away: it asks again, and waits again. Twice, for
    by the first QEMU only begins to look for the server."""
    for _ in range(2):
        if tuple(domain.state()) != (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_IOERROR):
            return
        domain.resume()
        time.sleep(0.3)


def _destroy(domain: Any) -> None:
    """Pull the plug; one that is off already is fine."""
    try:
        domain.destroy()
    except libvirt.libvirtError as error:
        if error.get_error_code() not in (libvirt.VIR_ERR_OPERATION_INVALID,
                                          libvirt.VIR_ERR_NO_DOMAIN):
            raise


def _interface(spec: Spec, vif: Vif) -> str:
    image = spec["image"]
    properties = image["properties"] if image is not None else {}
    return xml.tostring(domains.interface(vif, properties), encoding="unicode")


def _sides(domain: Any) -> list[tuple[int, int]]:
    """What a change is to be made to: (flag that changes it, flag that shows it)."""
    sides = [(libvirt.VIR_DOMAIN_AFFECT_CONFIG, libvirt.VIR_DOMAIN_XML_INACTIVE)]
    if domain.isActive():
        sides.append((libvirt.VIR_DOMAIN_AFFECT_LIVE, 0))
    return sides


def _has(domain: Any, vif: Vif, shown: int) -> bool:
    root = xml.fromstring(domain.XMLDesc(shown))
    macs = {mac.get("address") for mac in root.findall("devices/interface/mac")}
    return vif["mac"] in macs


@contextlib.contextmanager
def hypervisor() -> Iterator[None]:
    """libvirt's errors in words that a fault may carry."""
    try:
        yield
    except libvirt.libvirtError as error:
        raise failure(error) from error
