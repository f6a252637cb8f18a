"""The driver of LVM keeps the contract, over LVM's tools and targets that are faked. (The real ones
are in the acceptance suite lvm.)"""

import dataclasses

import pytest
from fakes.lvm import FakeLvm, FakeTargets
from unit.cinder.driver_contract import Contract

from cairn.cinder.drivers.base import (
    GIB,
    BackendFailed,
    Disk,
    Host,
    NoRoom,
    NoSuchReference,
    NotSupported,
    Snapshot,
    Volume,
)
from cairn.cinder.drivers.lvm import LvmDriver
from cairn.cinder.drivers.targets import Records
from cairn.cinder.drivers.volume_group import VolumeGroup
from cairn.common.db import new_id


class Lab:
    def __init__(self, folder):
        self.folder = folder
        self.lvm = FakeLvm(folder / "lvm")
        self.targets = FakeTargets(folder / "targets")

    def make(self):
        driver = LvmDriver("lvm", "cairn", Host(export_address="192.0.2.4"))
        driver.block = "file"
        driver.group = VolumeGroup("cairn", "volumes", FakeLvm(self.lvm.folder))
        driver.records = Records(self.folder / "records")
        driver.targets = self.targets
        return driver


@pytest.fixture
def lab(tmp_path):
    return Lab(tmp_path)


class TestLvmDriver(Contract):
    @pytest.fixture
    def make(self, lab):
        self.lab = lab
        return lab.make

    def guest(self, info):
        data = info["data"]
        told = self.lab.targets.told(data["target_iqn"])
        assert (told["user"], told["secret"]) == (data["auth_username"], data["auth_password"])
        return Disk({"driver": "raw", "size": told["size"], "file": {
            "driver": "file", "filename": told["device"], "locking": "off"}})

    def left(self, driver):
        records = self.lab.folder / "records"
        return [*self.lab.lvm.names(), *self.lab.targets.served(),
                *(records.iterdir() if records.is_dir() else ())]


@pytest.fixture
def driver(lab):
    return lab.make()


@pytest.fixture
def volume(driver):
    volume = Volume(new_id(), 1)
    driver.create(volume)
    return volume


def export(driver, volume, **facts):
    attachment = new_id()
    connector = Contract().connector(**facts)
    return attachment, driver.export(volume, attachment, connector)["data"]


def test_each_attachment_has_a_secret_of_its_own(driver, volume, lab):
    (one, first), (_, second) = export(driver, volume), export(driver, volume, read_only=True)
    assert first["auth_password"] != second["auth_password"]
    assert first["target_iqn"] != second["target_iqn"]
    assert lab.targets.told(second["target_iqn"])["read_only"]
    assert not lab.targets.told(first["target_iqn"])["read_only"]
    assert (first["access_mode"], second["access_mode"]) == ("rw", "ro")
    assert first["target_portal"] == "192.0.2.4:3260"
    driver.unexport(volume, one)
    assert lab.targets.served() == {second["target_iqn"]}


def test_nobody_else_reads_a_secret(driver, volume, lab):
    _, data = export(driver, volume)
    folder = lab.folder / "records"
    assert folder.stat().st_mode & 0o77 == 0
    assert [path.stat().st_mode & 0o77 for path in folder.iterdir()] == [0]
    assert not any(data["auth_password"] in " ".join(call) for call in driver.group._run.calls)
    assert data["auth_password"] not in repr(list(driver.records))


def test_exports_come_back_after_a_boot(driver, volume, lab):
    _, data = export(driver, volume)
    lab.lvm.boot()
    lab.targets.boot()
    again = lab.make()
    again.check()
    assert lab.targets.told(data["target_iqn"])["secret"] == data["auth_password"]


def test_an_export_of_a_volume_that_is_gone_hinders_nobody(driver, volume, lab):
    export(driver, volume)
    driver.group.remove(f"volume-{volume.id}")
    lab.targets.boot()
    driver.check()
    assert lab.targets.served() == set()
    [(id_, attachment)] = driver.exports()
    driver.unexport(Volume(id_, 1), attachment)
    assert driver.exports() == set()


def test_a_volume_in_use_stays(driver, volume):
    export(driver, volume)
    with pytest.raises(BackendFailed, match="in use"):
        driver.delete(volume)
    assert driver.rename(volume, new_id()) is None


def test_a_volume_takes_no_name_that_is_taken(driver, volume):
    other = Volume(new_id(), 1)
    driver.create(other)
    assert driver.rename(volume, other.id) is None
    with pytest.raises(BackendFailed):
        driver.rename(Volume(new_id(), 1), new_id())


def test_what_a_tool_left_suspended_goes_on(driver, volume, lab):
    lab.lvm.change(f"volume-{volume.id}", suspended=True)
    driver.check()
    assert not driver.group.volumes()[f"volume-{volume.id}"].suspended


