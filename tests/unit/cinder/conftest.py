"""A daemon that exports files, as its unit has it."""

import shutil
import socket
import subprocess
import time

import pytest


class RunningDaemon:
    def __init__(self, folder):
        self.folder = folder
        for name in ("control", "guests"):
            (folder / name).mkdir(parents=True)
        self.control = folder / "control/qmp"
        self.process = None
        self.start()

    def start(self):
        self.control.unlink(missing_ok=True)
        self.process = subprocess.Popen([
            "qemu-storage-daemon", "--chardev",
            f"socket,id=qmp,path={self.control},server=on,wait=off",
            "--monitor", "chardev=qmp"])
        with socket.socket(socket.AF_UNIX) as probe:
            while probe.connect_ex(str(self.control)):
                assert self.process.poll() is None
                time.sleep(0.01)

    def kill(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def daemon(tmp_path):
    if shutil.which("qemu-storage-daemon") is None:
        pytest.skip("needs qemu-storage-daemon, of Debian's qemu-system-common")
    running = RunningDaemon(tmp_path / "run")
    yield running
    running.kill()
