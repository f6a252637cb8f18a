"""Images as other programs make them: taken as what they are, refused as anything else."""

import io
import shutil
import subprocess

import pytest

from cairn.glance.core import content
from cairn.glance.errors import WrongContent

needs_qemu = pytest.mark.skipif(not shutil.which("qemu-img"), reason="no qemu-img here")
MADE = {"raw": "raw", "qcow2": "qcow2", "vmdk": "vmdk", "vhd": "vpc", "vhdx": "vhdx", "vdi": "vdi"}
SIZE = 8 << 20
# What a container or a format without a signature takes as it comes.
OPAQUE = b"any bytes at all" * 100


def image(path, kind, *options):
    subprocess.run(["qemu-img", "create", "-q", "-f", kind, *options, str(path), str(SIZE)],
                   check=True, capture_output=True)
    return path.read_bytes()


def boot_sector(kind=0x83):
    """A disk with a partition table of one entry."""
    entry = bytes([0x80, 0, 2, 0, kind, 0, 0, 0]) + (2048).to_bytes(4, "little") + (
        2048).to_bytes(4, "little")
    return (bytes(446) + entry + bytes(48) + b"\x55\xaa").ljust(1 << 20, b"\0")


def iso():
    """The head of an ISO 9660 file system of ten blocks."""
    descriptor = bytearray(2048)
    descriptor[0:7] = b"\x01CD001\x01"
    descriptor[80:88] = (10).to_bytes(4, "little") + (10).to_bytes(4, "big")
    descriptor[128:132] = (2048).to_bytes(2, "little") + (2048).to_bytes(2, "big")
    return bytes(16 * 2048) + bytes(descriptor) + bytes(4 * 2048)


@needs_qemu
@pytest.mark.parametrize("declared", MADE)
def test_each_format_is_known(call, make, upload, tmp_path, declared):
    data = image(tmp_path / "disk", MADE[declared])
    image_id = make(disk_format=declared)
    taken = upload(image_id, data[:8 << 20])
    assert taken.status_code == 204, taken.text
    size = call("GET", f"/v2/images/{image_id}").json["virtual_size"]
    # A VHD's size is one that its geometry can express.
    assert abs(size - SIZE) < 1 << 17


@needs_qemu
@pytest.mark.parametrize("declared", [*MADE, "iso", "gpt"])
def test_none_passes_for_another(make, upload, tmp_path, declared):
    for name, kind in MADE.items():
        if name != declared and not (declared == "gpt" and name == "raw"):
            data = image(tmp_path / name, kind)[:8 << 20]
            assert upload(make(disk_format=declared), data).status_code == 415, name


@needs_qemu
@pytest.mark.parametrize(("declared", "options"), [
    ("vmdk", ["-o", "subformat=monolithicFlat"]),
    ("vmdk", ["-o", "subformat=twoGbMaxExtentFlat"])])
def test_a_description_of_other_files_is_refused(make, upload, tmp_path, declared, options):
    data = image(tmp_path / "disk", MADE[declared], *options)
    assert upload(make(disk_format=declared), data).status_code == 415


@needs_qemu
def test_a_disk_whose_data_is_elsewhere_is_refused(make, upload, tmp_path):
    data = image(tmp_path / "disk", "qcow2", "-o", f"data_file={tmp_path}/other")
    refused = upload(make(disk_format="qcow2"), data)
    assert refused.status_code == 415
    assert "data" in refused.text


@needs_qemu
def test_a_trap_is_refused_whatever_it_is_called(tmp_path):
    """Also where the settings let content be something else than its name."""
    lenient = content.Expected("raw", "bare", strict=False)
    trap = image(tmp_path / "trap", "qcow2", "-o", f"data_file={tmp_path}/other")
    with pytest.raises(WrongContent, match="data"):
        content.take(io.BytesIO(trap), len, expected=lenient, cap=SIZE)
    harmless = image(tmp_path / "disk", "qcow2")
    assert content.take(io.BytesIO(harmless), len, expected=lenient, cap=SIZE)["size"]


def test_partition_tables_are_disks(call, make, upload):
    for declared in ("raw", "gpt"):
        image_id = make(disk_format=declared)
        assert upload(image_id, boot_sector()).status_code == 204
        assert call("GET", f"/v2/images/{image_id}").json["virtual_size"] == 1 << 20


def test_a_cd(call, make, upload):
    image_id = make(disk_format="iso")
    taken = upload(image_id, iso())
    assert taken.status_code == 204, taken.text
    assert call("GET", f"/v2/images/{image_id}").json["virtual_size"] == 10 * 2048
    assert upload(make(disk_format="raw"), iso()).status_code == 415


@pytest.mark.parametrize("declared", ["ami", "ari", "aki", "ploop"])
def test_what_has_no_signature_is_taken_unless_it_is_something_else(make, upload, declared):
    assert upload(make(disk_format=declared), OPAQUE).status_code == 204
    assert upload(make(disk_format=declared), iso()).status_code == 415


@pytest.mark.parametrize("container", ["ami", "ari", "aki", "ovf", "ova", "docker", "compressed"])
def test_what_is_in_a_container_is_not_looked_at(make, upload, container):
    image_id = make(disk_format="qcow2", container_format=container)
    assert upload(image_id, OPAQUE).status_code == 204
