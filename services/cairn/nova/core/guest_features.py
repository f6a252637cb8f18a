"""What images and flavors may ask of a guest's hardware: by which names, which values there are,
and which of them this cloud does. What it does not do is refused at boot, never dropped in silence.

A table, for all three who read it: the API where extra specs are set (since 2.86), the request
for a server, and the drivers.
"""

import re
import string
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cairn.common.errors import Invalid
from cairn.nova import rpc

YES = "(?i:1|t|true|on|y|yes)"
NO = "(?i:0|f|false|off|n|no)"
BOOL = f"{YES}|{NO}"
NUMBER = "[0-9]{1,9}"
COUNT = "[1-9][0-9]{0,4}"
TEXT = ".{0,255}"
SHUTDOWN = "[0-9]{1,2}|[1-8][0-9]{2}|900"
NOTHING = "(?!)"  # Of a feature that is not done, whatever its value.
BUSES = "fdc|ide|lxc|nvme|sata|scsi|uml|usb|virtio|xen"


@dataclass(frozen=True)
class Feature:
    """`image` and `spec` are regular expressions of its names as an image's property and as a
    flavor's extra spec; `accepted` of the values that there are, `done` of those that are done."""

    image: str
    spec: str
    accepted: str
    done: str


def _both(name: str, accepted: str, done: str | None = None) -> Feature:
    """hw_NAME of images, hw:NAME of flavors."""
    return Feature(f"hw_{name}", f"hw:{name}", accepted, accepted if done is None else done)


def _image(name: str, accepted: str, done: str | None = None) -> Feature:
    return Feature(name, NOTHING, accepted, accepted if done is None else done)


def _spec(name: str, accepted: str, done: str | None = None) -> Feature:
    return Feature(NOTHING, name, accepted, accepted if done is None else done)


