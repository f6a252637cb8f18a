"""The rbd driver keeps the contract, on a pool of a Ceph cluster where there is one."""

import subprocess
import types
from contextlib import contextmanager

import pytest
from fakes import cluster, deaths, disks
from unit.cinder.driver_contract import Contract

from cairn.cinder.drivers import ceph, tools
from cairn.cinder.drivers.base import (
    GIB,
    BackendFailed,
    Disk,
    Host,
    NotSupported,
    Snapshot,
    Volume,
)
from cairn.common.db import new_id

if not cluster.VOLUMES:
    pytest.skip("no Ceph: CAIRN_TEST_RBD_VOLUMES names no pool", allow_module_level=True)

RBD_EFFECTS = ("clone", "create", "remove", "rename", "trash_move", "trash_remove")
IMAGE_EFFECTS = ("create_snap", "flatten", "remove_snap", "rename_snap", "resize",
                 "rollback_to_snap", "unprotect_snap")


def told(cls, methods, open_images):
    """The class, each of whose changes is told before it is made. Who dies of it is gone for the
    cluster at once: what has to wait until that is noticed is tested elsewhere."""

    def telling(method):
        def tell(self, *args, **kwargs):
            about_to_die(open_images)
            return getattr(cls, method)(self, *args, **kwargs)
        return tell

    return type(cls.__name__, (cls,), {method: telling(method) for method in methods})


def about_to_die(open_images):
    if deaths._left == 0:
        for image in list(open_images):
            image.close()
    deaths.effect()


@pytest.fixture
def bindings(monkeypatch):
    """The bindings, whose changes are seen."""
    rados, rbd = ceph.bindings()
    open_images = set()
    image = told(rbd.Image, IMAGE_EFFECTS, open_images)

    class Image(image):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            open_images.add(self)

        def __exit__(self, *args):
            open_images.discard(self)
            return super().__exit__(*args)

    seen = types.SimpleNamespace(**{**vars(rbd), "Image": Image,
                                    "RBD": told(rbd.RBD, RBD_EFFECTS, open_images)})
    monkeypatch.setattr(ceph, "bindings", lambda: (rados, seen))
    for name in ("note", "forget"):
        act = getattr(ceph.CephPool, name)
        monkeypatch.setattr(ceph.CephPool, name, lambda *args, act=act: (
            about_to_die(open_images), act(*args))[1])


@pytest.fixture
def emptied():
    """The pool has nothing in it afterwards."""
    yield
    rados, rbd = ceph.bindings()
    driver = cluster.driver()
    with driver.ceph.opened() as (_, ioctx):
        for name in rbd.RBD().list(ioctx):
            rbd.RBD().trash_move(ioctx, name, 0)
        for _ in range(20):
            for entry in list(rbd.RBD().trash_list(ioctx)):
                with rbd.Image(ioctx, image_id=entry["id"]) as image:
                    for snapshot in ceph.list_snapshots(image):
                        image.remove_snap(snapshot["name"])
                try:
                    rbd.RBD().trash_remove(ioctx, entry["id"])
                except rbd.Error:
                    continue
        for key in driver.ceph.notes("cairn.exports"):
            driver.ceph.forget("cairn.exports", key)
        assert list(rbd.RBD().list(ioctx)) == list(rbd.RBD().trash_list(ioctx)) == []


