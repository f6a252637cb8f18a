"""A server as libvirt's domain XML (https://libvirt.org/formatdomain.html)."""

import re
from pathlib import Path
from xml.etree import ElementTree as xml

from cairn.common.errors import Invalid
from cairn.nova.drivers.libvirt.disks import Disk
from cairn.nova.errors import Unsupported
from cairn.nova.rpc import Spec, Vif
from cairn.nova.settings import LibvirtSettings

# What QEMU has for a guest's interface, in upstream's words.
VIF_MODELS = {"virtio", "e1000", "e1000e", "igb", "lan9118", "ne2k_pci", "pcnet", "rtl8139",
              "spapr-vlan", "vmxnet3"}
_TAP = re.compile(r"tap[0-9a-f-]{11}")
_MAC = re.compile(r"([0-9a-f]{2}:){5}[0-9a-f]{2}")
NOVA = "http://openstack.org/xmlns/libvirt/nova/1.1"
xml.register_namespace("nova", NOVA)


def virt_type(wanted: str) -> str:
    """kvm or qemu. A /dev/kvm that opens is not enough: without vmx or svm, guests hang on it."""
    if wanted != "auto":
        return wanted
    try:
        with open("/dev/kvm", "rb"), open("/proc/cpuinfo") as file:
            flags = next((line for line in file if line.startswith("flags")), "").split()
    except OSError:
        return "qemu"
    return "kvm" if {"vmx", "svm"} & set(flags) else "qemu"


def document(
    spec: Spec, settings: LibvirtSettings, kind: str, place: Path,
    disks: list[Disk],
) -> str:
    """The whole domain. `kind` is kvm or qemu, `place` the server's folder. Raises Unsupported for
    what an image wants and no machine here has."""
    flavor, image = spec["flavor"], spec["image"]
    properties = image["properties"] if image is not None else {}
    machine = str(properties.get("hw_machine_type") or settings.machine)
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", machine):
        raise Unsupported(reason="hw_machine_type: there is no such machine.")
    vcpus = int(flavor["vcpus"])
    root = xml.Element("domain", type=kind)
    add(root, "name", spec["domain"])
    add(root, "uuid", spec["id"])
    _metadata(root, spec)
    add(root, "memory", str(int(flavor["ram"])), unit="MiB")
    add(root, "vcpu", str(vcpus))
    add(add(root, "cputune"), "shares", str(1024 * vcpus))
    _sysinfo(root, spec)
    system = add(root, "os")
    add(system, "type", "hvm", arch="x86_64", machine=machine)
    add(system, "boot", dev="hd")
    add(system, "smbios", mode="sysinfo")
    features = add(root, "features")
    add(features, "acpi")
    add(features, "apic")
    if kind == "qemu":
        add(add(features, "tcg"), "tb-cache", "32", unit="MiB")
    mode = settings.cpu_mode
    if mode == "auto":
        mode = "host-model" if kind == "kvm" else "maximum"
    cpu = add(root, "cpu", mode=mode)
    add(cpu, "topology", sockets=str(vcpus), cores="1", threads="1")
    clock = add(root, "clock", offset="utc")
    add(clock, "timer", name="pit", tickpolicy="delay")
    add(clock, "timer", name="rtc", tickpolicy="catchup")
    add(clock, "timer", name="hpet", present="no")
    for event, action in (("poweroff", "destroy"), ("reboot", "restart"), ("crash", "destroy")):
        add(root, f"on_{event}", action)
    devices = add(root, "devices")
    for disk in disks:
        _disk(devices, disk)
    config = place / "disk.config"
    if config.exists():
        _cdrom(devices, config, "ide" if machine.startswith("pc") else "sata")
    for vif in spec["vifs"]:
        devices.append(interface(vif, properties))
    _console(devices, place / "console.log")
    _others(devices, settings)
    return xml.tostring(root, encoding="unicode")


def add(parent: xml.Element, tag: str, text: str | None = None, **attributes: str) -> xml.Element:
    child = xml.SubElement(
        parent, tag, {name: printable(value) for name, value in attributes.items()})
    child.text = None if text is None else printable(text)
    return child


