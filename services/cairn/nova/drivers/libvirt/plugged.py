"""Volumes of a guest that is there: found, given, taken away, copied to others."""

import contextlib
import time
from typing import Any
from xml.etree import ElementTree as xml

import libvirt
import libvirt_qemu

from cairn.nova.core.guest_features import free_name
from cairn.nova.drivers.base import connected
from cairn.nova.drivers.libvirt import copies, volumes
from cairn.nova.drivers.libvirt import domain as domains
from cairn.nova.errors import HypervisorFailed
from cairn.nova.rpc import BlockDevice, Spec

# Seconds a guest gets to let go of a disk: one that just boots, or sleeps, does not hear the first
# request.
UNPLUG = 90.0
# Seconds that the other side of a disk may need to be there again with more room.
RECONNECT = 10.0
PIVOT = libvirt.VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT


def find(domain: Any, spec: Spec, device: BlockDevice, shown: int) -> xml.Element | None:
    """The disk, by its serial, which is the volume's id. One that was swapped in has the serial of
    that before it: by what it is opened from."""
    disks = xml.fromstring(domain.XMLDesc(shown)).findall("devices/disk")
    for disk in disks:
        if disk.findtext("serial") == device["volume_id"]:
            return disk
    if device["connection"] is None:
        return None
    source = _source(volumes.disk(spec, device, {}))
    return next((disk for disk in disks if _source(disk) == source), None)


def ids(domain: Any, spec: Spec | None) -> list[str]:
    """Of the volumes that the guest has: those of the spec that are there, and what the serials
    of all other disks say. The host's own disks have none."""
    shown = 0 if domain.isActive() else libvirt.VIR_DOMAIN_XML_INACTIVE
    serials = {disk.findtext("serial") for disk in
               xml.fromstring(domain.XMLDesc(shown)).iterfind("devices/disk")} - {None}
    there = set()
    for device in connected(spec) if spec is not None else []:
        assert spec is not None
        if (disk := find(domain, spec, device, shown)) is not None:
            there.add(str(device["volume_id"]))
            serials.discard(disk.findtext("serial"))
    return sorted(there | {str(serial) for serial in serials})


def _source(disk: xml.Element) -> tuple[str | None, ...]:
    """What tells one source from another."""
    source = disk.find("source")
    if source is None:
        return ()
    hosts = [host.get("socket") or host.get("name") for host in source.findall("host")]
    return (*(source.get(name) for name in ("protocol", "name", "file", "dev")), *hosts)


def new(spec: Spec, device: BlockDevice, domain: Any) -> str:
    """Its XML, with a name that no other disk of the guest has."""
    properties = spec["image"]["properties"] if spec["image"] is not None else {}
    [place] = domains.targets([device], str(properties.get("hw_disk_bus") or "virtio"))
    taken = set()
    for side in (0, libvirt.VIR_DOMAIN_XML_INACTIVE):
        for disk in xml.fromstring(domain.XMLDesc(side)).iterfind("devices/disk"):
            if disk.findtext("serial") != device["volume_id"]:
                taken.add(_name(disk))
    if place["dev"] in taken:
        place["dev"] = free_name(place["bus"], taken) or place["dev"]
    return xml.tostring(volumes.disk(spec, device, place), encoding="unicode")


def take(domain: Any, spec: Spec, device: BlockDevice, flag: int, shown: int) -> None:
    """Ask the guest to let go, and look, again and again. Raises HypervisorFailed."""
    deadline = time.monotonic() + UNPLUG
    while (disk := find(domain, spec, device, shown)) is not None:
        if time.monotonic() > deadline:
            raise HypervisorFailed(
                reason=f"the guest does not let go of volume {device['volume_id']}")
        with contextlib.suppress(libvirt.libvirtError):
            domain.detachDeviceFlags(xml.tostring(disk, encoding="unicode"), flag)
        time.sleep(0.3)


def swap(domain: Any, spec: Spec, old: BlockDevice, new_device: BlockDevice) -> None:
    """QEMU mirrors the one to the other, and goes on with that. Raises HypervisorFailed,
    libvirtError."""
    disk = _existing(domain, spec, old)
    name = _name(disk)
    made = volumes.disk(spec, new_device, {"dev": name, "bus": "virtio"})
    if _source(made) == _source(disk):
        return  # An earlier try came as far as that.
    with contextlib.suppress(libvirt.libvirtError):
        domain.blockJobAbort(name, 0)
    for tag in ("target", "serial", "boot", "iotune", "readonly", "shareable"):
        for child in made.findall(tag):
            made.remove(child)
    domain.blockCopy(name, xml.tostring(made, encoding="unicode"), None,
                     libvirt.VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB
                     | libvirt.VIR_DOMAIN_BLOCK_COPY_REUSE_EXT)
    try:
        copies.await_mirror(domain, name)
        domain.blockJobAbort(name, PIVOT)
    except BaseException:
        with contextlib.suppress(libvirt.libvirtError):
            domain.blockJobAbort(name, 0)
        raise


def unswap(domain: Any, spec: Spec, old: BlockDevice, new_device: BlockDevice) -> bool:
    """End the copy; whether it was over, and the guest has the new one."""
    disk = find(domain, spec, old, 0)
    if disk is None:
        disk = find(domain, spec, new_device, 0)
    if disk is None:
        return False
    with contextlib.suppress(libvirt.libvirtError):
        domain.blockJobAbort(_name(disk), 0)
    if new_device["connection"] is None:
        return False  # It was never connected.
    made = volumes.disk(spec, new_device, {"dev": _name(disk), "bus": "virtio"})
    return _source(made) == _source(disk)


def resize(domain: Any, spec: Spec, device: BlockDevice, size: int) -> None:
    """The guest sees the new size at once. Raises libvirtError, HypervisorFailed."""
    disk = _existing(domain, spec, device)
    end = time.monotonic() + RECONNECT
    while True:
        _connect(domain, disk)
        try:
            domain.blockResize(_name(disk), size, libvirt.VIR_DOMAIN_BLOCK_RESIZE_BYTES)
            return
        except libvirt.libvirtError:
            if _index(disk) is None or time.monotonic() > end:
                raise
        time.sleep(0.3)


def _connect(domain: Any, disk: xml.Element) -> None:
    """An export that grew was taken away for a moment. QEMU comes back to it with the next request,
    and knows its size then; an idle guest makes none."""
    if (index := _index(disk)) is not None:
        libvirt_qemu.qemuMonitorCommand(
            domain, f'qemu-io libvirt-{index}-format "read 0 512"',
            libvirt_qemu.VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP)


def _index(disk: xml.Element) -> int | None:
    """The number of an nbd disk among the guest's sources; None of any other disk."""
    source = disk.find("source")
    if source is None or source.get("protocol") != "nbd":
        return None
    return int(source.get("index", "0"))


def _existing(domain: Any, spec: Spec, device: BlockDevice) -> xml.Element:
    disk = find(domain, spec, device, 0)
    if disk is None:
        raise HypervisorFailed(reason=f"the guest has no volume {device['volume_id']}")
    return disk


def _name(disk: xml.Element) -> str:
    target = disk.find("target")
    assert target is not None
    return str(target.get("dev"))
