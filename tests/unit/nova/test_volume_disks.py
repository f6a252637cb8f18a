"""Volumes as libvirt reads them."""

from xml.etree import ElementTree as xml

import pytest

from cairn.common.errors import Invalid
from cairn.nova.drivers.libvirt import domain, volumes
from cairn.nova.errors import Unsupported
from cairn.nova.settings import LibvirtSettings

SERVER, VOLUME = "01234567-89ab-cdef-0123-456789abcdef", "11111111-2222-3333-4444-555555555555"
RBD = {"name": "volumes/volume-1", "hosts": ["10.0.0.1", "[fd00::1]"], "ports": ["6789", "6789"],
       "auth_enabled": True, "auth_username": "cinder", "cluster_name": "ceph",
       "secret_type": "ceph"}
ISCSI = {"target_portal": "10.0.0.1:3260", "target_iqn": "iqn.2024-01.org.cairn:volume-1",
         "target_lun": 1, "auth_method": "CHAP", "auth_username": "u", "auth_password": "secret"}
NBD = {"export": "volume-1", "host": "store1", "port": 10809, "tls": True}


def device(kind="local", at="/dev/vdb", *, volume=VOLUME, index=None, encrypted=False, **data):
    data = data or {"device_path": "/var/lib/cairn/volumes/v"}
    return {"id": "d", "source": "volume", "destination": "volume", "image_id": None,
            "volume_id": volume, "boot_index": index, "size": 1, "device": at,
            "device_type": None, "bus": None, "delete_on_termination": False, "tag": None,
            "connection": {"driver_volume_type": kind, "data": data}, "state": "attached",
            "encrypted": encrypted}


def disk(*args, **more):
    return volumes.disk({"id": SERVER}, device(*args, **more), {"dev": "vdb", "bus": "virtio"})


def source(*args, **more):
    return disk(*args, **more).find("source")


def test_nbd_over_tls_and_on_the_same_host():
    far = source("nbd", **NBD)
    assert dict(far.attrib) == {"protocol": "nbd", "name": "volume-1", "tls": "yes"}
    assert dict(far.find("host").attrib) == {"name": "store1", "port": "10809"}
    policies = {disk("nbd", **NBD).find("driver").get(f"{r}error_policy") for r in ("", "r")}
    assert policies == {"stop"}  # Its server may restart: the guest waits.
    near = source("nbd", export="volume-1", socket="/run/cairn/nbd.sock")
    assert dict(near.find("host").attrib) == {
        "transport": "unix", "socket": "/run/cairn/nbd.sock"}
    with pytest.raises(Invalid, match="tls"):
        source("nbd", **NBD | {"tls": False})


def test_rbd():
    element = source("rbd", **RBD)
    assert dict(element.attrib) == {"protocol": "rbd", "name": "volumes/volume-1"}
    assert [h.get("name") for h in element.findall("host")] == ["10.0.0.1", "fd00::1"]
    assert element.find("auth").get("username") == "cinder"
    assert element.find("auth/secret").get("uuid") == volumes.ceph_id(RBD)


def test_iscsi_has_its_password_elsewhere():
    element = disk("iscsi", **ISCSI)
    text = xml.tostring(element, encoding="unicode")
    assert element.find("source").get("name") == "iqn.2024-01.org.cairn:volume-1/1"
    assert element.find("source/auth/secret").get("type") == "iscsi"
    assert "secret" not in text.replace("<secret ", "")


def test_local():
    assert (disk().get("type"), source().get("file")) == ("file", "/var/lib/cairn/volumes/v")
    assert source(device_path="/dev/loop0") is not None


