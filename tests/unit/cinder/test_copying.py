"""Bytes between volumes, images and containers, by the real tools."""

import os
import subprocess
import threading

import pytest
from fakes import disks

from cairn.cinder.drivers import tools
from cairn.cinder.drivers.base import GIB, LUKS_HEADER, BackendFailed, Disk, NoRoom, Volume
from cairn.cinder.drivers.fake import FakeDriver
from cairn.cinder.volume import copying
from cairn.common import work
from cairn.common.db import new_id

MIB = disks.MIB


@pytest.fixture
def driver(tmp_path):
    return FakeDriver("fake", str(tmp_path / "backend"))


@pytest.fixture
def volume(driver):
    """volume(byte=None, size=1) -> one that holds that byte in its second MiB."""

    def made(byte=None, size=1, **facts):
        volume = Volume(new_id(), size, **facts)
        driver.create(volume)
        if byte is not None:
            with driver.opened(volume, write=True) as disk:
                disks.write(disk, byte, MIB)
        return volume

    return made


@pytest.fixture
def image(tmp_path):
    """image(format, byte) -> a file of 8 MiB with that byte in its second."""

    def made(kind, byte, *words):
        path = tmp_path / f"image-{new_id()}"
        qemu = copying.FORMATS.get(kind, kind)
        subprocess.run(["qemu-img", "create", "-q", "-f", qemu, *words, path, "8M"], check=True)
        disks.write(Disk({"driver": qemu, "file": {"driver": "file", "filename": str(path)}}),
                    byte, MIB)
        return path

    return made


def blocks(driver, volume):
    return (driver.folder / "volumes" / volume.id).stat().st_blocks * 512


@pytest.mark.parametrize("kind", ["raw", "qcow2", "vmdk", "vdi", "vhd", "vhdx"])
def test_an_image_becomes_a_volume_and_an_image_again(driver, volume, image, tmp_path, kind):
    target, heard = volume(), []
    with driver.opened(target, write=True) as disk:
        copying.from_image(image(kind, 5), kind, disk, GIB, progress=heard.append)
        assert disks.has(disk, 5, MIB) and disks.has(disk, 0) and disks.has(disk, 0, 2 * MIB)
        assert heard[-1] == 100
    assert blocks(driver, target) < 3 * MIB  # Holes are none of its bytes.
    path = tmp_path / "out"
    path.write_bytes(b"left by another try")
    with driver.opened(target) as disk:
        copying.to_image(disk, path, kind, GIB)
    assert copying.inspect(path, kind) == GIB
    assert disks.has(copying.image(path, kind), 5, MIB)
    assert path.stat().st_blocks * 512 < 4 * MIB


def test_what_was_there_before_is_gone(driver, volume, image):
    target = volume(3)
    with driver.opened(target, write=True) as disk:
        disks.write(disk, 3, 0, 64 * MIB)
        copying.from_image(image("qcow2", 5), "qcow2", disk, GIB, new=False)
        assert disks.has(disk, 0) and disks.has(disk, 5, MIB) and disks.has(disk, 0, 2 * MIB,
                                                                           62 * MIB)


def test_images_that_do_not_fit(driver, volume, image):
    path = image("qcow2", 5)
    subprocess.run(["qemu-img", "resize", "-q", "-f", "qcow2", path, "2G"], check=True)
    with driver.opened(volume(), write=True) as disk, pytest.raises(copying.TooSmall):
        copying.from_image(path, "qcow2", disk, GIB)


def test_images_that_lie_or_lead_elsewhere(driver, volume, image, tmp_path):
    secret = image("raw", 9)
    overlay = tmp_path / "overlay"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", secret, "-F", "raw", overlay],
                   check=True)
    apart, data = tmp_path / "apart", tmp_path / "data"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-o", f"data_file={data}",
                    apart, "8M"], check=True)
    script = tmp_path / "script"
    script.write_text('# Disk DescriptorFile\nversion=1\nCID=1\nparentCID=ffffffff\n'
                      'createType="monolithicFlat"\n\nRW 16 FLAT "/etc/passwd" 0\n')
    with driver.opened(volume(), write=True) as disk:
        for path, kind in ((overlay, "qcow2"), (apart, "qcow2"), (image("vdi", 1), "qcow2"),
                           (image("qcow2", 1), "raw"), (image("raw", 1), "qcow2"),
                           (script, "vmdk"), (secret, "exe"), (secret, "")):
            with pytest.raises(copying.BadImage):
                copying.from_image(path, kind, disk, GIB)
        assert disks.has(disk, 0, 0, 8 * MIB)


def test_what_a_guest_writes_is_never_a_format(driver, volume, image, tmp_path):
    """A volume whose content is a qcow2 file that names another is copied as the bytes it has."""
    trap = tmp_path / "trap"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", image("raw", 9), "-F", "raw",
                    trap], check=True)
    source, target, out = volume(), volume(), tmp_path / "out"
    path = driver.folder / "volumes" / source.id
    with path.open("r+b") as file:
        file.write(trap.read_bytes())
    with driver.opened(source) as disk, driver.opened(target, write=True) as other:
        copying.copy(disk, other, GIB)
        copying.to_image(disk, out, "raw", GIB)
    for copied in (out, driver.folder / "volumes" / target.id):
        with copied.open("rb") as file:
            assert file.read(512) == trap.read_bytes()[:512]
        assert copied.stat().st_size == GIB