FEATURES = (
    # Devices.
    _image("hw_disk_bus", BUSES, "ide|sata|scsi|usb|virtio"),
    _image("hw_cdrom_bus", BUSES, "ide|sata|scsi|usb"),
    _image("hw_rescue_bus", BUSES, "ide|sata|scsi|usb|virtio"),
    _image("hw_rescue_device", "cdrom|disk|floppy", "cdrom|disk"),
    _image("hw_scsi_model", "buslogic|ibmvscsi|lsilogic|lsisas1068|lsisas1078|virtio-scsi|vmpvscsi",
           "lsilogic|lsisas1068|lsisas1078|virtio-scsi"),
    _image("hw_vif_model", "e1000|e1000e|igb|lan9118|ne2k_pci|netfront|pcnet|rtl8139|spapr-vlan|"
           "sriov|virtio|vmxnet3|VirtualE1000|VirtualE1000e|VirtualPCNet32|VirtualSriovEthernetCard|"
           "VirtualVmxnet|VirtualVmxnet3", "e1000|e1000e|ne2k_pci|pcnet|rtl8139|virtio|vmxnet3"),
    _image("hw_video_model", "bochs|cirrus|gop|none|qxl|ramfb|vga|virtio|vmvga|xen",
           "bochs|cirrus|none|qxl|vga|virtio|vmvga"),
    _image("hw_video_ram", NUMBER), _spec("hw_video:ram_max_mb", NUMBER),
    _image("hw_input_bus", "usb|virtio"), _image("hw_pointer_model", "ps2mouse|usbtablet"),
    _image("hw_rng_model", "virtio"), _spec("hw_rng:allowed", BOOL),
    _spec("hw_rng:rate_(bytes|period)", COUNT + "[0-9]{0,5}"),
    _both("watchdog_action", "disabled|none|pause|poweroff|reset"),
    _both("serial_port_count", NUMBER, "1"),
    _both("vif_multiqueue_enabled", BOOL, NO),
    Feature("hw_(virtio_)?packed_ring", "hw:virtio_packed_ring", BOOL, NO),
    _image("hw_qemu_guest_agent", BOOL), _image("hw_time_hpet", BOOL),
    _both("tpm_model", "tpm-crb|tpm-tis", NOTHING), _both("tpm_version", "1\\.2|2\\.0", NOTHING),
    _both("viommu_model", "auto|intel|none|smmuv3|virtio", "none"),
    _both("usb_model", "ehci|ich9-ehci1|ich9-uhci[123]|nec-xhci|none|pci-ohci|piix[34]-uhci|"
          "qemu-xhci|vt82c686b-uhci", "none"),
    _both("redirected_ports", "[0-9]{1,2}", "0"),
    _both("sound_model", "ac97|es1370|ich6|ich9|none|pcspk|sb16|usb|virtio", "none"),
    # Firmware and boot.
    _image("hw_firmware_type", "bios|uefi"), _image("hw_machine_type", "[A-Za-z0-9._-]{1,64}"),
    _both("boot_menu", BOOL),
    Feature("os_secure_boot", "os:secure_boot", "disabled|optional|required", "disabled|optional"),
    _image("kernel_id|ramdisk_id|os_command_line", TEXT, ""),
    # CPU and memory.
    _both("cpu_(sockets|cores|threads)", COUNT),
    _both("cpu_max_(sockets|cores|threads)", COUNT),
    _both("cpu_policy", "dedicated|mixed|shared", "shared"),
    _both("cpu_thread_policy", "isolate|prefer|require", "prefer"),
    _spec("hw:cpu_dedicated_mask|hw:cpu_realtime_mask", TEXT, NOTHING),
    _image("hw_cpu_realtime_mask", TEXT, NOTHING),
    _spec("hw:cpu_realtime", BOOL, NO),
    _both("emulator_threads_policy", "isolate|share", NOTHING),
    _both("numa_nodes", COUNT, NOTHING), _both(r"numa_(cpus|mem)\.[0-9]{1,3}", TEXT, NOTHING),
    _both("pci_numa_affinity_policy", "legacy|preferred|required|socket"),
    _both("mem_page_size", "(?i:small|large|any)|[0-9]+( ?[KMG]i?B?)?", "(?i:small|any)"),
    _both("locked_memory", BOOL, NO), _both("mem_encryption", BOOL, NO),
    _both("mem_encryption_model", "amd-sev|amd-sev-es", NOTHING), _both("pmu", BOOL),
    _both("maxphysaddr_mode", "emulate|passthrough", NOTHING),
    _both("maxphysaddr_bits", COUNT, NOTHING), _spec("hw:pmem", TEXT, NOTHING),
    _both("ephemeral_encryption", BOOL, NO),
    _both("ephemeral_encryption_format", "luks", NOTHING),
    Feature("img_hide_hypervisor_id", "hide_hypervisor_id|hw:hide_hypervisor_id", BOOL, BOOL),
    _image("os_require_quiesce", BOOL, NO), _image("img_config_drive", "mandatory|optional"),
    # Longer than a quarter of an hour a guest is not waited for: it holds one of a host's workers.
    _image("os_shutdown_timeout", NUMBER, SHUTDOWN),
    # Shares and limits.
    _spec("quota:cpu_(shares|period|quota)", "-?" + NUMBER),
    _spec("quota:disk_(read|write|total)_(bytes|iops)_sec", "[0-9]{1,15}"),
    _spec("quota:(cpu|memory|disk_io|vif)_(limit|reservation|shares_share)", "-?" + NUMBER,
          NOTHING),
    _spec("quota:(cpu|memory|disk_io|vif)_shares_level", "custom|high|low|normal", NOTHING),
    _spec("quota:vif_(in|out)bound_(average|burst|peak)", "[0-9]{1,15}", NOTHING),
    # What schedulers read.
    _spec("(resources|trait)(_?[a-zA-Z0-9_-]{1,64})?:[A-Z0-9_]+", TEXT),
    _spec("capabilities:.+|aggregate_instance_extra_specs:.+", TEXT),
    _spec("group_policy", "isolate|none", NOTHING),
    _spec("accel:device_profile", TEXT, NOTHING),
    _spec("pci_passthrough:alias", "[^:,]+:[0-9]{1,5}( *, *[^:,]+:[0-9]{1,5})*", NOTHING),
    # Of other hypervisors.
    _spec("vmware:(hw_version|storage_policy)", TEXT),
    _spec("powervm:(min|max)_(mem|vcpu)|powervm:availability_priority", NUMBER),
    _spec("powervm:shared_weight", "[0-9]{1,2}|1[0-9]{2}|2[0-4][0-9]|25[0-5]"),
    _spec("powervm:(min_|max_)?proc_units", r"[0-9]{1,5}(\.[0-9]{1,5})?"),
    _spec("powervm:(dedicated_proc|uncapped|srr_capability)", BOOL),
    _spec("powervm:dedicated_sharing_mode", "keep_idle_procs|share_idle_procs"
          "(_active|_always)?"),
    _spec("powervm:(shared_proc_pool_name|processor_compatibility)", TEXT),
)
# Numbered groups of resources are asked for by names of their own.
_GROUPED = re.compile("(resources|trait)_?[a-zA-Z0-9_-]+:.*")
_TRAIT = re.compile("trait[^:]*:.*")
_AMOUNT = re.compile("resources[^:]*:.*")
_NAMESPACE = re.compile("accel|aggregate_instance_extra_specs|capabilities|hw|hw_rng|hw_video|os|"
                        "pci_passthrough|powervm|quota|vmware|(resources|trait)(_?[a-zA-Z0-9_-]+)?")


