"""The file backend, with a real qemu-storage-daemon that outlives the process that tells it."""

import shutil

import pytest
from fakes import deaths
from unit.cinder.driver_contract import Contract

from cairn.cinder.drivers.base import Host
from cairn.cinder.drivers.daemon import Qmp
from cairn.cinder.drivers.file import FileDriver


@pytest.fixture(autouse=True)
def talks_can_be_cut(monkeypatch):
    """A process may die between any two things that it says to the daemon."""
    execute = Qmp.execute

    def spy(self, command, **arguments):
        if not command.startswith("query"):
            deaths.effect()
        return execute(self, command, **arguments)

    monkeypatch.setattr(Qmp, "execute", spy)


class TestFileDriver(Contract):
    @pytest.fixture
    def make(self, tmp_path, daemon):
        folder = tmp_path / "volumes"
        folder.mkdir()
        return lambda: FileDriver("file", str(folder), Host(exports=str(daemon.folder)))

    def scene(self, make):
        """As it was when it was new: what is made again by tools each time takes longest."""
        folder = make().folder
        template = folder.with_name("template")
        if not template.exists():
            self._scene = super().scene(make)
            shutil.copytree(folder, template)
        shutil.rmtree(folder)
        shutil.copytree(template, folder)
        return self._scene

    def left(self, driver):
        driver.tidy()
        with driver.daemon.talk() as talk:
            nodes = list(talk.nodes())
        return [*(p for p in driver.folder.rglob("*")
                  if p.is_file() and p.name not in ("lock", "merging")), *nodes]