def test_a_volume_is_copied_with_its_holes(driver, volume):
    source, target = volume(7), volume(size=2)
    with driver.opened(source) as one, driver.opened(target, write=True) as other:
        copying.copy(one, other, GIB)
        assert disks.has(other, 7, MIB) and disks.has(other, 0, GIB)
    assert blocks(driver, target) < 3 * MIB


def test_a_container(driver, volume, image, tmp_path):
    target, plain = volume(encrypted=True), volume()
    with driver.opened(target, write=True) as disk:
        copying.lock(disk, "correct horse, battery")
        payload = copying.unlocked(disk, "correct horse, battery")
        assert disks.size(disk) == GIB + LUKS_HEADER and disks.size(payload) == GIB
        copying.from_image(image("qcow2", 5), "qcow2", payload, 8 * MIB, new=False)
        assert disks.has(payload, 5, MIB) and disks.has(payload, 0, 2 * MIB)
        assert not disks.has(disk, 5, LUKS_HEADER + MIB)
        # And back, and once more, into one with another passphrase.
        with driver.opened(plain, write=True) as other:
            copying.copy(payload, other, 8 * MIB)
            assert disks.has(other, 5, MIB)
        second = volume(encrypted=True)
        with driver.opened(second, write=True) as other:
            copying.lock(other, "other", copying.Cipher.of("aes-cbc-plain64", 128))
            opened = copying.unlocked(other, "other")
            copying.copy(payload, opened, 8 * MIB, new=False)
            assert disks.has(opened, 5, MIB)
        with pytest.raises(BackendFailed):
            copying.to_image(copying.unlocked(disk, "wrong"), tmp_path / "out", "raw", MIB)


@pytest.mark.parametrize(("cipher", "bits"), [
    ("twofish-xts-plain64", 256), ("aes-xts-plain64,x=y", 256), ("aes-xts-plain64", 7), ("aes", 1),
    ("aes-xts-essiv:sha256", 256)])
def test_ciphers_that_are_none(cipher, bits):
    with pytest.raises(copying.BadImage):
        copying.Cipher.of(cipher, bits)


def test_secrets_are_no_words(driver, volume, tmp_path, monkeypatch):
    """Nobody who lists processes reads a passphrase."""
    target, commands = volume(encrypted=True), []
    popen = subprocess.Popen

    def spy(command, **more):
        commands.append((command, more["env"]))
        return popen(command, **more)

    monkeypatch.setattr(subprocess, "Popen", spy)
    with driver.opened(target, write=True) as disk:
        copying.lock(disk, "correct-horse")
        copying.to_image(copying.unlocked(disk, "correct-horse"), tmp_path / "out", "raw", MIB)
    assert len(commands) == 3 and "correct-horse" not in repr(commands)


def test_a_full_disk_is_told(driver, volume, image):
    disk = Disk({"driver": "raw", "file": {"driver": "file", "filename": "/dev/full"}})
    with pytest.raises((NoRoom, BackendFailed)):
        copying.from_image(image("raw", 5), "raw", disk, GIB, new=False)


def test_a_cancelled_work_ends_its_tool(driver, volume, monkeypatch):
    """At the first look: the tool does not go on behind its back."""
    pids, popen = [], subprocess.Popen

    def spy(*args, **more):
        process = popen(*args, **more)
        pids.append(process)
        return process

    def given_up():
        if pids:
            raise work.Cancelled

    monkeypatch.setattr(subprocess, "Popen", spy)
    monkeypatch.setattr(tools, "check", given_up)
    with pytest.raises(work.Cancelled):
        tools.run("qemu-io", "-c", "sleep 600000", "null-co://")
    assert pids[0].returncode is not None and pids[0].returncode != 0


def test_a_tool_dies_with_who_waits_for_it():
    """Whoever repeats the step meets nobody who still writes."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.close(read)
        started = threading.Event()
        popen = subprocess.Popen

        def spy(*args, **more):
            process = popen(*args, **{**more, "pass_fds": [write]})
            started.set()
            return process

        subprocess.Popen = spy
        waiting = threading.Thread(
            target=lambda: tools.run("qemu-io", "-c", "sleep 600000", "null-co://"), daemon=True)
        waiting.start()
        started.wait()
        os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    with open(read, "rb") as file:
        assert file.read() == b""  # Its end comes when the last who had it is gone.


def test_dotted_options():
    disk = Disk({"driver": "rbd", "server": [{"host": "a", "port": 1}], "x": True,
                 "file": {"filename": "/a,b"}})
    assert tools.dotted(disk) == (
        "driver=rbd,server.0.host=a,server.0.port=1,x=on,file.filename=/a,,b")


def test_a_container_becomes_a_volume_as_it_is(driver, volume, tmp_path):
    source, target, path = volume(encrypted=True), volume(encrypted=True, size=2), tmp_path / "out"
    with driver.opened(source, write=True) as disk:
        copying.lock(disk, "open")
        disks.write(copying.unlocked(disk, "open"), 7, MIB)
        copying.to_image(disk, path, "raw", GIB + LUKS_HEADER)
    with driver.opened(target, write=True) as disk:
        copying.from_container(path, disk, 2 * GIB + LUKS_HEADER)
        assert disks.has(copying.unlocked(disk, "open"), 7, MIB)
        with pytest.raises(copying.TooSmall):
            copying.from_container(path, disk, GIB)
        path.write_bytes(b"no container")
        with pytest.raises(copying.BadImage):
            copying.from_container(path, disk, GIB)
