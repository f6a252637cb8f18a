"""The driver of files on a share that is mounted.

    python3 -m pytest --noconftest tests/acceptance/nfs_inside.py
"""

import shutil
import subprocess
import threading
import time
from pathlib import Path

import pytest
from fakes import disks
from unit.cinder.conftest import daemon  # noqa: F401
from unit.cinder.driver_contract import Contract, new_id
from unit.cinder.test_file_driver import left, talks_can_be_cut  # noqa: F401

from cairn.cinder.drivers.base import BackendFailed, Host
from cairn.cinder.drivers.nfs import NfsDriver

FOLDER, UNIT = Path("/var/lib/cairn/volumes"), "var-lib-cairn-volumes.mount"


class TestNfs(Contract):
    # A death takes long on an emulated processor; all are tried on a disk of the host's own.
    stride = 12

    @pytest.fixture
    def make(self, daemon):  # noqa: F811
        yield lambda name="localhost": NfsDriver(
            "nfs", str(FOLDER), Host(name, exports=str(daemon.folder)))
        daemon.kill()
        for path in FOLDER.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def left(self, driver):
        return left(driver)

    def test_a_folder_without_its_share_is_refused(self, make):
        driver = make()
        driver.check()
        subprocess.run(["systemctl", "stop", UNIT], check=True)
        try:
            with pytest.raises(BackendFailed, match="no share is mounted"):
                driver.check()
            assert not list(FOLDER.iterdir())
        finally:
            subprocess.run(["systemctl", "start", UNIT], check=True)
        driver.check()

    def test_a_share_has_one_host(self, make):
        make().check()
        with pytest.raises(BackendFailed, match="'s: give each storage host a folder of its own"):
            make("other").check()

    def test_a_guest_waits_for_a_server_that_is_away(self, driver):
        volume = self.volume(driver)
        disk = self.guest(driver.export(volume, new_id(), self.connector()))
        subprocess.run(["systemctl", "stop", "nfs-server"], check=True)
        write = threading.Thread(target=disks.write, args=(disk, 9))
        write.start()
        time.sleep(5)
        assert write.is_alive()
        subprocess.run(["systemctl", "start", "nfs-server"], check=True)
        write.join(300)
        assert disks.has(disk, 9)
