"""Config drives that are disks: what was written is read back, by a reader of its own."""

import struct

import pytest

from cairn.common.settings import BadSetting
from cairn.nova.drivers.libvirt import disks, fat
from cairn.nova.errors import HypervisorFailed


class Reader:
    """Follows a FAT16 file system from its boot sector, trusting nothing else."""

    def __init__(self, path):
        self.bytes = path.read_bytes()
        (self.sector, per, reserved, fats, roots, small, _, table, *_, total) = struct.unpack(
            "<HBHBHHBHHHII", self.bytes[11:36])
        assert small == 0 and total * self.sector == len(self.bytes)
        self.cluster = self.sector * per
        size = table * self.sector
        self.tables = {self.bytes[reserved * self.sector + n * size:][:size] for n in range(fats)}
        self.table = struct.unpack(f"<{size // 2}H", next(iter(self.tables)))
        self.root = (reserved + fats * table) * self.sector
        self.data = self.root + roots * 32
        self.label, self.files, self.seen = None, {}, set()
        self.walk(self.bytes[self.root:self.data], "", 0)

    def chain(self, first):
        data = b""
        while first < 0xFFF8:
            assert first >= 2 and first not in self.seen  # Nothing is in two things.
            self.seen.add(first)
            at = self.data + (first - 2) * self.cluster
            data += self.bytes[at:at + self.cluster]
            first = self.table[first]
        return data

    def walk(self, entries, folder, own):
        long, check, shorts = "", None, set()
        for at in range(0, len(entries), 32):
            entry = entries[at:at + 32]
            if entry[0] == 0:
                break
            kind, first, size = entry[11], *struct.unpack("<HI", entry[26:])
            if kind == 0x0F:
                part = (entry[1:11] + entry[14:26] + entry[28:]).decode("utf-16-le")
                long, check = part.split("\0")[0] + long, entry[13]
                continue
            if kind == 0x08:
                self.label = entry[:11]
            elif entry[:2] in (b". ", b".."):
                assert entry[:2] == b".." or first == own
            else:
                total = 0
                for byte in entry[:11]:
                    total = (((total & 1) << 7) + (total >> 1) + byte) & 0xFF
                assert total == check and entry[:11] not in shorts
                shorts.add(entry[:11])
                path = f"{folder}/{long}"
                if kind == 0x10:
                    self.walk(self.chain(first), path, first)
                else:
                    self.files[path.lstrip("/")] = (self.chain(first) if first else b"")[:size]
            long = ""


@pytest.mark.parametrize("content", [
    {}, {"x": b""},
    {"openstack/latest/meta_data.json": b"{}", "openstack/latest/user_data": b"",
     "openstack/2018-08-27/meta_data.json": b"x" * 5000, "ec2/latest/13_characters": b"y" * 2048},
    {f"many/document number {number}": str(number).encode() for number in range(300)},
    {"deep/" * 20 + "file": b"z", "name" * 60: b"w"},
])
def test_what_was_written_is_read_back(tmp_path, content):
    fat.write(tmp_path / "d", "config-2", content)
    read = Reader(tmp_path / "d")
    assert read.files == content
    assert read.label == b"config-2   "
    assert len(read.tables) == 1  # The second is as the first.
    assert fat.is_fat(tmp_path / "d")
    assert (tmp_path / "d").stat().st_blocks * 512 < 4 << 20  # What is empty takes no room.


def test_what_does_not_fit_is_refused(tmp_path):
    for content in ({"big": b"x" * (65 << 20)}, {str(n) * 9: b"" for n in range(300)}):
        with pytest.raises(ValueError, match="FAT"):
            fat.write(tmp_path / "d", "config-2", content)
    with pytest.raises(HypervisorFailed, match="config drive"):
        disks.write_config_drive(tmp_path / "d", {str(n) * 9: "" for n in range(300)}, "vfat")


def test_a_disc_is_no_disk(tmp_path):
    disks.write_config_drive(tmp_path / "d", {"openstack/latest/x": "eA=="})
    assert not fat.is_fat(tmp_path / "d")


def test_a_format_that_there_is_not_is_refused(tmp_path):
    with pytest.raises(BadSetting, match="config_drive_format"):
        disks.Disks(tmp_path, None, "one", "ntfs")
