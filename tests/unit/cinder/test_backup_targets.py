"""Where backups are kept: a folder, and a pool of Ceph, faked. (test_rados_target.py has a real
one.)"""

import errno
import json
import os
import resource
import subprocess

import pytest
from fakes import deaths
from fakes.ceph import Cluster
from unit.cinder.target_contract import Contract, noise, raw

from cairn.cinder.drivers import ceph
from cairn.cinder.drivers.base import BackendFailed, NoRoom
from cairn.cinder.volume.backups import chunks
from cairn.cinder.volume.backups.targets import Kept, make, rados
from cairn.cinder.volume.backups.targets.folder import IDENTITY, Folder
from cairn.cinder.volume.backups.targets.rados import Rados
from cairn.common.db import new_id
from cairn.common.settings import BadSetting

MIB = 1 << 20


class TestFolder(Contract):
    @pytest.fixture
    def make(self, tmp_path):
        return lambda: Folder(str(tmp_path / "backups"))

    @pytest.fixture
    def full(self, make, tmp_path):
        """A file system of its own, which is really full."""
        place = tmp_path / "backups"
        place.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "none", place], check=True)
        yield lambda room: None
        subprocess.run(["umount", place], check=True)

    def left(self, target):
        return [path.name for path in target.folder.rglob("*") if path.name != IDENTITY]


class TestRados(Contract):
    @pytest.fixture
    def cluster(self, tmp_path, monkeypatch):
        made = Cluster(tmp_path / "ceph")
        monkeypatch.setattr(ceph, "bindings", made.bindings)
        monkeypatch.setattr(rados, "bindings", made.bindings)
        made.add_pool("backups")
        return made

    @pytest.fixture
    def make(self, cluster):
        return lambda: Rados("backups")

    @pytest.fixture
    def full(self, cluster):
        def full(room):
            cluster.room = room + 4096

        return full

    def left(self, target):
        pool = target.ceph.connect().open_ioctx("backups")
        return [path.name for path in pool.folder.iterdir()
                if path.name != rados.BACKUPS or pool._read(rados.BACKUPS)[0]]


def test_two_folders_are_two(tmp_path):
    one, other = (Folder(str(tmp_path / name)).identity() for name in ("one", "other"))
    assert one != other


def test_a_folder_is_the_same_wherever_it_is_mounted(tmp_path):
    first = Folder(str(tmp_path / "here")).identity()
    (tmp_path / "here").rename(tmp_path / "there")
    assert Folder(str(tmp_path / "there")).identity() == first


def test_who_dies_while_a_folder_gets_its_name_leaves_one_that_has_one(tmp_path):
    effects, dying = 0, True
    while dying:
        place = tmp_path / str(effects)
        dying = deaths.died(Folder(str(place)).identity, effects)
        named = Folder(str(place)).identity()
        assert Folder(str(place)).identity() == named
        assert list(Folder(str(place)).inventory()) == []
        effects += 1
    assert effects > 3


def test_a_damaged_name_is_told(tmp_path):
    (tmp_path / IDENTITY).write_text("../x")
    with pytest.raises(BackendFailed, match=IDENTITY):
        Folder(str(tmp_path)).identity()


def test_a_pool_that_is_not_there_is_told(tmp_path, monkeypatch):
    cluster = Cluster(tmp_path)
    monkeypatch.setattr(ceph, "bindings", cluster.bindings)
    with pytest.raises(BackendFailed, match="backups"):
        Rados("backups").identity()


def test_a_short_write_is_no_write(tmp_path, monkeypatch):
    """The kernel may take less than it is given, until it takes nothing more."""
    target, kept = Folder(str(tmp_path / "backups")), Kept(new_id())
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIB // 2, hard))
    try:
        with pytest.raises(BackendFailed):
            target.put(kept, "0", noise(MIB))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path for path in target.folder.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT])
def test_what_did_not_come_to_the_disk_is_not_there(tmp_path, monkeypatch, error):
    """A share may notice as late as that."""
    target, kept = Folder(str(tmp_path / "backups")), Kept(new_id())

    def refuse(file):
        raise OSError(error, os.strerror(error))

    target.put(kept, "0", b"x")
    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(NoRoom):
        target.put(kept, "1", b"y")
    monkeypatch.undo()
    assert [path.name for path in target.folder.rglob("*") if path.is_file()] == ["0"]


def test_the_list_of_the_first_release_is_read(tmp_path):
    target, kept = Folder(str(tmp_path / "backups")), Kept(new_id())
    (tmp_path / "disk").write_bytes(noise(6 * MIB))
    chunks.store(target, raw(tmp_path / "disk"), 6 * MIB, kept, None)
    entries = list(chunks.read_list(target, kept).chunks())
    target.put(kept, chunks.LIST, json.dumps({
        "version": 1, "chunk": chunks.SIZE, "size": 6 * MIB,
        "chunks": [{"hash": each.hash, "in": each.within} for each in entries]}).encode())
    (tmp_path / "copy").write_bytes(bytes(6 * MIB))
    chunks.load(target, raw(tmp_path / "copy"), 6 * MIB, kept)
    assert (tmp_path / "copy").read_bytes() == noise(6 * MIB)


@pytest.mark.parametrize("setting", ["", "file:", "file:relative", "rados:", "rados::x", "swift:x",
                                     "/srv"])
def test_a_setting_that_is_none_is_refused(setting):
    with pytest.raises(BadSetting, match="backup_target"):
        make(setting)


def test_settings():
    assert isinstance(make("file:/srv/backups"), Folder)
    made = make("rados:backups")
    assert isinstance(made, Rados)
    assert (made.ceph.pool, made.ceph.user) == ("backups", "cinder-backup")
    assert make("rados:b:someone:/etc/other.conf").ceph.conf == "/etc/other.conf"
