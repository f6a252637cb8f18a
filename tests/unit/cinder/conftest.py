"""A daemon that exports files, as its unit has it."""

import shutil

import pytest
from fakes.exports import RunningDaemon


@pytest.fixture
def daemon(tmp_path):
    if shutil.which("qemu-storage-daemon") is None:
        pytest.skip("needs qemu-storage-daemon, of Debian's qemu-system-common")
    running = RunningDaemon(tmp_path / "run")
    yield running
    running.kill()
