"""A server as libvirt's domain XML (https://libvirt.org/formatdomain.html)."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as xml

from cairn.common.errors import Invalid
from cairn.nova.core import guest_features
from cairn.nova.drivers.base import connected
from cairn.nova.drivers.libvirt import fat, volumes
from cairn.nova.drivers.libvirt.disks import RESCUE_CONFIG, Disk
from cairn.nova.errors import Unsupported
from cairn.nova.rpc import BlockDevice, Flavor, Image, Spec, Vif
from cairn.nova.settings import LibvirtSettings

# What QEMU has for a guest's interface, in upstream's words.
VIF_MODELS = {"virtio", "e1000", "e1000e", "ne2k_pci", "pcnet", "rtl8139", "vmxnet3"}
# Where distributions say which firmware they have, by which rules libvirt picks one.
FIRMWARE = Path("/usr/share/qemu/firmware")
_TAP = re.compile(r"tap[0-9a-f-]{11}")
_MAC = re.compile(r"([0-9a-f]{2}:){5}[0-9a-f]{2}")
NOVA = "http://openstack.org/xmlns/libvirt/nova/1.1"
xml.register_namespace("nova", NOVA)


def virt_type(setting: str) -> str:
    """kvm or qemu. A /dev/kvm that opens is not enough: without vmx or svm, guests hang on it."""
    if setting != "auto":
        return setting
    try:
        with open("/dev/kvm", "rb"), open("/proc/cpuinfo") as file:
            flags = next((line for line in file if line.startswith("flags")), "").split()
    except OSError:
        return "qemu"
    return "kvm" if {"vmx", "svm"} & set(flags) else "qemu"


@dataclass(frozen=True)
class Rescue:
    """What a server is rescued from. Where its image names a device or a bus for that (stable
    device rescue) the server's own disks stay what they are called, and it comes after them; else
    it comes first."""

    disk: Disk
    stable: bool
    device: str = "disk"
    bus: str | None = None

    @staticmethod
    def by(disk: Disk, image: Image) -> "Rescue":
        """As the image says."""
        properties = image["properties"]
        device = str(properties.get("hw_rescue_device") or "disk")
        bus = properties.get("hw_rescue_bus")
        if device == "cdrom" and not bus:
            bus = properties.get("hw_cdrom_bus")
        stable = bool(properties.get("hw_rescue_device") or properties.get("hw_rescue_bus"))
        return Rescue(disk, stable, device, str(bus) if bus else None)


def document(
    spec: Spec, settings: LibvirtSettings, kind: str, place: Path,
    disks: list[Disk], rescue: Rescue | None = None,
) -> str:
    """The whole domain. `kind` is kvm or qemu, `place` the server's folder. Raises Unsupported for
    what an image wants and no machine here has."""
    flavor, properties = spec["flavor"], _properties(spec)
    machine = str(properties.get("hw_machine_type") or settings.machine)
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", machine):
        raise Unsupported(reason="hw_machine_type: there is no such machine.")
    root = xml.Element("domain", type=kind)
    add(root, "name", spec["domain"])
    add(root, "uuid", spec["id"])
    _metadata(root, spec)
    add(root, "memory", str(int(flavor["ram"])), unit="MiB")
    add(root, "vcpu", str(int(flavor["vcpus"])))
    _cputune(root, flavor)
    _sysinfo(root, spec)
    ordered = rescue is not None or any(
        (device["boot_index"] or 0) > 0 or device["boot_index"] == 0 for device in connected(spec))
    _boot(root, spec, machine, ordered)
    _features(root, spec, kind)
    _cpu(root, spec, settings, kind)
    _clock(root, properties)
    for event, action in (("poweroff", "destroy"), ("reboot", "restart"), ("crash", "destroy")):
        add(root, f"on_{event}", action)
    devices = add(root, "devices")
    _disks(devices, spec, disks, machine, _config(place, rescue), ordered, rescue)
    for vif in spec["vifs"]:
        devices.append(interface(vif, properties))
    _console(devices, place / "console.log")
    _others(devices, spec)
    return xml.tostring(root, encoding="unicode")


def _properties(spec: Spec) -> dict[str, str]:
    return spec["image"]["properties"] if spec["image"] is not None else {}


def _value(spec: Spec, name: str) -> str | None:
    return guest_features.value(spec["image"], spec["flavor"], name)


def _cputune(root: xml.Element, flavor: Flavor) -> None:
    specs, tune = flavor["extra_specs"], add(root, "cputune")
    add(tune, "shares", str(int(specs.get("quota:cpu_shares") or 1024 * int(flavor["vcpus"]))))
    for name in ("period", "quota"):
        if amount := specs.get(f"quota:cpu_{name}"):
            add(tune, name, str(int(amount)))


def _boot(root: xml.Element, spec: Spec, machine: str, ordered: bool) -> None:
    """`ordered`: each disk says itself when it is booted from."""
    uefi = _properties(spec).get("hw_firmware_type") == "uefi"
    if uefi and not any(FIRMWARE.glob("*.json")):
        raise Unsupported(reason="hw_firmware_type: it has no firmware for uefi.")
    system = add(root, "os", **({"firmware": "efi"} if uefi else {}))
    add(system, "type", "hvm", arch="x86_64", machine=machine)
    if uefi:
        add(add(system, "firmware"), "feature", enabled="no", name="secure-boot")
    if not ordered:
        add(system, "boot", dev="hd")
    if guest_features.is_true(_value(spec, "boot_menu")):
        add(system, "bootmenu", enable="yes")
    add(system, "smbios", mode="sysinfo")


def _features(root: xml.Element, spec: Spec, kind: str) -> None:
    features = add(root, "features")
    add(features, "acpi")
    add(features, "apic")
    specs = spec["flavor"]["extra_specs"]
    hidden = specs.get("hide_hypervisor_id") or specs.get("hw:hide_hypervisor_id") or (
        _properties(spec).get("img_hide_hypervisor_id"))
    if guest_features.is_true(hidden):
        add(add(features, "kvm"), "hidden", state="on")
    if (pmu := _value(spec, "pmu")) is not None:
        add(features, "pmu", state="on" if guest_features.is_true(pmu) else "off")
    if kind == "qemu":
        add(add(features, "tcg"), "tb-cache", "32", unit="MiB")


def _cpu(root: xml.Element, spec: Spec, settings: LibvirtSettings, kind: str) -> None:
    mode = settings.cpu_mode
    if mode == "auto":
        mode = "host-model" if kind == "kvm" else "maximum"
    sockets, cores, threads = guest_features.topology(spec["image"], spec["flavor"])
    add(add(root, "cpu", mode=mode), "topology", sockets=str(sockets), cores=str(cores),
        threads=str(threads))


def _clock(root: xml.Element, properties: dict[str, str]) -> None:
    clock = add(root, "clock", offset="utc")
    add(clock, "timer", name="pit", tickpolicy="delay")
    add(clock, "timer", name="rtc", tickpolicy="catchup")
    hpet = guest_features.is_true(properties.get("hw_time_hpet"))
    add(clock, "timer", name="hpet", present="yes" if hpet else "no")


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


def _config(place: Path, rescue: Rescue | None) -> Path:
    return place / ("disk.config" if rescue is None else RESCUE_CONFIG)


def _disks(
    devices: xml.Element, spec: Spec, disks: list[Disk], machine: str, config: Path, ordered: bool,
    rescue: Rescue | None,
) -> None:
    """The host's disks in their order, the volumes, then the config drive, each called as its bus
    has it. What a server is rescued from, and nothing else, is booted from."""
    properties = _properties(spec)
    bus = str(properties.get("hw_disk_bus") or "virtio")
    cdrom_bus = str(properties.get("hw_cdrom_bus") or ("ide" if "q35" not in machine else "sata"))
    if bus not in guest_features.PREFIXES or cdrom_bus not in guest_features.PREFIXES:
        raise Unsupported(reason="hw_disk_bus, hw_cdrom_bus: there is no such bus.")
    attached = connected(spec)
    first = rescue if rescue is not None and not rescue.stable else None
    # What the host's root disk is called, and what is before it, nothing else is.
    heads = ([first.disk] if first else []) + [d for d in disks[:1] if d.path.name == "disk"]
    names = {guest_features.PREFIXES[bus] + letter for letter, _ in zip("ab", heads, strict=False)}
    places = targets(attached, bus, names)
    taken = {place["dev"] for place in places}

    def target(bus: str) -> dict[str, str]:
        name = guest_features.free_name(bus, taken)
        if name is None:
            raise Unsupported(reason=f"{bus} has no room for another disk.")
        taken.add(name)
        return {"dev": name, "bus": bus}

    if first is not None:
        _disk(devices, first.disk, target(bus), spec["flavor"], 1)
    for number, disk in enumerate(disks):
        boots = ordered and rescue is None and number == 0 and disk.path.name == "disk"
        _disk(devices, disk, target(bus), spec["flavor"], 1 if boots else None)
    for device, place in zip(attached, places, strict=True):
        index = device["boot_index"]
        order = index + 1 if index is not None and index >= 0 and rescue is None else None
        devices.append(volumes.disk(spec, device, place, order))
    if rescue is not None and rescue.stable:
        default = cdrom_bus if rescue.device == "cdrom" else bus
        _disk(devices, rescue.disk, target(rescue.bus or default), spec["flavor"], 1,
              rescue.device)
    if config.exists():
        # As it was written, whatever the settings say now.
        if fat.is_fat(config):
            _plain(devices, config, target(bus))
        else:
            _cdrom(devices, config, target(cdrom_bus))
    if "scsi" in {bus, cdrom_bus, *(place["bus"] for place in places)}:
        model = str(properties.get("hw_scsi_model") or "virtio-scsi")
        add(devices, "controller", type="scsi", index="0", model=model)


def targets(
    attached: list[BlockDevice], default: str, taken: Collection[str] = ()
) -> list[dict[str, str]]:
    """What libvirt calls each volume: as it was named, where that is a name on its bus, and none of
    those that are taken."""
    names = [str(device["device"] or "").rpartition("/")[2] for device in attached]
    taken = set(taken)
    places = []
    for device, name in zip(attached, names, strict=True):
        bus = device["bus"] or default
        if bus not in guest_features.PREFIXES:
            raise Unsupported(reason="disk_bus: there is no such bus.")
        if not re.fullmatch(guest_features.PREFIXES[bus] + "[a-z]", name) or name in taken:
            name = guest_features.free_name(bus, taken | set(names)) or ""
        taken.add(name)
        places.append({"dev": name, "bus": bus})
    return places


def _disk(
    devices: xml.Element, disk: Disk, target: dict[str, str], flavor: Flavor, order: int | None,
    device: str = "disk",
) -> None:
    element = add(devices, "disk", type="file", device=device)
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
    add(element, "target", **target)
    if order is not None:
        add(element, "boot", order=str(order))
    if device == "cdrom":
        add(element, "readonly")
    limits = {name: flavor["extra_specs"].get(f"quota:disk_{name}") for name in (
        f"{what}_{unit}_sec" for what in ("read", "write", "total") for unit in ("bytes", "iops"))}
    if any(limits.values()):
        tune = add(element, "iotune")
        for name, amount in limits.items():
            if amount:
                add(tune, name, str(int(amount)))


def _cdrom(devices: xml.Element, path: Path, target: dict[str, str]) -> None:
    disk = add(devices, "disk", type="file", device="cdrom")
    add(disk, "driver", name="qemu", type="raw")
    add(disk, "source", file=str(path))
    add(disk, "target", **target)
    add(disk, "readonly")


def _plain(devices: xml.Element, path: Path, target: dict[str, str]) -> None:
    disk = add(devices, "disk", type="file", device="disk")
    add(disk, "driver", name="qemu", type="raw")
    add(disk, "source", file=str(path))
    add(disk, "target", **target)


def _console(devices: xml.Element, log: Path) -> None:
    serial = add(devices, "serial", type="pty")
    # append: what was logged stays when the domain is started again.
    add(serial, "log", file=str(log), append="on")
    add(serial, "target", port="0")
    add(add(devices, "console", type="pty"), "target", type="serial", port="0")


def _others(devices: xml.Element, spec: Spec) -> None:
    properties, specs = _properties(spec), spec["flavor"]["extra_specs"]
    agent = add(devices, "channel", type="unix")
    add(agent, "target", type="virtio", name="org.qemu.guest_agent.0")
    # It listens nowhere: each viewer is handed to it (consoles.py).
    add(add(devices, "graphics", type="vnc"), "listen", type="none")
    _video(devices, properties)
    if properties.get("hw_pointer_model") != "ps2mouse":
        add(devices, "input", type="tablet", bus=str(properties.get("hw_input_bus") or "usb"))
    if guest_features.is_true(specs.get("hw_rng:allowed", "true")):
        rng = add(devices, "rng", model="virtio")
        add(rng, "backend", "/dev/urandom", model="random")
        if amount := specs.get("hw_rng:rate_bytes"):
            rate = xml.Element("rate", bytes=str(int(amount)))
            if period := specs.get("hw_rng:rate_period"):
                rate.set("period", str(int(period)))
            rng.insert(0, rate)
    action = _value(spec, "watchdog_action") or "disabled"
    if action != "disabled":
        add(devices, "watchdog", model="i6300esb", action=action)
    balloon = add(devices, "memballoon", model="virtio")
    add(balloon, "stats", period="10")


def _video(devices: xml.Element, properties: dict[str, str]) -> None:
    model = str(properties.get("hw_video_model") or "vga")
    element = add(add(devices, "video"), "model", type=model)
    if model in ("vga", "qxl", "vmvga", "cirrus", "bochs"):
        element.set("vram", str(int(properties.get("hw_video_ram") or 16) << 10))
