"""Whole copies of a server's disk, as it is at one moment."""

import contextlib
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as xml

import libvirt

from cairn.nova.drivers.libvirt.disks import HOURS, qemu_img
from cairn.nova.errors import HypervisorFailed

# libvirt makes the file; the job does not outlive the domain's process, whose file is of no use
# then.
MIRROR = libvirt.VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB


def still(disk: Path, path: Path) -> None:
    """Of a guest that is off."""
    path.unlink(missing_ok=True)
    qemu_img("convert", "-f", "qcow2", "-O", "qcow2", str(disk), str(path), limits=False,
             timeout=HOURS)


def live(domain: Any, disk: Path, path: Path) -> None:
    """Of a guest that goes on: QEMU mirrors the disk and lets go when the two are the same.
    Raises libvirtError, HypervisorFailed."""
    target = _target(domain, disk)
    with contextlib.suppress(libvirt.libvirtError):
        domain.blockJobAbort(target, 0)  # Of an earlier try.
    path.unlink(missing_ok=True)
    destination = xml.Element("disk", type="file")
    xml.SubElement(destination, "source", file=str(path))
    xml.SubElement(destination, "driver", type="qcow2")
    domain.blockCopy(target, xml.tostring(destination, encoding="unicode"), None, MIRROR)
    try:
        await_mirror(domain, target)
        # With its file systems frozen, where a guest agent can do that.
        with _frozen(domain):
            domain.blockJobAbort(target, 0)
    except BaseException:
        with contextlib.suppress(libvirt.libvirtError):
            domain.blockJobAbort(target, 0)
        raise


def _target(domain: Any, disk: Path) -> str:
    """What the guest's configuration calls the disk ("vda")."""
    for device in xml.fromstring(domain.XMLDesc(0)).iterfind("devices/disk"):
        source, target = device.find("source"), device.find("target")
        if source is not None and target is not None and source.get("file") == str(disk):
            return str(target.get("dev"))
    raise HypervisorFailed(reason=f"the domain has no disk {disk}")


def await_mirror(domain: Any, target: str) -> None:
    end = time.monotonic() + HOURS
    while time.monotonic() < end:
        for device in xml.fromstring(domain.XMLDesc(0)).iterfind("devices/disk"):
            if device.find(f"target[@dev='{target}']") is None:
                continue
            mirror = device.find("mirror")
            if mirror is None:
                raise HypervisorFailed(reason="the copy of the disk ended early")
            if mirror.get("ready") == "yes":
                return
        time.sleep(0.2)
    raise HypervisorFailed(reason=f"the copy of the disk took more than {HOURS // 3600} hours")


@contextlib.contextmanager
def _frozen(domain: Any) -> Any:
    try:
        domain.fsFreeze()
    except libvirt.libvirtError:
        yield  # No agent: the copy is what a power cut would leave.
        return
    try:
        yield
    finally:
        with contextlib.suppress(libvirt.libvirtError):
            domain.fsThaw()