@pytest.mark.parametrize(("attributes", "reason"), [
    ("twi-aot---", "--zero y cairn/volumes"), ("twi-aotzD-", "data is full"),
    ("twi-aotzM-", "metadata is read-only"), ("twi---tz--", "not active"),
    ("-wi-a-----", "no thin pool"),
])
def test_a_pool_that_is_not_well_is_told_of(driver, lab, attributes, reason):
    lab.lvm.change("volumes", kind=attributes)
    with pytest.raises(BackendFailed, match=reason):
        driver.check()


def test_targets_that_are_not_well_are_told_of(driver, lab):
    lab.targets.broken = "nothing serves"
    with pytest.raises(BackendFailed, match="nothing serves"):
        driver.check()


def test_a_pool_that_is_full_says_so(driver, lab):
    lab.lvm.change("volumes", full=True)
    with pytest.raises(NoRoom):
        driver.create(Volume(new_id(), 1))
    lab.lvm.change("volumes", metadata="96.00")
    assert driver.pools()[0].free_capacity_gb == 0


def test_figures(driver, volume, lab):
    driver.create_snapshot(Snapshot(new_id(), volume, 1))
    lab.lvm.change("volumes", percent="25.00")
    [pool] = driver.pools()
    assert (pool.total_capacity_gb, pool.free_capacity_gb) == (64, 48)
    assert (pool.provisioned_capacity_gb, pool.total_volumes) == (1, 1)


def test_several_volumes_are_not_of_one_moment(driver, volume):
    other = Volume(new_id(), 1)
    driver.create(other)
    with pytest.raises(NotSupported):
        driver.create_snapshots([Snapshot(new_id(), each, 1) for each in (volume, other)])
    assert len(driver.create_snapshots([Snapshot(new_id(), volume, 1) for _ in range(2)])) == 2


def test_a_snapshot_is_active_only_while_it_is_read(driver, volume):
    snapshot = Snapshot(new_id(), volume, 1)
    driver.create_snapshot(snapshot)
    name = f"snap-{snapshot.id}"
    with driver.opened(snapshot), driver.opened(snapshot):
        assert driver.group.volumes()[name].active
    assert not driver.group.volumes()[name].active
    assert driver._opened == {}


def test_what_comes_from_elsewhere_is_made_whole_gib(driver):
    driver.group.create("theirs", 3 * GIB // 2)
    assert driver.manage_size({"source-name": "theirs"}) == 2
    other = Volume(new_id(), 2)
    driver.manage(other, {"source-name": "theirs"})
    assert driver.group.volumes()[f"volume-{other.id}"].size == 2 * GIB


def test_a_snapshot_from_elsewhere_is_one_of_its_volume(driver, volume):
    driver.group.snapshot(f"volume-{volume.id}", "theirs", writable=False)
    [there] = driver.manageable_snapshots()
    assert there.source_reference == {"source-name": f"volume-{volume.id}"}
    with pytest.raises(NoSuchReference, match="a snapshot"):
        driver.manage_size(there.reference)
    other = Volume(new_id(), 1)
    driver.create(other)
    with pytest.raises(NoSuchReference, match="that volume"):
        driver.manage_snapshot(Snapshot(new_id(), other, 1), there.reference)
    driver.manage_snapshot(Snapshot(new_id(), volume, 1), there.reference)
    assert len(list(driver.manageable_snapshots())) == 1


def test_what_is_ours_or_open_is_not_managed(driver, volume):
    with pytest.raises(NoSuchReference, match="already managed"):
        driver.manage(Volume(new_id(), 1), {"source-name": f"volume-{volume.id}"})
    with pytest.raises(NoSuchReference, match="not in the thin pool"):
        driver.manage(Volume(new_id(), 1), {"source-name": "volumes"})


@pytest.mark.parametrize("where", ["", "a/b/c", "-x", "a b", "x" * 200])
def test_a_group_has_a_name(where):
    with pytest.raises(BackendFailed, match="not a name"):
        LvmDriver("lvm", where)


def test_a_reverting_that_died_in_the_middle_is_seen_by_nobody(driver, volume, lab):
    """Not by a driver that was never asked to revert, either."""
    snapshot = Snapshot(new_id(), volume, 1)
    driver.create_snapshot(snapshot)
    driver.group.snapshot(f"snap-{snapshot.id}", f"revert-{volume.id}")
    driver.group.rename(f"volume-{volume.id}", f"old-{volume.id}")
    again = lab.make()
    assert list(again.stray({volume.id}, {snapshot.id})) == []
    assert list(again.stray(set(), {snapshot.id})) == [("volume", volume.id)]
    again.extend(dataclasses.replace(volume, size=1), 2)
    assert lab.lvm.names() == sorted([f"snap-{snapshot.id}", f"volume-{volume.id}"])
