"""What images and flavors ask of the hardware, as libvirt reads it."""

from pathlib import Path
from xml.etree import ElementTree as xml

import pytest

from cairn.common.errors import Invalid
from cairn.common.faults import explain
from cairn.nova.core import guest_features
from cairn.nova.drivers.libvirt import domain
from cairn.nova.drivers.libvirt.disks import Disk, write_config_drive
from cairn.nova.errors import HypervisorFailed, Unsupported
from cairn.nova.settings import LibvirtSettings

VIF = {"id": "p", "device": "tap0123456789a", "mac": "fa:16:3e:00:00:01", "mtu": 1450}


def image(**properties):
    return {"id": "i", "name": "i", "disk_format": "qcow2", "container_format": "bare", "size": 1,
            "min_disk": 0, "min_ram": 0, "checksum": "", "properties": properties}


def flavor(vcpus=2, **specs):
    return {"id": "f", "name": "f", "vcpus": vcpus, "ram": 512, "disk": 1, "ephemeral": 0,
            "swap": 0, "extra_specs": specs}


def make(tmp_path, properties=(), specs=(), *, vcpus=2, kind="qemu", drive=False):
    if drive:
        (tmp_path / "disk.config").touch()
    spec = {"id": "01234567-89ab-cdef-0123-456789abcdef", "name": "web", "domain": "instance-1",
            "created_at": "", "user_id": "u", "project_id": "p", "vifs": [VIF], "block_devices": [],
            "image": image(**dict(properties)), "flavor": flavor(vcpus, **dict(specs))}
    disks = [Disk(Path("/x/disk")), Disk(Path("/x/disk.eph0"))]
    return xml.fromstring(domain.document(spec, LibvirtSettings(), kind, tmp_path, disks))


def targets(root):
    return [(t.get("dev"), t.get("bus")) for t in root.iterfind("devices/disk/target")]


@pytest.mark.parametrize(("properties", "expected"), [
    ({}, [("vda", "virtio"), ("vdb", "virtio"), ("hda", "ide")]),
    ({"hw_disk_bus": "ide"}, [("hda", "ide"), ("hdb", "ide"), ("hdc", "ide")]),
    ({"hw_disk_bus": "sata"}, [("sda", "sata"), ("sdb", "sata"), ("hda", "ide")]),
    ({"hw_disk_bus": "usb", "hw_cdrom_bus": "sata"},
     [("sda", "usb"), ("sdb", "usb"), ("sdc", "sata")]),
    ({"hw_disk_bus": "scsi", "hw_cdrom_bus": "scsi"},
     [("sda", "scsi"), ("sdb", "scsi"), ("sdc", "scsi")]),
    ({"hw_machine_type": "pc-q35-7.2"}, [("vda", "virtio"), ("vdb", "virtio"), ("sda", "sata")]),
])
def test_disks_are_on_the_bus_that_the_image_asks_for(tmp_path, properties, expected):
    assert targets(make(tmp_path, properties, drive=True)) == expected


def test_a_config_drive_is_attached_as_it_was_written(tmp_path):
    for kind, device, at in (("vfat", "disk", ("vdc", "virtio")), ("iso9660", "cdrom",
                                                                 ("hda", "ide"))):
        write_config_drive(tmp_path / "disk.config", {"openstack/latest/x": "eA=="}, kind)
        root = make(tmp_path)
        disk = root.findall("devices/disk")[-1]
        assert (disk.get("device"), disk.find("driver").get("type")) == (device, "raw")
        assert disk.find("source").get("file") == str(tmp_path / "disk.config")
        assert targets(root)[-1] == at


def test_scsi_has_a_controller_of_the_model(tmp_path):
    found = make(tmp_path, {"hw_disk_bus": "scsi"}).find("devices/controller")
    assert (found.get("type"), found.get("model")) == ("scsi", "virtio-scsi")
    found = make(tmp_path, {"hw_disk_bus": "scsi", "hw_scsi_model": "lsilogic"})
    assert found.find("devices/controller").get("model") == "lsilogic"
    assert make(tmp_path).find("devices/controller") is None


@pytest.mark.parametrize(("properties", "specs", "path", "attribute", "value"), [
    ({"hw_vif_model": "e1000"}, {}, "devices/interface/model", "type", "e1000"),
    ({"hw_video_model": "virtio"}, {}, "devices/video/model", "type", "virtio"),
    ({"hw_video_ram": "32"}, {}, "devices/video/model", "vram", "32768"),
    ({"hw_input_bus": "virtio"}, {}, "devices/input", "bus", "virtio"),
    ({"hw_watchdog_action": "reset"}, {}, "devices/watchdog", "action", "reset"),
    ({"hw_watchdog_action": "reset"}, {"hw:watchdog_action": "pause"}, "devices/watchdog",
     "action", "pause"),
    ({"hw_boot_menu": "true"}, {}, "os/bootmenu", "enable", "yes"),
    ({"hw_time_hpet": "yes"}, {}, "clock/timer[@name='hpet']", "present", "yes"),
    ({"img_hide_hypervisor_id": "true"}, {}, "features/kvm/hidden", "state", "on"),
    ({}, {"hw:pmu": "False"}, "features/pmu", "state", "off"),
    ({}, {"hw:cpu_cores": "2"}, "cpu/topology", "cores", "2"),
    ({"hw_cpu_max_sockets": "1"}, {}, "cpu/topology", "sockets", "1"),
    ({}, {"hw_rng:rate_bytes": "100", "hw_rng:rate_period": "1000"}, "devices/rng/rate",
     "period", "1000"),
])
def test_it_is_done(tmp_path, properties, specs, path, attribute, value):
    plain = make(tmp_path).find(path)
    assert plain is None or plain.get(attribute) != value
    assert make(tmp_path, properties, specs).find(path).get(attribute) == value


