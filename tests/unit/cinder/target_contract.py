"""What every place that backups are kept in must keep. A target's test subclasses Contract and
gives it `make`."""

import random
import shutil

import pytest
from fakes import deaths

from cairn.cinder.drivers.base import BackendFailed, Disk, NoRoom
from cairn.cinder.volume.backups import chunks
from cairn.cinder.volume.backups.targets.base import Kept
from cairn.common.db import new_id
from cairn.common.errors import Invalid

MIB = 1 << 20
NASTY = ["", ".", "..", "../x", "a/b", "x" * 300, "a b", "\0", "A" * 36]


def raw(path):
    return Disk({"driver": "raw", "file": {"driver": "file", "filename": str(path)}})


def noise(length, seed=1):
    return random.Random(seed).randbytes(length)


class Contract:
    @pytest.fixture
    def make(self, tmp_path):
        """make() -> the target as a process that has just started has it, on one place."""
        raise NotImplementedError

    @pytest.fixture
    def target(self, make):
        return make()

    @pytest.fixture
    def full(self):
        """full(bytes) -> from now on there is room for so many more only."""
        raise NotImplementedError

    def damage(self, target, kept, name, content):
        """The object has another content than it was given, and its keeper does not notice."""
        target.put(kept, name, content)

    # Objects

    def test_what_is_put_is_there(self, make):
        one, other = Kept(new_id()), Kept(new_id(), "a container")
        target = make()
        for content in (b"first", b"", noise(5 * MIB), b"last\n\0"):
            target.put(one, "7", content)
            assert make().get(one, "7") == content
        target.put(one, "chunks.json", b"list")
        target.put(other, "7", b"another's")
        assert set(target.names(one)) == {"7", "chunks.json"}
        assert {kept.id for kept in make().inventory()} == {one.id, other.id}
        for _ in range(2):
            make().remove(one)
            assert list(target.names(one)) == []
            assert [kept.id for kept in target.inventory()] == [other.id]
        assert target.get(other, "7") == b"another's"
        target.remove(other)
        assert self.left(target) == []

    def test_what_is_not_there_is_told(self, target):
        kept = Kept(new_id())
        with pytest.raises(BackendFailed):
            target.get(kept, "7")
        target.put(kept, "8", b"x")
        with pytest.raises(BackendFailed):
            target.get(kept, "7")
        assert list(target.names(Kept(new_id()))) == []

    @pytest.mark.parametrize("name", NASTY)
    def test_a_name_that_is_none_is_refused(self, target, name):
        for act in (lambda kept: target.put(kept, "7", b"x"), lambda kept: target.get(kept, "7"),
                    lambda kept: list(target.names(kept)), target.remove):
            with pytest.raises(Invalid):
                act(Kept(name))

    def test_it_is_called_the_same_by_everybody(self, make):
        first = make().identity()
        assert first and make().identity() == first
        target = make()
        target.put(Kept(new_id()), "7", b"x")
        assert target.identity() == first and len(list(target.inventory())) == 1

    # Deaths

    def test_who_dies_while_it_puts_leaves_all_or_nothing(self, make):
        effects, dying = 0, True
        while dying:
            kept = Kept(new_id())
            make().put(kept, "6", b"before")
            dying = deaths.died(lambda kept=kept: make().put(kept, "7", b"content"), effects)
            target = make()
            assert ("7" in target.names(kept)) in ({True, False} if dying else {True})
            if "7" in target.names(kept):
                assert target.get(kept, "7") == b"content"
            assert target.get(kept, "6") == b"before"
            assert kept.id in {each.id for each in target.inventory()}
            target.put(kept, "7", b"content")
            assert target.get(kept, "7") == b"content"
            target.remove(kept)
            effects += 1
        assert effects > 1 and self.left(make()) == []

    def test_who_dies_while_it_removes_leaves_what_is_removed_then(self, make):
        effects, dying = 0, True
        while dying:
            kept, target = Kept(new_id()), make()
            for name in ("0", "1", "chunks.json"):
                target.put(kept, name, b"content")
            dying = deaths.died(lambda kept=kept: make().remove(kept), effects)
            target = make()
            assert dying or list(target.inventory()) == []
            # As long as anything is there, it is told of.
            if list(target.names(kept)):
                assert [each.id for each in target.inventory()] == [kept.id]
            target.remove(kept)
            assert self.left(target) == []
            effects += 1
        assert effects > 2

    def test_who_dies_where_nothing_was_yet_leaves_nothing(self, make):
        effects, dying = 0, True
        while dying:
            kept = Kept(new_id())
            dying = deaths.died(lambda kept=kept: make().put(kept, "0", b"content"), effects)
            target = make()
            if list(target.names(kept)):
                assert [each.id for each in target.inventory()] == [kept.id]
            target.remove(kept)
            assert self.left(target) == []
            effects += 1

    # Room

    def test_where_there_is_no_room_nothing_is_left(self, target, full):
        kept = Kept(new_id())
        target.put(kept, "0", b"small")
        full(2 * MIB)
        with pytest.raises(NoRoom):
            for number in range(1, 10):
                target.put(kept, str(number), noise(MIB))
        last = f"{number}"
        assert last not in target.names(kept) and number > 1
        assert target.get(kept, "0") == b"small" and target.get(kept, "1") == noise(MIB)
        target.remove(kept)
        target.put(kept, "0", noise(MIB))
        target.remove(kept)
        assert self.left(target) == []

    def left(self, target):
        """What is there of any backup, however hidden."""
        raise NotImplementedError

    # A volume's bytes, by QEMU's tools

    @pytest.fixture
    def disk(self, tmp_path):
        """A sparse file of 20 MiB that holds something at two places."""
        if not shutil.which("qemu-nbd"):
            pytest.skip("needs qemu-utils")
        path = tmp_path / "disk"
        with path.open("wb") as file:
            file.truncate(20 * MIB)
            file.write(noise(3 * MIB))
            file.seek(13 * MIB)
            file.write(noise(5 * MIB, 2))
        return path

    def restored(self, target, kept, path):
        copy = path.with_name("restored")
        copy.write_bytes(noise(21 * MIB, 9))
        chunks.load(target, raw(copy), 21 * MIB, kept)
        return copy.read_bytes()

    def test_a_volume_comes_back(self, make, disk, monkeypatch):
        monkeypatch.setattr(chunks, "PART", 3)  # A list of several parts.
        full, more = Kept(new_id()), Kept(new_id())
        told = chunks.store(make(), raw(disk), 20 * MIB, full, None)
        # From 0, 12 and 16 MiB.
        assert told["objects"] == 3 and 8 * MIB < told["stored"] < 9 * MIB
        before = disk.read_bytes()
        with disk.open("r+b") as file:
            file.seek(14 * MIB)
            file.write(b"changed")
        told = chunks.store(make(), raw(disk), 20 * MIB, more, full)
        assert told["objects"] == 1
        assert self.restored(make(), full, disk) == before + bytes(MIB)
        assert self.restored(make(), more, disk) == disk.read_bytes() + bytes(MIB)
        assert chunks.lacking(make(), full) == chunks.lacking(make(), more) == []
        make().remove(full)
        assert chunks.lacking(make(), more) == [f"{full.id}/0", f"{full.id}/4"]
        with pytest.raises(BackendFailed):
            self.restored(make(), more, disk)

    @pytest.mark.parametrize("name", ["0", "3", "chunks.0.json", "chunks.json"])
    @pytest.mark.parametrize("how", ["changed", "cut", "empty", "longer"])
    def test_damage_is_noticed(self, target, disk, name, how):
        kept = Kept(new_id())
        chunks.store(target, raw(disk), 20 * MIB, kept, None)
        good = target.get(kept, name)
        middle = len(good) // 2
        bad = {"changed": good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1:],
               "cut": good[:middle], "empty": b"", "longer": good + b"x"}[how]
        self.damage(target, kept, name, bad)
        if how == "longer" and name in "03":
            return  # What follows a chunk's end is none of it.
        with pytest.raises(BackendFailed, match=r"backup"):
            self.restored(target, kept, disk)
        if name.startswith("chunks"):
            with pytest.raises(BackendFailed):
                chunks.store(target, raw(disk), 20 * MIB, Kept(new_id()), kept)

    def test_who_dies_while_it_stores_leaves_what_is_done_again(self, make, disk):
        kept, effects, dying = Kept(new_id()), 0, True

        def store():
            make().remove(kept)
            chunks.store(make(), raw(disk), 20 * MIB, kept, None)

        while dying:
            dying = deaths.died(store, effects)
            if chunks.LIST in make().names(kept):
                assert chunks.lacking(make(), kept) == []
            effects += 3
        assert self.restored(make(), kept, disk)[:20 * MIB] == disk.read_bytes()
        make().remove(kept)
        assert self.left(make()) == []
