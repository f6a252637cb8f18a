"""What every driver of volumes must keep, whatever its backend. A driver's test subclasses
Contract, gives it `make`, and overrides what its backend has otherwise.

Bytes are written and read by QEMU's tools, and a process that dies at any moment leaves a backend
in which the same call, or the one that undoes it, makes everything good.
"""

import dataclasses
import threading
from contextlib import suppress

import pytest
from fakes import deaths, disks

from cairn.cinder.drivers.base import (
    GIB,
    BackendFailed,
    Connector,
    NoSuchReference,
    NotSupported,
    Snapshot,
    Volume,
    room,
)
from cairn.common.db import new_id
from cairn.common.errors import Invalid, Problem

MIB = disks.MIB
NASTY = ["", ".", "..", "../x", "a/b", "x" * 300, "-o", "a b", "a\nb", "\0", "json:{}", "nbd:x:1",
         "A" * 36, "{00000000-0000-0000-0000-000000000000}"]


class Scene:
    """A volume that holds 2, its snapshot that holds 1, and names for more."""

    def __init__(self, contract, driver):
        self.contract, self.driver = contract, driver
        self.volume = contract.volume(driver)
        contract.fill(driver, self.volume, 1)
        self.snapshot = contract.snapshot(driver, self.volume)
        contract.fill(driver, self.volume, 2)
        self.fresh, self.second = Volume(new_id(), 1), Snapshot(new_id(), self.volume, 1)
        self.renamed = dataclasses.replace(self.volume, id=new_id())
        self.attachment = new_id()

    def export(self, driver):
        return driver.export(self.volume, self.attachment, self.contract.connector())

    def holds(self, driver, thing, byte):
        return self.contract.holds(driver, thing, byte)

    def there(self, driver, thing):
        try:
            with driver.opened(thing):
                return True
        except BackendFailed:
            return False

    def check(self, driver, method):
        """What the action had nothing to do with is as it was."""
        if method not in ("delete", "revert", "rename"):
            assert self.holds(driver, self.volume, 2)
        if method != "delete_snapshot" and (method != "delete" or self.contract.snapshots_apart):
            assert self.holds(driver, self.snapshot, 1)

    def clear(self, driver):
        for volume, attachment in driver.exports():
            driver.unexport(Volume(volume, 1), attachment)
        for snapshot in (self.snapshot, self.second):
            driver.delete_snapshot(snapshot)
        for volume in (self.volume, self.fresh, self.renamed):
            driver.delete(volume)


# By method: what calls it, what undoes that, whether it is done.
DEADLY = {
    "create": (lambda s, d: d.create(s.fresh), lambda s, d: d.delete(s.fresh),
               lambda s, d: s.holds(d, s.fresh, 0)),
    "clone": (lambda s, d: d.clone(s.fresh, s.volume), lambda s, d: d.delete(s.fresh),
              lambda s, d: s.holds(d, s.fresh, 2)),
    "clone_snapshot": (lambda s, d: d.clone_snapshot(s.fresh, s.snapshot),
                       lambda s, d: d.delete(s.fresh), lambda s, d: s.holds(d, s.fresh, 1)),
    "extend": (lambda s, d: d.extend(s.volume, 2), None,
               lambda s, d: s.contract.size(d, s.volume) == 2 * GIB),
    "create_snapshot": (lambda s, d: d.create_snapshot(s.second),
                        lambda s, d: d.delete_snapshot(s.second),
                        lambda s, d: s.holds(d, s.second, 2)),
    "revert": (lambda s, d: d.revert(s.volume, s.snapshot), None,
               lambda s, d: s.holds(d, s.volume, 1)),
    "export": (lambda s, d: s.export(d), lambda s, d: d.unexport(s.volume, s.attachment),
               lambda s, d: disks.has(s.contract.guest(s.export(d)), 2)),
    "unexport": (lambda s, d: d.unexport(s.volume, s.attachment), None,
                 lambda s, d: d.exports() == set()),
    "delete_snapshot": (lambda s, d: d.delete_snapshot(s.snapshot), None,
                        lambda s, d: not s.there(d, s.snapshot)),
    "delete": (lambda s, d: d.delete(s.volume), None,
               lambda s, d: not s.there(d, s.volume)),
    "rename": (lambda s, d: d.rename(s.volume, s.renamed.id), None,
               lambda s, d: s.holds(d, s.renamed, 2)),
}


