"""Images as other programs make them: taken as what they are, refused as anything else."""

import gzip
import io
import lzma
import shutil
import subprocess
import tarfile
from dataclasses import replace

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


def tar(*files, kind=tarfile.REGTYPE, form=tarfile.USTAR_FORMAT):
    """An archive of (name, data)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name, data in files:
            member = tarfile.TarInfo(name)
            member.size, member.type = len(data), kind
            archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


OVF = b'<?xml version="1.0"?><Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1"/>'
OVA = (("a.ovf", OVF), ("a.mf", b"SHA256(a.ovf)= 00"), ("disk.raw", OPAQUE))


def in_short(value):
    """Compressed bytes have the time in them: no name for a test."""
    return value if isinstance(value, str) else "bytes"


@pytest.mark.parametrize("container", ["ami", "ari", "aki"])
def test_amazons_containers_take_any_bytes_but_no_other_format(make, upload, container):
    for disk, data, code in (("qcow2", OPAQUE, 204), ("raw", boot_sector(0xEE), 204),
                             ("raw", iso(), 415)):
        image_id = make(disk_format=disk, container_format=container)
        assert upload(image_id, data).status_code == code, (disk, len(data))


@pytest.mark.parametrize(("container", "data"), [
    ("ova", tar(*OVA)), ("docker", tar(("etc/passwd", b"x"))), ("docker", tar(*OVA)),
    ("docker", tar(("l" * 180, b"x"), form=tarfile.GNU_FORMAT)),
    ("docker", tar(("\xe9" * 90, b"x"), form=tarfile.PAX_FORMAT)),
    ("ovf", OVF), ("ovf", b"\xef\xbb\xbf" + OVF), ("ovf", tar(*OVA)), ("ovf", iso()),
    ("compressed", gzip.compress(OPAQUE)), ("compressed", lzma.compress(OPAQUE))], ids=in_short)
def test_containers_are_what_they_are_called(call, make, upload, container, data):
    image_id = make(disk_format="iso", container_format=container)
    taken = upload(image_id, data)
    assert taken.status_code == 204, taken.text
    assert call("GET", f"/v2/images/{image_id}").json["virtual_size"] is None


@pytest.mark.parametrize(("container", "data"), [
    *((container, data) for container in ("ova", "ovf", "docker", "compressed")
      for data in (OPAQUE, b"", bytes(4096))),
    ("ova", iso()), ("docker", iso()), ("compressed", iso()),
    ("ova", tar(*OVA)[:1500]), ("docker", tar(*OVA)[:700]),
    ("ova", tar(("a.ovf", OVF))), ("ova", tar(OVA[2], OVA[0])),
    ("ova", tar(*OVA, ("../x", b"x"))), ("ova", tar(OVA[0], ("/etc/x", b"x"))),
    ("ova", tar(OVA[0], ("link", b""), kind=tarfile.SYMTYPE)),
    ("ova", tar(OVA[0], ("l" * 180, b"x"), form=tarfile.GNU_FORMAT)),
    ("ova", tar(OVA[0], ("\xe9" * 90, b"x"), form=tarfile.PAX_FORMAT)),
    ("ovf", b"<?xml?><!DOCTYPE x [<!ENTITY a 'b'>]><Envelope/>"),
    ("ovf", b"<html/>")], ids=in_short)
def test_and_nothing_else_is(make, upload, container, data):
    image_id = make(disk_format="vmdk", container_format=container)
    assert upload(image_id, data).status_code == 415


@needs_qemu
@pytest.mark.parametrize(("kind", "options"), [
    ("qcow2", ["-o", "data_file=/tmp/other"]), ("vmdk", ["-o", "subformat=monolithicFlat"])])
def test_a_trap_in_an_archive_is_refused(make, upload, tmp_path, kind, options):
    options = [o.replace("/tmp", str(tmp_path)) for o in options]
    trap, good = image(tmp_path / "trap", kind, *options), image(tmp_path / "good", "qcow2")
    for container in ("ova", "ovf"):
        for disks, code in (([good], 204), ([trap], 415), ([good, trap], 415)):
            packed = tar(OVA[0], *((f"disk{n}", d) for n, d in enumerate(disks)))
            image_id = make(disk_format="vmdk", container_format=container)
            assert upload(image_id, packed).status_code == code


def test_an_operator_may_take_containers_as_they_come(glance, people):
    lax = replace(glance, settings=replace(glance.settings, unchecked_containers="docker"))
    for container, good in (("docker", True), ("ova", False)):
        expected = content.expect(lax, "raw", container)
        if good:
            assert content.take(io.BytesIO(OPAQUE), len, expected=expected, cap=SIZE)["size"]
        else:
            with pytest.raises(WrongContent):
                content.take(io.BytesIO(OPAQUE), len, expected=expected, cap=SIZE)


@needs_qemu
@pytest.mark.parametrize("declared", ["raw", "qcow2", "iso"])
def test_luks_is_raw_and_images_that_are_two_things_are_refused(make, upload, tmp_path, declared):
    luks = (b"LUKS\xba\xbe\x00\x01" + b"aes".ljust(32, b"\0") + b"xts-plain64".ljust(32, b"\0") +
            b"sha256".ljust(32, b"\0") + (4096).to_bytes(4, "big")).ljust(1 << 20, b"\0")
    both = bytearray(image(tmp_path / "disk", "qcow2").ljust(len(iso()), b"\0"))
    both[16 * 2048:17 * 2048] = iso()[16 * 2048:17 * 2048]
    # An encrypted volume is uploaded as it is.
    code = 204 if declared == "raw" else 415
    assert upload(make(disk_format=declared), luks).status_code == code
    assert upload(make(disk_format=declared), bytes(both)).status_code == 415
