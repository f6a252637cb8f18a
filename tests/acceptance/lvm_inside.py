"""The driver of LVM on a host that has it, with both programs that serve its volumes.

    python3 -m pytest --noconftest tests/acceptance/lvm_inside.py
"""

import subprocess
import time
from contextlib import suppress

import pytest
from unit.cinder import driver_contract

from cairn.cinder.drivers import target_lio, target_tgt, volume_group
from cairn.cinder.drivers.base import BackendFailed, Disk, Host
from cairn.cinder.drivers.lvm import LvmDriver


class OnLvm(driver_contract.Contract):
    address = "127.0.0.1"
    # A death takes half a minute here; every one of them is tried over fakes.
    stride = 5

    @pytest.fixture
    def make(self):
        yield self.made
        driver = self.made()
        for volume, attachment in driver.exports():
            driver.unexport(driver_contract.Volume(volume, 1), attachment)
        for name in driver.group.volumes():
            driver.group.remove(name)

    def made(self):
        driver = LvmDriver("contract", "cairn/volumes", Host("storage", self.address))
        driver.targets = self.targets(driver._portal)
        return driver

    def guest(self, info):
        return iscsi(info["data"])

    def left(self, driver):
        return [*driver.group.volumes(), *driver.exports(), *driver.targets.served()]

    def test_a_wrong_secret_is_refused(self, driver):
        volume = self.volume(driver)
        data = driver.export(volume, driver_contract.new_id(), self.connector())["data"]
        for change in ({"auth_password": "x" * 32}, {"auth_username": "somebody"}):
            with pytest.raises(BackendFailed):
                driver_contract.disks.size(iscsi(data | change))
        assert driver_contract.disks.size(iscsi(data)) == driver_contract.GIB

    def test_who_may_only_read_does_not_write(self, driver):
        volume = self.volume(driver)
        info = driver.export(volume, driver_contract.new_id(), self.connector(read_only=True))
        disk = self.guest(info)
        with pytest.raises(AssertionError):
            driver_contract.disks.write(disk, 5)
        disk = Disk(disk.options | {"read-only": True}, disk.secrets)
        assert driver_contract.disks.has(disk, 0)

    def test_what_was_unexported_is_closed_to_its_guest(self, driver):
        volume = self.volume(driver)
        one, other = driver_contract.new_id(), driver_contract.new_id()
        first, second = (driver.export(volume, each, self.connector()) for each in (one, other))
        driver.unexport(volume, one)
        with pytest.raises(BackendFailed):
            driver_contract.disks.size(self.guest(first))
        assert driver_contract.disks.has(self.guest(second), 0)

    def test_what_a_guest_discards_is_given_back(self, driver):
        volume = self.volume(driver)
        disk = self.guest(driver.export(volume, driver_contract.new_id(), self.connector()))
        before = used(driver)
        driver_contract.disks.write(disk, 7, 0, 64 << 20)
        assert used(driver) > before
        driver_contract.disks._io(disk, "discard 0 64M")
        assert used(driver) == before

    def test_no_secret_is_among_the_words_of_a_process(self, driver, monkeypatch):
        words = []
        real = subprocess.Popen.__init__

        def listening(self, args, *rest, **more):
            words.append(" ".join(map(str, args)))
            real(self, args, *rest, **more)

        monkeypatch.setattr(subprocess.Popen, "__init__", listening)
        volume = self.volume(driver)
        data = driver.export(volume, driver_contract.new_id(), self.connector())["data"]
        assert words and not any(data["auth_password"] in each for each in words)


def iscsi(data):
    return Disk({"driver": "raw", "file": {
        "driver": "iscsi", "transport": "tcp", "portal": data["target_portal"],
        "target": data["target_iqn"], "lun": data["target_lun"], "user": data["auth_username"],
        "password-secret": "chap"}, "discard": "unmap"}, {"chap": data["auth_password"]})


def used(driver):
    pool = driver.pools()[0]
    return pool.allocated_capacity_gb


class TestLio(OnLvm):
    targets = target_lio.Lio


class TestTgt(OnLvm):
    targets = target_tgt.Tgt

    @pytest.fixture(autouse=True, scope="class")
    def daemon(self):
        # Where the kernel serves as well, so the port is another one.
        with suppress(BackendFailed):
            volume_group.run("mkdir", "-p", "/run/tgtd")
        process = subprocess.Popen(["tgtd", "-f", "--iscsi", "portal=127.0.0.2:3260"])
        wait(lambda: target_tgt.there() and answers())
        yield
        process.kill()
        process.wait()

    address = "127.0.0.2"

    test_what_a_guest_discards_is_given_back = None
    # It was seen over LIO.
    test_a_process_that_dies = None


def answers():
    try:
        target_tgt.Tgt("127.0.0.2:3260").check()
    except BackendFailed:
        return False
    return True


def wait(done):
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.2)