class Contract:
    can_rename = True
    # Whether a snapshot can be taken out of our hands, and into them.
    manages_snapshots = True
    # Whether volumes in use are extended.
    extends_in_use = True
    # Whether a snapshot is a thing of its own, which outlives its volume, and its volume's name.
    snapshots_apart = True
    # Of so many effects one is died before: 1 is every one.
    stride = 1

    @pytest.fixture
    def make(self, tmp_path):
        """make() -> the driver as a process that has just started has it, on one backend."""
        raise NotImplementedError

    @pytest.fixture
    def driver(self, make):
        return make()

    # What a driver may have otherwise.

    def volume(self, driver, size=1, **facts):
        """One that there is."""
        volume = Volume(new_id(), size, **facts)
        return dataclasses.replace(volume, provider=driver.create(volume))

    def snapshot(self, driver, volume):
        snapshot = Snapshot(new_id(), volume, volume.size)
        return dataclasses.replace(snapshot, provider=driver.create_snapshot(snapshot))

    def connector(self, **facts):
        return Connector(host="localhost", ip="127.0.0.1", **facts)

    def guest(self, info):
        """What a guest opens by its connection information."""
        return disks.guest(info)

    def in_backend(self, driver):
        """All there is: nothing is left when everything was deleted."""
        return sorted(driver.stray(set(), set()))

    # Volumes

    def fill(self, driver, volume, byte, offset=0):
        with driver.opened(volume, write=True) as disk:
            disks.write(disk, byte, offset)

    def holds(self, driver, thing, byte, offset=0):
        with driver.opened(thing) as disk:
            return disks.has(disk, byte, offset)

    def size(self, driver, thing):
        with driver.opened(thing) as disk:
            return disks.size(disk)

    def test_it_works(self, driver):
        driver.check()
        pools = driver.pools()
        assert pools and all(p.total_capacity_gb > 0 for p in pools)
        assert driver.name and driver.storage_protocol and driver.vendor_name
        assert driver.driver_version

    def test_pools_count_volumes(self, driver):
        before = sum(p.provisioned_capacity_gb for p in driver.pools())
        self.volume(driver, 3)
        assert sum(p.provisioned_capacity_gb for p in driver.pools()) == before + 3
        assert sum(p.total_volumes for p in driver.pools()) == 1

    def test_a_volume_is_zeros_and_keeps_what_is_written(self, driver, make):
        volume = self.volume(driver)
        assert self.size(driver, volume) == GIB
        assert self.holds(driver, volume, 0)
        self.fill(driver, volume, 7, GIB - MIB)
        driver.create(volume)  # Once more changes nothing.
        assert self.holds(make(), volume, 7, GIB - MIB) and self.holds(driver, volume, 0)

    def test_a_container_has_room_beside_its_payload(self, driver):
        volume = self.volume(driver, encrypted=True)
        assert self.size(driver, volume) >= room(volume) > GIB

    def test_a_deleted_volume_is_gone_and_not_missed(self, driver):
        volume = self.volume(driver)
        for _ in range(2):
            driver.delete(volume)
        driver.delete(Volume(new_id(), 1))
        assert self.in_backend(driver) == []
        with pytest.raises(BackendFailed), driver.opened(volume):
            pass

    def test_extending_keeps_what_was_there(self, driver):
        volume = self.volume(driver)
        self.fill(driver, volume, 5)
        for _ in range(2):
            driver.extend(volume, 3)
        larger = dataclasses.replace(volume, size=3)
        driver.extend(larger, 3)
        assert self.size(driver, larger) == 3 * GIB
        assert self.holds(driver, larger, 5) and self.holds(driver, larger, 0, 3 * GIB - MIB)

    def test_a_clone_is_independent(self, driver):
        source = self.volume(driver)
        self.fill(driver, source, 5)
        clone = Volume(new_id(), 2)
        for _ in range(2):
            driver.clone(clone, source)
        assert self.size(driver, clone) == 2 * GIB
        self.fill(driver, clone, 6)
        self.fill(driver, source, 7)
        assert self.holds(driver, clone, 6) and self.holds(driver, source, 7)
        assert self.holds(driver, clone, 0, GIB)
        driver.delete(source)
        assert self.holds(driver, clone, 6)
        driver.delete(clone)
        assert self.in_backend(driver) == []

    def test_nothing_is_made_from_what_is_not_there(self, driver):
        nobody = Volume(new_id(), 1)
        for attempt in (
            lambda: driver.clone(Volume(new_id(), 1), nobody),
            lambda: driver.clone_snapshot(Volume(new_id(), 1), Snapshot(new_id(), nobody, 1)),
            lambda: driver.create_snapshot(Snapshot(new_id(), nobody, 1)),
            lambda: driver.extend(nobody, 2),
            lambda: driver.export(nobody, new_id(), self.connector()),
        ):
            with pytest.raises(BackendFailed):
                attempt()
        assert self.in_backend(driver) == []

    @pytest.mark.parametrize("name", NASTY)
    def test_names_are_checked(self, driver, name):
        for attempt in (
            lambda: driver.create(Volume(name, 1)), lambda: driver.delete(Volume(name, 1)),
            lambda: driver.export(self.volume(driver), name, self.connector()),
            lambda: driver.create_snapshot(Snapshot(name, self.volume(driver), 1)),
        ):
            with pytest.raises(Invalid):
                attempt()

    # Snapshots

    def test_a_snapshot_stays_as_it_was(self, driver):
        volume = self.volume(driver)
        self.fill(driver, volume, 1)
        snapshot = self.snapshot(driver, volume)
        self.fill(driver, volume, 2)
        driver.create_snapshot(snapshot)  # Once more does not take it anew.
        assert self.holds(driver, snapshot, 1) and self.holds(driver, volume, 2)
        driver.extend(volume, 2)
        assert self.size(driver, snapshot) == GIB
        with pytest.raises(NotSupported), driver.opened(snapshot, write=True):
            pass

    def test_snapshots_go_in_any_order(self, driver):
        for order in ((0, 1, 2), (2, 1, 0), (1, 0, 2)):
            volume = self.volume(driver)
            snapshots = []
            for byte in (1, 2, 3):
                self.fill(driver, volume, byte, byte * MIB)
                snapshots.append(self.snapshot(driver, volume))
            self.fill(driver, volume, 4, 4 * MIB)
            gone = set()
            for index in order:
                driver.delete_snapshot(snapshots[index])
                driver.delete_snapshot(snapshots[index])
                gone.add(index)
                for other in set(range(3)) - gone:
                    assert self.holds(driver, snapshots[other], other + 1, (other + 1) * MIB)
                    assert self.holds(driver, snapshots[other], 0, (other + 2) * MIB)
                assert all(self.holds(driver, volume, b, b * MIB) for b in (1, 2, 3, 4))
            driver.delete(volume)
            assert self.in_backend(driver) == []

    def test_volumes_are_made_from_snapshots(self, driver):
        volume = self.volume(driver)
        self.fill(driver, volume, 1)
        snapshot = self.snapshot(driver, volume)
        self.fill(driver, volume, 2)
        clones = [Volume(new_id(), size) for size in (1, 2)]
        for clone in (*clones, *clones):
            driver.clone_snapshot(clone, snapshot)
        self.fill(driver, clones[0], 3)
        assert [self.holds(driver, thing, byte) for thing, byte in (
            (snapshot, 1), (volume, 2), (clones[0], 3), (clones[1], 1))] == [True] * 4
        driver.delete_snapshot(snapshot)
        driver.delete(volume)
        assert self.holds(driver, clones[0], 3) and self.holds(driver, clones[1], 1)
        for clone in clones:
            driver.delete(clone)
        assert self.in_backend(driver) == []

    def test_reverting(self, driver):
        volume = self.volume(driver)
        self.fill(driver, volume, 1)
        snapshot = self.snapshot(driver, volume)
        self.fill(driver, volume, 2)
        driver.extend(volume, 2)
        volume = dataclasses.replace(volume, size=2)
        for _ in range(2):
            driver.revert(volume, snapshot)
        assert self.holds(driver, volume, 1) and self.size(driver, volume) == 2 * GIB
        self.fill(driver, volume, 3)
        assert self.holds(driver, snapshot, 1)

    def test_snapshots_of_several_volumes(self, driver):
        volumes = [self.volume(driver) for _ in range(2)]
        snapshots = [Snapshot(new_id(), volume, 1) for volume in volumes]
        for byte, volume in enumerate(volumes, 1):
            self.fill(driver, volume, byte)
        try:
            assert len(driver.create_snapshots(snapshots)) == 2
        except NotSupported:
            assert all(found[0] == "volume" for found in self.in_backend(driver))
            return
        for byte, snapshot in enumerate(snapshots, 1):
            assert self.holds(driver, snapshot, byte)

    # Guests

    def test_a_guest_writes_what_we_read(self, driver):
        volume, attachment = self.volume(driver), new_id()
        info = driver.export(volume, attachment, self.connector())
        assert driver.export(volume, attachment, self.connector()) == info
        disks.write(self.guest(info), 9)
        assert disks.has(self.guest(info), 9)
        assert driver.exports() == {(volume.id, attachment)}
        for _ in range(2):
            driver.unexport(volume, attachment)
        assert driver.exports() == set()
        assert self.holds(driver, volume, 9)

    def test_two_guests_share_a_volume(self, driver):
        volume, attachments = self.volume(driver), [new_id(), new_id()]
        infos = [driver.export(volume, a, self.connector()) for a in attachments]
        disks.write(self.guest(infos[0]), 9)
        assert disks.has(self.guest(infos[1]), 9)
        driver.unexport(volume, attachments[0])
        assert disks.has(self.guest(infos[1]), 9)

    def test_a_volume_in_use_is_snapshotted_cloned_and_copied(self, driver):
        volume, attachment = self.volume(driver), new_id()
        guest = self.guest(driver.export(volume, attachment, self.connector()))
        disks.write(guest, 1)
        snapshot = self.snapshot(driver, volume)
        disks.write(guest, 2)
        clone = Volume(new_id(), 1)
        driver.clone(clone, volume)
        disks.write(guest, 3)
        with driver.opened(volume) as disk:
            disks.write(guest, 3, MIB)
            assert disks.has(disk, 3)
        with pytest.raises(NotSupported), driver.opened(volume, write=True):
            pass
        assert self.holds(driver, snapshot, 1) and self.holds(driver, clone, 2)
        assert disks.has(guest, 3) and disks.has(guest, 3, MIB)
        driver.delete_snapshot(snapshot)
        driver.delete(clone)
        assert disks.has(guest, 3) and disks.has(guest, 3, MIB)
        driver.unexport(volume, attachment)
        assert self.holds(driver, volume, 3) and self.holds(driver, volume, 3, MIB)
        driver.delete(volume)
        assert self.in_backend(driver) == []

    def test_a_volume_in_use_is_extended(self, driver):
        if not self.extends_in_use:
            pytest.skip("not by this backend")
        volume, attachment = self.volume(driver), new_id()
        info = driver.export(volume, attachment, self.connector())
        disks.write(self.guest(info), 1)
        for _ in range(2):
            driver.extend(volume, 2)
        larger = dataclasses.replace(volume, size=2)
        assert driver.export(larger, attachment, self.connector()) == info
        assert disks.size(self.guest(info)) == 2 * GIB and disks.has(self.guest(info), 1)

    def test_exports_outlive_our_process(self, driver, make):
        volume, attachment = self.volume(driver), new_id()
        info = driver.export(volume, attachment, self.connector())
        disks.write(self.guest(info), 1)
        again = make()
        assert again.exports() == driver.exports()
        assert again.export(volume, attachment, self.connector()) == info
        assert disks.has(self.guest(info), 1)
        again.unexport(volume, attachment)
        assert self.holds(again, volume, 1)

    # Names

    def test_another_id(self, driver):
        if not self.can_rename:
            pytest.skip("this backend keeps names")
        volume = self.volume(driver)
        self.fill(driver, volume, 4)
        other = dataclasses.replace(volume, id=new_id())
        for _ in range(2):
            assert driver.rename(volume, other.id) is not None
        assert self.holds(driver, other, 4)
        driver.delete(volume)  # It is not that one any more.
        assert self.holds(driver, other, 4)

    def test_what_is_unmanaged_can_be_managed(self, driver):
        volume = self.volume(driver)
        self.fill(driver, volume, 4)
        mine = [m for m in driver.manageable_volumes() if m.cinder_id == volume.id]
        assert [m.safe_to_manage for m in mine] == [False]
        for _ in range(2):
            driver.unmanage(volume)
        there, = driver.manageable_volumes()
        assert there.safe_to_manage and there.cinder_id is None and there.size == 1
        assert driver.manage_size(there.reference) == 1
        other = Volume(new_id(), 1)
        for _ in range(2):
            driver.manage(other, there.reference)
        assert self.holds(driver, other, 4)
        driver.delete(other)
        assert self.in_backend(driver) == [] and list(driver.manageable_volumes()) == []

    def test_snapshots_are_unmanaged_and_managed(self, driver):
        if not self.manages_snapshots:
            pytest.skip("not by this backend")
        volume = self.volume(driver)
        self.fill(driver, volume, 4)
        snapshot = self.snapshot(driver, volume)
        self.fill(driver, volume, 5)
        for _ in range(2):
            driver.unmanage_snapshot(snapshot)
        there, = (m for m in driver.manageable_snapshots() if m.safe_to_manage)
        assert there.source_reference is not None and there.size == 1
        other = Snapshot(new_id(), volume, 1)
        for _ in range(2):
            driver.manage_snapshot(other, there.reference)
        assert self.holds(driver, other, 4) and self.holds(driver, volume, 5)
        with pytest.raises(NoSuchReference):
            driver.manage_snapshot(Snapshot(new_id(), volume, 1), there.reference)

    @pytest.mark.parametrize("name", [*NASTY, None, 5])
    def test_references_are_checked(self, driver, name):
        self.volume(driver)
        for attempt in (
            lambda: driver.manage(Volume(new_id(), 1), {"source-name": name}),
            lambda: driver.manage(Volume(new_id(), 1), {"other": name}),
            lambda: driver.manage_size({"source-name": name}),
        ):
            with pytest.raises(NoSuchReference):
                attempt()

    def test_strays_are_told(self, driver):
        volume = self.volume(driver)
        snapshot = self.snapshot(driver, volume)
        assert list(driver.stray({volume.id}, {snapshot.id})) == []
        assert sorted(driver.stray(set(), set())) == [
            ("snapshot", snapshot.id), ("volume", volume.id)]

    def test_what_is_whole_is_no_leftover(self, driver):
        volume = self.volume(driver)
        self.snapshot(driver, volume)
        self.fill(driver, volume, 1)
        assert list(driver.leftovers()) == []
        for name in (volume.id, f"volume-{volume.id}", "volumes/x", "../x.part"):
            with suppress(Problem):
                driver.remove_leftover(name)
        assert self.holds(driver, volume, 1)

    # At once

    def test_calls_at_once_are_as_calls_in_turn(self, driver):
        volume = self.volume(driver)
        self.fill(driver, volume, 1)
        snapshots = [Snapshot(new_id(), volume, 1) for _ in range(4)]
        clones = [Volume(new_id(), 1) for _ in range(2)]
        attachment = new_id()
        calls = [lambda s=s: driver.create_snapshot(s) for s in snapshots]
        calls += [lambda c=c: driver.clone(c, volume) for c in (*clones, *clones)]
        calls += [lambda: driver.extend(volume, 2)] * 2
        calls += [lambda: driver.export(volume, attachment, self.connector())] * 2
        failures = []

        def call(func):
            try:
                func()
            except BaseException as failure:
                failures.append(failure)

        threads = [threading.Thread(target=call, args=[func]) for func in calls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert all(self.holds(driver, thing, 1) for thing in (*snapshots, *clones, volume))
        assert self.size(driver, volume) == 2 * GIB

    # Deaths

    @pytest.mark.parametrize(("method", "ending"), [
        (method, ending) for method, (_, undo, _) in DEADLY.items()
        for ending in ("repeated", *(["undone"] if undo else []))])
    def test_a_process_that_dies(self, make, method, ending):
        do, undo, done = DEADLY[method]
        if method == "rename" and not self.can_rename:
            pytest.skip("this backend keeps names")
        for effects in range(0, 200, self.stride):
            scene = self.scene(make)
            if method == "unexport":
                scene.export(scene.driver)
            if method == "delete" and not self.snapshots_apart:
                scene.driver.delete_snapshot(scene.snapshot)
            ended = not deaths.died(lambda scene=scene: do(scene, make()), effects)
            driver = make()
            if ending == "repeated":
                do(scene, driver)
                assert done(scene, driver), f"after {effects} effects"
            else:
                undo(scene, driver)
            if method == "rename" and not self.snapshots_apart:
                scene.snapshot = dataclasses.replace(scene.snapshot, volume=scene.renamed)
            for leftover in list(driver.leftovers()):
                driver.remove_leftover(leftover.name)
            assert list(driver.leftovers()) == []
            scene.check(driver, method)
            scene.clear(driver)
            assert self.left(driver) == [], f"after {effects} effects"
            if ended:
                assert effects, "nothing was seen to happen"
                return
        raise AssertionError("it does not come to its end")

    def scene(self, make):
        """A new one on a backend that has nothing else."""
        return Scene(self, make())

    def left(self, driver):
        """What is in the backend when everything was deleted; nothing of ours."""
        return [*self.in_backend(driver), *driver.exports()]
