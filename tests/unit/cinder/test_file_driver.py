"""The file backend, with a real qemu-storage-daemon that outlives the process that tells it."""

import shutil
import subprocess

import pytest
from fakes import deaths, disks
from unit.cinder.driver_contract import Contract

from cairn.cinder.drivers import tools
from cairn.cinder.drivers.base import BackendFailed, Disk, Host, NoRoom, NoSuchReference, Volume
from cairn.cinder.drivers.daemon import Qmp
from cairn.cinder.drivers.file import FileDriver
from cairn.cinder.drivers.layers import OWN_FILES
from cairn.cinder.drivers.nfs import NfsDriver
from cairn.common.db import new_id
from cairn.common.errors import Invalid

MIB = disks.MIB


@pytest.fixture(autouse=True)
def talks_can_be_cut(monkeypatch):
    """A process may die between any two things that it says to the daemon."""
    execute = Qmp.execute

    def spy(self, command, **arguments):
        if not command.startswith("query"):
            deaths.effect()
        return execute(self, command, **arguments)

    monkeypatch.setattr(Qmp, "execute", spy)


def left(driver):
    """What of volumes is in a folder and in its daemon."""
    driver.tidy()
    with driver.daemon.talk() as talk:
        nodes = list(talk.nodes())
    return [*(p for p in driver.folder.rglob("*")
              if p.is_file() and p.name not in OWN_FILES), *nodes]


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
        return left(driver)

    def test_a_folder_has_one_host(self, make):
        driver = make()
        driver.check()
        other = FileDriver("file", str(driver.folder), Host("other", exports=driver.host.exports))
        with pytest.raises(BackendFailed, match="is host localhost's: give each storage host"):
            other.check()
        make().check()

    def test_a_folder_without_its_share_is_refused(self, make, monkeypatch):
        folder = make().folder
        driver = NfsDriver("nfs", str(folder), make().host)
        with pytest.raises(BackendFailed, match=f"no share is mounted at {folder}"):
            driver.check()
        assert not list(folder.iterdir())
        monkeypatch.setattr("os.path.ismount", lambda path: path == folder)
        driver.check()

    # Files that somebody else put there

    @pytest.fixture
    def put(self, driver):
        """put(format, byte, *words) -> the name of a file in the folder, of 3 MiB."""

        def made(kind, byte, *words):
            driver.folder.mkdir(exist_ok=True)
            name = f"disk-{kind}"
            path = driver.folder / name
            subprocess.run(["qemu-img", "create", "-q", "-f", kind, *words, path, "3M"], check=True)
            disks.write(Disk({"driver": kind, "file": {"driver": "file", "filename": str(path)}}),
                        byte)
            return name

        return made

    @pytest.mark.parametrize("kind", ["raw", "qcow2"])
    def test_a_file_becomes_a_volume(self, driver, put, kind):
        name = put(kind, 6)
        there, = driver.manageable_volumes()
        assert there.safe_to_manage and there.size == driver.manage_size(there.reference) == 1
        volume = Volume(new_id(), 1)
        for _ in range(2):
            driver.manage(volume, {"source-name": name})
        assert not (driver.folder / name).exists() and self.holds(driver, volume, 6)
        snapshot = self.snapshot(driver, volume)
        self.fill(driver, volume, 7)
        info = driver.export(volume, new_id(), self.connector())
        driver.extend(volume, 2)
        assert disks.has(self.guest(info), 7) and self.holds(driver, snapshot, 6)
        (_, attachment), = driver.exports()
        driver.unexport(volume, attachment)
        driver.delete_snapshot(snapshot)
        driver.delete(volume)
        assert self.left(driver) == []

    def test_a_raw_file_of_a_guest_is_never_a_format(self, driver, put):
        """It writes a header that names a file of the host; what is read is the header."""
        volume, secret = Volume(new_id(), 1), driver.folder.parent / "secret"
        secret.write_bytes(b"s" * MIB)
        trap = driver.folder.parent / "trap"
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", secret, "-F", "raw",
                        trap], check=True)
        driver.manage(volume, {"source-name": put("raw", 6)})
        with driver.opened(volume, write=True) as disk:
            with open(disk.options["file"]["filename"], "r+b") as file:
                file.write(trap.read_bytes())
        snapshot = self.snapshot(driver, volume)
        driver.unmanage_snapshot(snapshot)
        driver.unmanage(volume)
        other = Volume(new_id(), 1)
        driver.manage(other, {"source-name": f"unmanaged-{volume.id}"})
        for thing in (other, Volume(new_id(), 1)):
            if thing is not other:
                driver.clone(thing, other)
            with driver.opened(thing) as disk:
                assert disks.has(disk, ord("Q"), 0, 1) and not disks.has(disk, ord("s"), 0, 512)

    def test_files_that_lead_elsewhere_are_refused(self, driver, put, tmp_path):
        secret = tmp_path / "secret"
        secret.write_bytes(b"s" * MIB)
        made = {
            "backed": ["-b", secret, "-F", "raw"], "apart": ["-o", f"data_file={tmp_path}/data"],
            "locked": ["--object", "secret,id=s,data=x", "-o",
                       "encrypt.format=luks,encrypt.key-secret=s,encrypt.hash-alg=sha512"]}
        driver.check()
        for name, words in made.items():
            subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *words,
                            driver.folder / name, "1M"], check=True)
        (driver.folder / "link").symlink_to(secret)
        subprocess.run(["qemu-img", "create", "-q", "-f", "vdi", driver.folder / "other", "1M"],
                       check=True)
        (driver.folder / "odd").write_bytes(b"x" * 700)
        for name in (*made, "link", "other", "odd", "lock", "layers"):
            with pytest.raises(NoSuchReference):
                driver.manage(Volume(new_id(), 1), {"source-name": name})
        assert not any(there.safe_to_manage for there in driver.manageable_volumes())
        assert {there.reference["source-name"] for there in driver.manageable_volumes()} == {
            *made, "other", "odd"}

    def test_a_process_that_dies_while_it_manages_a_file(self, make, put):
        for effects in range(50):
            driver, volume, name = make(), Volume(new_id(), 1), put("raw", 6)
            ended = not deaths.died(
                lambda v=volume, n=name: make().manage(v, {"source-name": n}), effects)
            driver = make()
            driver.check()
            driver.manage(volume, {"source-name": name})
            assert self.holds(driver, volume, 6)
            driver.delete(volume)
            assert self.left(driver) == []
            if ended:
                return
        raise AssertionError("it does not come to its end")

    # The folder

    def test_the_folder_can_be_moved(self, driver, daemon):
        volume = self.volume(driver)
        self.fill(driver, volume, 1)
        snapshot = self.snapshot(driver, volume)
        self.fill(driver, volume, 2, MIB)
        moved = driver.folder.rename(driver.folder.with_name("elsewhere"))
        driver = FileDriver("file", str(moved), Host(exports=str(daemon.folder)))
        assert self.holds(driver, snapshot, 1) and self.holds(driver, snapshot, 0, MIB)
        driver.delete_snapshot(snapshot)
        assert self.holds(driver, volume, 1) and self.holds(driver, volume, 2, MIB)

    def test_a_folder_that_is_not_there(self, tmp_path):
        driver = FileDriver("file", str(tmp_path / "nowhere"))
        for attempt in (driver.check, driver.pools, driver.exports,
                        lambda: driver.create(Volume(new_id(), 1))):
            with pytest.raises(BackendFailed):
                attempt()
        assert not (tmp_path / "nowhere").exists()

    def test_a_pointer_that_says_nothing_names_no_file(self, driver):
        volume = self.volume(driver)
        place = driver.layers.place("volumes", volume.id)
        for text in ("", "{}", "[]", '{"layer": "../../etc/passwd", "size": 1, "volume": ""}'):
            place.write_text(text)
            with pytest.raises((BackendFailed, Invalid)):
                with driver.opened(volume):
                    pass

    def test_what_a_tool_could_not_finish_leaves_nothing(self, driver, monkeypatch):
        self.volume(driver)
        before = set(driver.folder.rglob("*"))
        run = tools.run

        def full(*words, **more):
            run(*words, **more)
            raise NoRoom(reason="No space left on device")

        monkeypatch.setattr(tools, "run", full)
        with pytest.raises(NoRoom):
            driver.create(Volume(new_id(), 1))
        assert set(driver.folder.rglob("*")) == before