def test_what_a_connection_says_of_its_use():
    plain = disk()
    for tag in ("readonly", "shareable", "iotune", "source/encryption"):
        assert plain.find(tag) is None
    assert plain.find("driver").get("discard") is None
    full = disk(encrypted=True, device_path="/x", access_mode="ro", multiattach=True, discard=True,
                qos_specs={"total_iops_sec": "10", "read_bytes_sec_max": 20, "size_iops_sec": "4",
                           "consumer": "front-end", "write_iops_sec": "many"})
    assert full.find("readonly") is not None
    assert full.find("shareable") is not None
    assert full.find("driver").get("discard") == "unmap"
    assert {e.tag: e.text for e in full.find("iotune")} == {
        "total_iops_sec": "10", "read_bytes_sec_max": "20", "size_iops_sec": "4"}
    assert full.find("source/encryption").get("format") == "luks"
    assert full.findtext("serial") == VOLUME


@pytest.mark.parametrize(("kind", "good", "key"), [
    ("nbd", NBD, "export"), ("nbd", NBD, "host"), ("nbd", NBD, "port"),
    ("nbd", {"export": "v", "socket": "/s"}, "socket"), ("rbd", RBD, "name"),
    ("rbd", RBD, "auth_username"), ("iscsi", ISCSI, "target_portal"),
    ("iscsi", ISCSI, "target_iqn"), ("iscsi", ISCSI, "target_lun"), ("local", {}, "device_path"),
])
@pytest.mark.parametrize("bad", ["../../etc/shadow", "a b", "a\nb", "-x", "<x/>", 'x"y', "", None,
                                 "json:{}", ["x"]])
def test_what_is_no_value_is_refused(kind, good, key, bad):
    with pytest.raises(Invalid):
        volumes.disk({"id": SERVER}, device(kind, **{**good, key: bad}), {"dev": "vdb"})


def test_a_kind_that_nobody_knows_is_refused():
    with pytest.raises(Unsupported):
        disk("fibre_channel", target_wwn="x")


def make(tmp_path, *devices, properties=(), ephemeral=0):
    from pathlib import Path

    from cairn.nova.drivers.libvirt.disks import Disk

    backed = any(d["boot_index"] == 0 for d in devices)
    names = [*([] if backed else ["disk"]), *(["disk.eph0"] if ephemeral else [])]
    spec = {"id": SERVER, "name": "web", "domain": "instance-1", "created_at": "", "user_id": "u",
            "project_id": "p", "vifs": [], "block_devices": list(devices),
            "image": {"id": "", "properties": dict(properties)},
            "flavor": {"vcpus": 1, "ram": 64, "disk": 1, "ephemeral": ephemeral, "swap": 0,
                       "extra_specs": {}}}
    root = xml.fromstring(domain.document(spec, LibvirtSettings(), "qemu", tmp_path,
                                          [Disk(Path("/x") / name) for name in names]))
    disks = root.findall("devices/disk")
    return root, [(d.find("target").get("dev"), d.findtext("serial"),
                   d.find("boot") is not None and d.find("boot").get("order")) for d in disks]


def test_a_server_that_boots_from_a_volume(tmp_path):
    data, other = device(at="/dev/vdc", volume="data"), device(at="/dev/vdd", volume="other",
                                                                 index=1)
    root, disks = make(tmp_path, device(at="/dev/vda", index=0), data, other, ephemeral=1)
    assert disks == [("vdb", None, False), ("vda", VOLUME, "1"), ("vdc", "data", False),
                     ("vdd", "other", "2")]
    assert root.find("os/boot") is None


def test_a_server_with_a_volume_beside_its_own_disks(tmp_path):
    root, disks = make(tmp_path, device(at="/dev/vdb"), ephemeral=1)
    assert disks == [("vda", None, False), ("vdc", None, False), ("vdb", VOLUME, False)]
    assert root.find("os/boot").get("dev") == "hd"
    _, disks = make(tmp_path, device(at="/dev/sdx"), properties={"hw_disk_bus": "scsi"})
    assert disks == [("sda", None, False), ("sdx", VOLUME, False)]


def test_names_of_another_bus_are_not_kept(tmp_path):
    _, disks = make(tmp_path, device(at="/dev/xvdb"), device(at="/dev/hda", volume="b"))
    assert [name for name, *_ in disks] == ["vda", "vdb", "vdc"]