def check_specs(specs: Mapping[str, str]) -> None:
    """Extra specs as a flavor may be given them since 2.86: names in a known namespace are known
    ones, values are of those that there are. Raises Invalid naming the spec."""
    for name, value in specs.items():
        feature = _find(FEATURES, name, "spec")
        if feature is None:
            if ":" in name and _NAMESPACE.fullmatch(name.partition(":")[0]):
                raise Invalid(reason=f"Validation failed; extra spec '{name}' does not appear to "
                                     "be a valid extra spec.")
        elif not re.fullmatch(feature.accepted, value):
            raise _unknown(f"extra spec '{name}'", value)
        elif _TRAIT.fullmatch(name) and value not in ("required", "forbidden"):
            raise _unknown(f"extra spec '{name}'", value)
        elif _AMOUNT.fullmatch(name) and not re.fullmatch(NUMBER, value):
            raise _unknown(f"extra spec '{name}'", value)


def _unknown(what: str, value: str) -> Invalid:
    return Invalid(reason=f"Validation failed; {what} has no value '{value}'.")


def _find(features: Iterable[Feature], name: str, kind: str) -> Feature | None:
    for feature in features:
        if re.fullmatch(getattr(feature, kind), name):
            return feature
    return None


def check_done(image: rpc.Image, flavor: rpc.Flavor) -> None:
    """Whether a server of both can be what they ask for. Raises Invalid naming the property."""
    for kind, what, asked in (("image", "Image property", image["properties"]),
                              ("spec", "Flavor extra spec", flavor["extra_specs"])):
        for name, value in asked.items():
            feature = _find(FEATURES, name, kind)
            if feature is None:
                continue
            if not re.fullmatch(feature.accepted, str(value)):
                raise Invalid(reason=f"{what} {name}: there is no '{value}'.")
            grouped = kind == "spec" and _GROUPED.fullmatch(name)
            if grouped or not re.fullmatch(feature.done, str(value)):
                raise Invalid(reason=f"{what} {name}: this cloud does not do '{value}'.")
    _check_together(image, flavor)