def printable(text: str) -> str:
    """Without what no XML may hold: a name's control characters."""
    return "".join(c for c in text if c.isprintable())


def interface(vif: Vif, properties: dict[str, str]) -> xml.Element:
    """A tap that the network agent made and owns: libvirt opens it and leaves it. Raises
    Unsupported, Invalid."""
    model = str(properties.get("hw_vif_model") or "virtio")
    if model not in VIF_MODELS:
        raise Unsupported(reason=f"hw_vif_model must be one of {', '.join(sorted(VIF_MODELS))}.")
    if not _TAP.fullmatch(vif["device"]) or not _MAC.fullmatch(vif["mac"]):
        raise Invalid(reason=f"port {vif['id']}: not a tap's name, or not a MAC address.")
    element = xml.Element("interface", type="ethernet")
    add(element, "mac", address=vif["mac"])
    add(element, "target", dev=vif["device"], managed="no")
    add(element, "model", type=model)
    add(element, "mtu", size=str(int(vif["mtu"])))
    return element


def _metadata(root: xml.Element, spec: Spec) -> None:
    instance = add(add(root, "metadata"), f"{{{NOVA}}}instance")
    for name, value in (("name", spec["name"]), ("creationTime", spec["created_at"])):
        add(instance, f"{{{NOVA}}}{name}", value)
    owner = add(instance, f"{{{NOVA}}}owner")
    add(owner, f"{{{NOVA}}}user", uuid=spec["user_id"])
    add(owner, f"{{{NOVA}}}project", uuid=spec["project_id"])


def _sysinfo(root: xml.Element, spec: Spec) -> None:
    table = add(add(root, "sysinfo", type="smbios"), "system")
    for name, value in (
        ("manufacturer", "OpenStack Foundation"), ("product", "OpenStack Nova"),
        ("serial", spec["id"]), ("uuid", spec["id"]), ("family", "Virtual Machine"),
    ):
        add(table, "entry", value, name=name)


def _disk(devices: xml.Element, disk: Disk) -> None:
    element = add(devices, "disk", type="file", device="disk")
    add(element, "driver", name="qemu", type="qcow2", cache="writeback", discard="unmap")
    add(element, "source", file=str(disk.path))
    # What lies below is said here, not read from a file that the guest's QEMU can write; and its
    # owner stays: QEMU's user, once it is that, may write it.
    if disk.base is None:
        add(element, "backingStore")
    else:
        below = add(element, "backingStore", type="file")
        add(below, "format", type=disk.base_format)
        add(add(below, "source", file=str(disk.base)), "seclabel", model="dac", relabel="no")
        add(below, "backingStore")
    add(element, "target", dev=disk.target, bus="virtio")


def _cdrom(devices: xml.Element, path: Path, bus: str) -> None:
    disk = add(devices, "disk", type="file", device="cdrom")
    add(disk, "driver", name="qemu", type="raw")
    add(disk, "source", file=str(path))
    add(disk, "target", dev="hda" if bus == "ide" else "sda", bus=bus)
    add(disk, "readonly")


def _console(devices: xml.Element, log: Path) -> None:
    serial = add(devices, "serial", type="pty")
    # append: what was logged stays when the domain is started again.
    add(serial, "log", file=str(log), append="on")
    add(serial, "target", port="0")
    add(add(devices, "console", type="pty"), "target", type="serial", port="0")


def _others(devices: xml.Element, settings: LibvirtSettings) -> None:
    agent = add(devices, "channel", type="unix")
    add(agent, "target", type="virtio", name="org.qemu.guest_agent.0")
    add(devices, "graphics", type="vnc", port="-1", autoport="yes", listen=settings.vnc_address)
    add(add(devices, "video"), "model", type="vga", vram="16384")
    add(devices, "input", type="tablet", bus="usb")
    add(add(devices, "rng", model="virtio"), "backend", "/dev/urandom", model="random")
    balloon = add(devices, "memballoon", model="virtio")
    add(balloon, "stats", period="10")
