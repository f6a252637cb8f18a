"""Volumes as files where the disk is really full: each ends in words, and with usable volumes."""

import os
import shutil

import pytest
from fakes import disks
from fakes.full import filled, small

from cairn.cinder.drivers import tools
from cairn.cinder.drivers.base import GIB, Connector, Host, NoRoom, Snapshot, Volume
from cairn.cinder.drivers.file import FileDriver
from cairn.cinder.volume import copying
from cairn.common.db import new_id

MIB = disks.MIB
HERE = Connector("localhost")


@pytest.fixture
def folder(tmp_path):
    with small(tmp_path / "volumes") as folder:
        yield folder


@pytest.fixture
def driver(folder, daemon):
    driver = FileDriver("file", str(folder), Host(exports=str(daemon.folder)))
    driver.check()
    return driver


@pytest.fixture
def volume(driver):
    """One whose first MiB is of sevens."""
    volume = Volume(new_id(), 1)
    driver.create(volume)
    with driver.opened(volume, write=True) as disk:
        disks.write(disk, 7)
    return volume


def full(driver):
    return filled(driver.folder)


def files(driver):
    return {path for path in driver.folder.rglob("*") if path.is_file()}


def holds(driver, volume, byte=7):
    with driver.opened(volume) as disk:
        return disks.has(disk, byte)


def test_what_is_new_is_refused_and_leaves_nothing(driver, volume):
    snapshot = Snapshot(new_id(), volume, 1)
    driver.create_snapshot(snapshot)
    new, later = Volume(new_id(), 1), Snapshot(new_id(), volume, 1)
    attempts = (
        lambda: driver.create(new), lambda: driver.clone(new, volume),
        lambda: driver.clone_snapshot(new, snapshot), lambda: driver.create_snapshot(later),
        lambda: driver.revert(volume, snapshot),
    )
    before = files(driver)
    for attempt in attempts:
        with full(driver), pytest.raises(NoRoom):
            attempt()
        assert files(driver) == before
    assert holds(driver, volume)
    for attempt in (attempts[1], attempts[3], attempts[4]):
        attempt()
    assert holds(driver, volume) and holds(driver, new)


def test_what_is_there_can_be_deleted(driver, volume):
    snapshot, clone = Snapshot(new_id(), volume, 1), Volume(new_id(), 1)
    driver.create_snapshot(snapshot)
    driver.clone_snapshot(clone, snapshot)
    with full(driver):
        driver.delete_snapshot(snapshot)
        driver.delete(clone)
    assert holds(driver, volume)
    with full(driver):
        driver.delete(volume)
        assert os.statvfs(driver.folder).f_bavail  # That is how there is room again.
    assert driver.pools()[0].total_volumes == 0


def test_a_volume_that_cannot_grow_is_what_it_was(driver, volume):
    huge = 100_000  # Its tables alone need room.
    with full(driver), pytest.raises(NoRoom):
        driver.extend(volume, huge)
    assert holds(driver, volume)
    with driver.opened(volume, write=True) as disk:
        assert disks.size(disk) == GIB
        disks.write(disk, 8)
    driver.extend(volume, huge)
    with driver.opened(volume, write=True) as disk:
        assert disks.size(disk) == huge * GIB


def test_one_in_use_that_cannot_grow_is_still_used(driver, volume):
    disk = disks.guest(driver.export(volume, new_id(), HERE))
    with full(driver), pytest.raises(NoRoom):
        driver.extend(volume, 100_000)
    assert disks.size(disk) == GIB and disks.has(disk, 7)
    disks.write(disk, 8)
    driver.extend(volume, 100_000)
    assert disks.size(disk) == 100_000 * GIB and disks.has(disk, 8)


def test_a_snapshot_of_one_in_use_is_refused_and_the_guest_goes_on(driver, volume):
    disk = disks.guest(driver.export(volume, new_id(), HERE))
    snapshot = Snapshot(new_id(), volume, 1)
    with full(driver):
        with pytest.raises(NoRoom):
            driver.create_snapshot(snapshot)
        disks.write(disk, 8)  # Over what it had written: that needs no room.
    driver.create_snapshot(snapshot)
    disks.write(disk, 9)
    with driver.opened(snapshot) as frozen:
        assert disks.has(frozen, 8)
    assert disks.has(disk, 9)


def test_a_guest_that_comes_or_goes_needs_no_room_or_is_told(driver, volume):
    attachment, other = new_id(), new_id()
    driver.export(volume, attachment, HERE)
    with full(driver):
        with pytest.raises(NoRoom):
            driver.export(volume, other, HERE)
        driver.check()
        assert driver.exports() == {(volume.id, attachment)}
        driver.unexport(volume, attachment)
    assert driver.exports() == set()
    assert disks.has(disks.guest(driver.export(volume, other, HERE)), 7)


def test_a_guest_that_writes_is_told_and_may_write_later(driver, volume):
    """Its QEMU stops it with this error, and asks again when it is resumed."""
    disk = disks.guest(driver.export(volume, new_id(), HERE))
    with full(driver):
        with pytest.raises(AssertionError, match="No space left on device"):
            disks.write(disk, 9, 2 * MIB)
        assert disks.has(disk, 7)
        disks.write(disk, 8)
    disks.write(disk, 9, 2 * MIB)
    assert disks.has(disk, 8) and disks.has(disk, 9, 2 * MIB)
    tools.run("qemu-img", "check", "-U", "-q", str(next(driver.folder.glob("layers/*"))))


def test_layers_that_cannot_be_merged_stay(driver, volume):
    """Snapshots that are deleted are merged; what has no room for that is left to later."""
    snapshot = Snapshot(new_id(), volume, 1)
    with driver.opened(volume, write=True) as disk:
        disks.write(disk, 7, 0, 4 * MIB)
    driver.create_snapshot(snapshot)
    with driver.opened(volume, write=True) as disk:
        disks.write(disk, 8, 4 * MIB, 4 * MIB)
    with full(driver):
        driver.delete_snapshot(snapshot)
    with driver.opened(volume, write=True) as disk:
        assert disks.has(disk, 7, 0, 4 * MIB) and disks.has(disk, 8, 4 * MIB, 4 * MIB)


def test_an_image_that_does_not_fit_is_refused(driver, volume, tmp_path):
    image = tmp_path / "image"
    image.write_bytes(b"x" * 4 * MIB)
    with driver.opened(volume, write=True) as disk, full(driver), pytest.raises(NoRoom):
        copying.from_image(image, "raw", disk, GIB)
    with driver.opened(volume, write=True) as disk:
        copying.from_image(image, "raw", disk, GIB, new=False)
        assert disks.has(disk, ord("x"), 0, 4 * MIB)


def test_a_folder_without_room_takes_no_image(driver, volume):
    path = driver.folder / "image"
    shutil.copy("/dev/null", path)
    with driver.opened(volume) as disk, full(driver), pytest.raises(NoRoom):
        copying.to_image(disk, path, "raw", GIB)
    path.unlink()
    assert holds(driver, volume)