def _check_together(image: rpc.Image, flavor: rpc.Flavor) -> None:
    machine = str(image["properties"].get("hw_machine_type", ""))
    for name in ("hw_disk_bus", "hw_cdrom_bus"):
        if "q35" in machine and image["properties"].get(name) == "ide":
            raise Invalid(reason=f"Image property {name}: a machine {machine} has no ide.")
    ram = int(image["properties"].get("hw_video_ram", 0))
    most = int(flavor["extra_specs"].get("hw_video:ram_max_mb", 0))
    if ram > most:
        raise Invalid(reason=f"Image property hw_video_ram: {ram} MiB are more than the flavor's "
                             f"hw_video:ram_max_mb, {most}.")
    topology(image, flavor)


def topology(image: rpc.Image | None, flavor: rpc.Flavor) -> tuple[int, int, int]:
    """Sockets, cores and threads: of those that make the flavor's vcpus and keep the maxima the one
    closest to what is preferred, else as many sockets. Raises Invalid when there is none."""
    vcpus = int(flavor["vcpus"])
    kinds = ("sockets", "cores", "threads")
    most = [int(value(image, flavor, f"cpu_max_{kind}") or vcpus) for kind in kinds]
    preferred = [value(image, flavor, f"cpu_{kind}") for kind in kinds]
    fitting = [
        (sockets, cores, vcpus // sockets // cores)
        for sockets in range(1, min(vcpus, most[0]) + 1) if vcpus % sockets == 0
        for cores in range(1, min(vcpus // sockets, most[1]) + 1) if vcpus // sockets % cores == 0
        if vcpus // sockets // cores <= most[2]
    ]
    if not fitting:
        raise Invalid(reason=f"hw:cpu_max_sockets, hw:cpu_max_cores, hw:cpu_max_threads: {vcpus} "
                             "vcpus do not fit into them.")

    def closeness(layout: tuple[int, int, int]) -> tuple[int, int, int]:
        hits = sum(str(have) == want for have, want in zip(layout, preferred, strict=True))
        return hits, layout[0], layout[1]

    return max(fitting, key=closeness)


def value(image: rpc.Image | None, flavor: rpc.Flavor, name: str) -> str | None:
    """What the flavor says (hw:NAME), else the image (hw_NAME)."""
    specs, properties = flavor["extra_specs"], image["properties"] if image is not None else {}
    if f"hw:{name}" in specs:
        return str(specs[f"hw:{name}"])
    own: Any = properties.get(f"hw_{name}")
    return None if own is None else str(own)


def is_true(text: Any) -> bool:
    """Whether an extra spec or image property says yes."""
    return re.fullmatch(YES, str(text)) is not None


def shutdown_timeout(image: rpc.Image | None, default: float) -> float:
    """Seconds that a guest gets to power off by itself before its plug is pulled."""
    properties: Mapping[str, Any] = image["properties"] if image is not None else {}
    asked = str(properties.get("os_shutdown_timeout"))
    # Servers are older than the check of what they ask for.
    return float(asked) if re.fullmatch(SHUTDOWN, asked) else default


def has_agent(image: rpc.Image | None) -> bool:
    """Whether its image says that a guest agent answers in it."""
    return image is not None and is_true(image["properties"].get("hw_qemu_guest_agent"))


def administrator(image: rpc.Image | None) -> str:
    """Whose password an administrator's is."""
    properties: Mapping[str, Any] = image["properties"] if image is not None else {}
    usual = "Administrator" if properties.get("os_type") == "windows" else "root"
    return str(properties.get("os_admin_user") or usual)


def root_device(image: rpc.Image) -> str:
    """What the guest is expected to call its root disk."""
    return f"/dev/{PREFIXES[str(image['properties'].get('hw_disk_bus') or 'virtio')]}a"


# What disks of a bus are called.
PREFIXES = {"ide": "hd", "sata": "sd", "scsi": "sd", "usb": "sd", "virtio": "vd"}


def free_name(bus: str, taken: Collection[str]) -> str | None:
    """The first name of a disk on that bus that is not taken ("vdb"); None when all of them are."""
    prefix = PREFIXES.get(bus, "vd")
    return next((prefix + letter for letter in string.ascii_lowercase
                 if prefix + letter not in taken), None)