class TestRbdDriver(Contract):
    snapshots_apart = False

    @pytest.fixture
    def make(self, bindings, emptied):
        return lambda: cluster.driver(Host())

    def guest(self, info):
        pool, _, image = info["data"]["name"].partition("/")
        conf = cluster.driver().ceph.conf
        return Disk({"driver": "raw", "file": {
            "driver": "rbd", "pool": pool, "image": image, "conf": conf,
            "user": info["data"]["auth_username"],
            "server": [{"host": host, "port": port} for host, port in zip(
                info["data"]["hosts"], info["data"]["ports"], strict=True)]}})

    def left(self, driver):
        with driver.ceph.opened() as (rbd, ioctx):
            return [*rbd.RBD().list(ioctx), *rbd.RBD().trash_list(ioctx), *driver.exports()]

    # What is Ceph's own

    def test_snapshots_are_deleted_before_their_volume(self, driver):
        volume = self.volume(driver)
        snapshot = self.snapshot(driver, volume)
        with pytest.raises(BackendFailed, match=snapshot.id):
            driver.delete(volume)
        driver.delete_snapshot(snapshot)
        driver.delete(volume)
        assert self.left(driver) == []

    def test_what_clones_need_goes_with_the_last_of_them(self, driver):
        volumes = [self.volume(driver)]
        for _ in range(3):
            volumes.append(Volume(new_id(), 1))
            driver.clone(volumes[-1], volumes[-2])
        last = volumes.pop()
        self.fill(driver, last, 1)
        for volume in volumes:
            driver.delete(volume)
            assert self.holds(driver, last, 1) and not list(driver.manageable_snapshots())
        assert list(driver.stray({last.id}, set())) == []
        driver.delete(last)
        assert self.left(driver) == []

    def test_a_clone_of_many_ancestors_has_its_own_data(self, driver, monkeypatch):
        monkeypatch.setattr("cairn.cinder.drivers.rbd.DEPTH", 2)
        volumes = [self.volume(driver)]
        self.fill(driver, volumes[0], 1)
        for _ in range(4):
            volumes.append(Volume(new_id(), 1))
            driver.clone(volumes[-1], volumes[-2])
        for volume in volumes[:-1]:
            driver.delete(volume)
        assert self.holds(driver, volumes[-1], 1)
        with driver.ceph.opened() as (rbd, ioctx):
            # One of the last three: nothing of the first is needed any more.
            assert len(list(rbd.RBD().trash_list(ioctx))) <= 2

    def test_who_writes_to_it_is_seen(self, driver):
        volume = self.volume(driver)
        driver.patience = 0
        with self.used(driver, volume):
            with pytest.raises(NotSupported), driver.opened(volume, write=True):
                pass
            second = self.volume(driver)
            with pytest.raises(NotSupported):
                driver.create_snapshots([Snapshot(new_id(), v, 1) for v in (volume, second)])
            with pytest.raises(BackendFailed):
                driver.delete(volume)
            mine, = (m for m in driver.manageable_volumes() if m.cinder_id == volume.id)
            assert not mine.safe_to_manage

    def test_a_guest_that_has_it_open_is_no_hindrance(self, driver):
        """It holds the lock of the image, and is asked for it."""
        volume, attachment = self.volume(driver), new_id()
        with self.used(driver, volume) as guest:
            guest("write -P 1 0 1M")
            snapshot = self.snapshot(driver, volume)
            guest("write -P 2 0 1M")
            clone = Volume(new_id(), 1)
            driver.clone(clone, volume)
            driver.extend(volume, 2)
            driver.export(volume, attachment, self.connector())
            driver.unexport(volume, attachment)
            guest("write -P 3 0 1M")
            assert self.holds(driver, snapshot, 1) and self.holds(driver, clone, 2)
            driver.delete_snapshot(snapshot)
            guest("write -P 4 0 1M")
        assert self.holds(driver, volume, 4) and self.size(driver, volume) == 2 * GIB

    def test_one_that_died_is_waited_for(self, driver):
        """The cluster notices only after a while that it is gone."""
        volume = self.volume(driver)
        with self.used(driver, volume) as guest:
            guest("write -P 1 0 1M")
            guest.process.kill()
        driver.delete(volume)
        assert self.left(driver) == []

    @contextmanager
    def used(self, driver, volume):
        """Somebody has it open to write, and does what he is told."""
        with driver.opened(volume, write=True) as disk:
            command = ["qemu-io", tools.address(disk)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as process:
            def guest(words):
                process.stdin.write(f"{words}\n")
                process.stdin.flush()
                while "1 ops" not in (line := process.stdout.readline()):
                    assert line, "it has ended"

            guest.process = process
            guest("read 0 512")
            yield guest
            process.stdin.close()
        assert process.returncode in (0, -9)

    # Images

    @pytest.fixture
    def store(self, monkeypatch):
        if not cluster.IMAGES:
            pytest.skip("CAIRN_TEST_RBD_IMAGES names no pool")
        store = cluster.store(monkeypatch)
        yield store
        for _, url, _ in list(store.kept()):
            store.delete(url)

    def image(self, store, content=b"\5" * disks.MIB):
        writing = store.write(new_id())
        writing.write(content)
        writing.flush()
        return writing.commit()

    def test_an_image_of_the_same_cluster_is_cloned(self, driver, store):
        url, volume = self.image(store), Volume(new_id(), 1)
        for _ in range(2):
            assert driver.clone_image(volume, ["file:///x", url]) is not None
        assert self.holds(driver, volume, 5) and self.holds(driver, volume, 0, disks.MIB)
        assert self.size(driver, volume) == GIB
        with pytest.raises(OSError):
            store.delete(url)
        self.fill(driver, volume, 6)
        driver.delete(volume)
        assert self.left(driver) == []
        store.delete(url)
        assert list(store.kept()) == []

    def test_other_images_are_left_to_be_copied(self, driver, store):
        url, volume = self.image(store), Volume(new_id(), 1)
        for locations in ([], ["file:///x"], [url + "s"], [url.replace("rbd://", "rbd://0")],
                          [self.image(store, b"")],
                          [url.replace(cluster.IMAGES.partition(":")[0], "nothing")]):
            assert driver.clone_image(volume, locations) is None
        assert driver.clone_image(Volume(volume.id, 1, encrypted=True), [url]) is None
        assert self.left(driver) == []