def test_shares_and_limits(tmp_path):
    root = make(tmp_path, specs={"quota:cpu_shares": "10", "quota:cpu_period": "20000",
                                 "quota:cpu_quota": "5000", "quota:disk_read_iops_sec": "7"})
    assert [(e.tag, e.text) for e in root.find("cputune")] == [
        ("shares", "10"), ("period", "20000"), ("quota", "5000")]
    assert root.find("devices/disk/iotune/read_iops_sec").text == "7"


def test_no_rng_and_no_tablet(tmp_path):
    root = make(tmp_path, {"hw_pointer_model": "ps2mouse"}, {"hw_rng:allowed": "false"})
    assert root.find("devices/rng") is None
    assert root.find("devices/input") is None


def test_uefi_where_there_is_firmware_for_it(tmp_path, monkeypatch):
    monkeypatch.setattr(domain, "FIRMWARE", tmp_path / "firmware")
    with pytest.raises(Unsupported, match="hw_firmware_type"):
        make(tmp_path, {"hw_firmware_type": "uefi"})
    (tmp_path / "firmware").mkdir()
    (tmp_path / "firmware" / "60-edk2.json").touch()
    assert make(tmp_path, {"hw_firmware_type": "uefi"}).find("os").get("firmware") == "efi"
    assert make(tmp_path, {"hw_firmware_type": "bios"}).find("os").get("firmware") is None


@pytest.mark.parametrize("properties", [
    {"hw_disk_bus": "bogus"}, {"hw_disk_bus": "fdc"}, {"hw_firmware_type": "open"},
    {"hw_vif_model": "ne1000"}, {"hw_video_model": "gop"}, {"hw_cpu_policy": "dedicated"},
    {"os_secure_boot": "required"}, {"kernel_id": "a"}, {"hw_mem_page_size": "large"},
    {"hw_numa_nodes": "2"}, {"hw_tpm_model": "tpm-crb"}, {"hw_cpu_max_cores": "many"},
    {"hw_machine_type": "pc-q35-7.2", "hw_disk_bus": "ide"}, {"hw_video_ram": "64"},
    {"hw_vif_multiqueue_enabled": "true"}, {"os_require_quiesce": "yes"},
    {"os_shutdown_timeout": "901"}, {"os_shutdown_timeout": "soon"}, {"os_shutdown_timeout": "-1"},
])
def test_what_is_not_done_is_refused_by_name(properties):
    name = next(iter(properties)) if "hw_machine_type" not in properties else "hw_disk_bus"
    with pytest.raises(Invalid, match=name):
        guest_features.check_done(image(**properties), flavor())


@pytest.mark.parametrize("specs", [
    {"hw:cpu_policy": "dedicated"}, {"hw:numa_nodes": "1"}, {"quota:memory_limit": "1"},
    {"quota:vif_inbound_average": "1"}, {"accel:device_profile": "x"},
    {"resources1:VCPU": "1"}, {"hw:cpu_max_sockets": "1", "hw:cpu_max_cores": "1",
                               "hw:cpu_max_threads": "1"}, {"os:secure_boot": "required"},
])
def test_what_a_flavor_asks_for_in_vain_is_refused_by_name(specs):
    with pytest.raises(Invalid, match=next(iter(specs)).partition("1")[0]):
        guest_features.check_done(image(), flavor(**specs))


def test_what_asks_for_nothing_passes():
    guest_features.check_done(
        image(hw_disk_bus="virtio", os_distro="debian", mine="x", hw_qemu_guest_agent="yes",
              os_secure_boot="optional", hw_cpu_policy="shared", kernel_id="",
              os_shutdown_timeout=900),
        flavor(**{"hw:cpu_policy": "shared", "resources:VCPU": "1", "own": "x",
                  "trait:COMPUTE_NODE": "required", "capabilities:vcpus": ">= 1"}))


@pytest.mark.parametrize(("name", "value"), [
    ("hw:cpu_policy", "bogus"), ("hw:cpu_sockets", "none"), ("hw:bogus", "1"), ("quota:x", "1"),
    ("hw_rng:allowed", "perhaps"), ("trait:HW_X", "wanted"), ("os:bogus", "1"),
    ("quota:memory_fans", "1"), ("quota:memory_limit", "much"), ("quota:vif_shares_level", "most"),
    ("quota:vif_inbound_peak", "-1"), ("resources:VCPU", "²"), ("resources2:VCPU", "two"),
    ("resources:vcpu", "1"), ("trait:cpu", "required"), ("trait_a:HW_X", "yes"),
    ("pci_passthrough:alias", "gpu"), ("pci_passthrough:all", "gpu:1"), ("accel:bogus", "x"),
    ("vmware:bogus", "x"), ("powervm:bogus", "x"), ("powervm:uncapped", "maybe"),
    ("powervm:shared_weight", "256"), ("hw_video:bogus", "1"), ("hw:usb_model", "bogus"),
    ("hw:redirected_ports", "-1"), ("hide_hypervisor_id", "perhaps"), ("group_policy", "apart"),
    ("hw:boot_menu", "perhaps"), ("hw:numa_mem.x", "1"), ("hw:watchdog_action", "bark"),
])
def test_specs_that_no_flavor_may_have(name, value):
    with pytest.raises(Invalid, match=name):
        guest_features.check_specs({name: value})


def test_specs_that_a_flavor_may_have():
    guest_features.check_specs({
        "hw:cpu_policy": "dedicated", "hw:numa_nodes": "1", "own": "x", "my:own": "x",
        "quota:cpu_shares": "10", "aggregate_instance_extra_specs:a": "b",
        "resources1:VCPU": "1", "trait:HW_X": "required", "hw:numa_cpus.0": "0,1",
        "pci_passthrough:alias": "gpu:1, nic:2", "accel:device_profile": "x",
        "vmware:hw_version": "vmx-9", "powervm:proc_units": "0.5", "group_policy": "isolate",
        "quota:memory_shares_level": "high", "quota:cpu_quota": "-1", "resources:VCPU": "0",
        "trait1:HW_X": "forbidden", "capabilities:cpu_info:features": "<in> avx",
        "hide_hypervisor_id": "true", "hw:redirected_ports": "2"})


def test_a_tenant_reads_nothing_of_the_host():
    raw = "internal error: qemu unexpectedly closed: -drive file=/var/lib/cairn/nova/x/disk"
    for error in (HypervisorFailed(reason=raw), OSError(28, "No space left", "/var/lib/cairn")):
        told, _, rest = explain(error).partition("\n")
        assert "/" not in told and "qemu" not in told
        assert "/var/lib/cairn" in rest


def rescued(tmp_path, asked=(), own=(), drive=False):
    """(what each disk is called, its bus, its kind, in which order it is booted from)."""
    if drive:
        (tmp_path / "disk.config.rescue").touch()
    spec = {"id": "01234567-89ab-cdef-0123-456789abcdef", "name": "web", "domain": "instance-1",
            "created_at": "", "user_id": "u", "project_id": "p", "vifs": [VIF], "block_devices": [],
            "image": image(**dict(own)), "flavor": flavor()}
    rescue = domain.Rescue.by(Disk(Path("/x/disk.rescue")), image(**dict(asked)))
    root = xml.fromstring(domain.document(spec, LibvirtSettings(), "qemu", tmp_path,
                                          [Disk(Path("/x/disk"))], rescue))
    assert root.find("os/boot") is None
    shown = []
    for disk in root.iterfind("devices/disk"):
        target, boot = disk.find("target"), disk.find("boot")
        shown.append((Path(disk.find("source").get("file")).name, target.get("dev"),
                      target.get("bus"), disk.get("device"),
                      boot.get("order") if boot is not None else None))
    return shown


def test_a_rescue_comes_first(tmp_path):
    assert rescued(tmp_path, drive=True) == [
        ("disk.rescue", "vda", "virtio", "disk", "1"), ("disk", "vdb", "virtio", "disk", None),
        ("disk.config.rescue", "hda", "ide", "cdrom", None)]


@pytest.mark.parametrize(("asked", "target"), [
    ({"hw_rescue_device": "disk"}, ("vdb", "virtio", "disk")),
    ({"hw_rescue_device": "cdrom"}, ("hda", "ide", "cdrom")),
    ({"hw_rescue_bus": "usb"}, ("sda", "usb", "disk")),
    ({"hw_rescue_device": "cdrom", "hw_rescue_bus": "scsi"}, ("sda", "scsi", "cdrom")),
])
def test_a_stable_rescue_leaves_the_own_disks_what_they_are_called(tmp_path, asked, target):
    assert rescued(tmp_path, asked) == [
        ("disk", "vda", "virtio", "disk", None), ("disk.rescue", *target, "1")]
def test_a_screen_listens_nowhere_and_a_line_is_logged(tmp_path):
    root = make(tmp_path)
    screens = root.findall("devices/graphics")
    assert [(s.get("type"), s.get("listen"), s.get("port")) for s in screens] == [
        ("vnc", None, None)]
    assert [listen.attrib for listen in screens[0]] == [{"type": "none"}]
    assert root.find("devices/serial").get("type") == "pty"
    assert root.find("devices/serial/log").attrib == {
        "file": str(tmp_path / "console.log"), "append": "on"}
