# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

import pytest
from ansible_collections.cairn.cloud.plugins.modules import lvm_backend
from ansible_collections.cairn.cloud.plugins.modules.lvm_backend import Host, Refused

CHANGING = ("vgcreate", "vgextend", "lvcreate", "lvextend", "lvchange")


class Machine:
    """Stands for AnsibleModule on a host with LVM: groups of devices, of 4 MiB extents."""

    def __init__(self, folder, mapper=True):
        self.groups, self.pools, self.free, self.content, self.loops = {}, {}, {}, {}, {}
        self.modules = {"dm_thin_pool", "iscsi_target_mod"}
        self.ran, self.dies_after = [], None
        self.folder = folder
        (folder / "proc").mkdir()
        (folder / "proc/misc").write_text("235 device-mapper\n" if mapper else "")

    def device(self, name, content=""):
        path = self.folder / name
        path.touch()
        self.content[str(path)] = content
        return str(path)

    def run_command(self, command, environ_update=None):
        tool, *words = command
        if tool in CHANGING or "--find" in words:
            if self.dies_after == len(self.ran):
                raise KeyboardInterrupt
            self.ran.append(command)
        try:
            return 0, getattr(self, f"_{tool}")(words) or "", ""
        except LookupError as error:
            return 5, "", f"no {error}"

    def _modprobe(self, words):
        if words[-1] not in self.modules:
            raise LookupError(words[-1])
        return f"insmod {words[-1]}"

    def _rows(self, kind, rows):
        return json.dumps({"report": [{kind: rows}]})

    def _vgs(self, words):
        return self._rows("vg", [
            {"vg_name": name, "vg_extent_count": str(1000 * len(devices)),
             "vg_free_count": str(self.free[name])} for name, devices in self.groups.items()])

    def _pvs(self, words):
        return self._rows("pv", [{"pv_name": device, "vg_name": name}
                                 for name, devices in self.groups.items() for device in devices])

    def _lvs(self, words):
        return self._rows("lv", [
            {"lv_name": name, "lv_attr": pool["attr"]}
            for (group, name), pool in self.pools.items() if group == words[-1]])

    def _wipefs(self, words):
        return self.content[words[-1]]

    def _losetup(self, words):
        file = words[-1]
        if "--associated" in words:
            return self.loops.get(file, "")
        self.loops[file] = self.device(f"loop{len(self.loops)}")
        return self.loops[file]

    def _vgcreate(self, words):
        _, group, *devices = words
        self.groups[group], self.free[group] = devices, 1000 * len(devices)
        for device in devices:
            self.content[device] = "LVM2_member"

    def _vgextend(self, words):
        _, group, *devices = words
        self.groups[group] += devices
        self.free[group] += 1000 * len(devices)

    def _lvcreate(self, words):
        group, name = words[-1], words[words.index("--name") + 1]
        extents = int(words[words.index("--extents") + 1])
        self.pools[group, name] = {"attr": "twi-a-tz--", "extents": extents}
        # Its metadata, and their spare copy.
        self.free[group] -= extents + 2

    def _lvextend(self, words):
        group, name = words[-1].split("/")
        self.pools[group, name]["extents"] += int(words[1])
        self.free[group] -= int(words[1])

    def _lvchange(self, words):
        self.pools[tuple(words[-1].split("/"))]["attr"] = "twi-a-tz--"


@pytest.fixture
def machine(tmp_path, monkeypatch):
    monkeypatch.setattr(lvm_backend.shutil, "which", lambda *_, **__: "/sbin/vgs")
    return Machine(tmp_path)


def converge(machine, devices, percent=95, check=False, file=""):
    """As main() does; what changed."""
    options = {"group": "cairn", "pool": "volumes", "percent": percent, "file": file,
               "file_size": 1}
    host = Host(machine, machine.folder)
    before = lvm_backend.look(host, options)
    devices = [*devices, *([host.loop(file) or lvm_backend.LOOP] if file else [])]
    steps = lvm_backend.plan(before, devices, percent)
    for device in [d for _, fresh in steps for d in fresh or []]:
        lvm_backend.require_empty(host, device)
    shown = lvm_backend.described(before, []), lvm_backend.described(before, steps)
    assert (shown[0] != shown[1]) == bool(steps)
    if not check:
        lvm_backend.act(host, options, steps)
    return steps


def test_a_group_and_its_pool_are_made_once(machine):
    one = machine.device("one")
    converge(machine, [one], check=True)
    assert not machine.ran
    converge(machine, [one])
    assert machine.groups == {"cairn": [one]}
    assert machine.pools["cairn", "volumes"]["extents"] == 950
    assert converge(machine, [one]) == [] and len(machine.ran) == 2


def test_a_further_device_makes_the_pool_larger(machine):
    one, two = machine.device("one"), machine.device("two")
    converge(machine, [one])
    converge(machine, [one, two])
    assert machine.pools["cairn", "volumes"]["extents"] == 1898
    assert converge(machine, [one, two]) == []
    # Nothing is taken away.
    assert converge(machine, [two]) == []


def test_a_small_group_keeps_room_for_what_a_pool_needs(machine):
    converge(machine, [machine.device("one")], percent=100)
    assert machine.pools["cairn", "volumes"]["extents"] == 992


@pytest.mark.parametrize("effects", range(3))
def test_a_run_that_was_killed_is_gone_on_with(machine, effects):
    one = machine.device("one")
    machine.dies_after = effects
    try:
        converge(machine, [one])
    except KeyboardInterrupt:
        assert effects < 2
    machine.dies_after = None
    converge(machine, [one])
    assert machine.pools["cairn", "volumes"]["extents"] == 950
    assert converge(machine, [one]) == []


@pytest.mark.parametrize(("content", "owner", "reason"), [
    ("ext4", None, "not empty: it holds ext4"), ("gpt\nPMBR", None, "holds gpt, PMBR"),
    ("LVM2_member", "root", "belongs to the volume group root")])
def test_what_somebody_uses_is_not_taken(machine, content, owner, reason):
    one = machine.device("one", content)
    if owner:
        machine.groups[owner], machine.free[owner] = [one], 0
    with pytest.raises(Refused, match=reason):
        converge(machine, [one])
    assert not machine.ran


def test_a_device_that_is_not_there_is_named(machine):
    with pytest.raises(Refused, match="/dev/nothing is not there"):
        converge(machine, ["/dev/nothing"])


def test_without_a_device_the_group_must_be_there(machine):
    with pytest.raises(Refused, match="lvm_devices"):
        converge(machine, [])
    one = machine.device("one")
    machine.groups["cairn"], machine.free["cairn"] = [one], 1000
    converge(machine, [])
    assert ("cairn", "volumes") in machine.pools


def test_a_file_stands_for_a_device(machine, tmp_path):
    file = str(tmp_path / "below/volumes.img")
    assert converge(machine, [], file=file, check=True)
    assert not (tmp_path / "below").exists()
    converge(machine, [], file=file)
    assert (tmp_path / "below/volumes.img").stat().st_size == 1 << 30
    assert machine.groups["cairn"] == [machine.loops[file]]
    assert converge(machine, [], file=file) == []


def test_a_pool_hands_out_zeros(machine):
    converge(machine, [machine.device("one")])
    machine.pools["cairn", "volumes"]["attr"] = "twi-a-t---"
    assert converge(machine, []) == [("zero", None)]
    assert converge(machine, []) == []


def test_a_volume_of_the_pools_name_is_no_pool(machine):
    machine.groups["cairn"], machine.free["cairn"] = ["/dev/x"], 10
    machine.pools["cairn", "volumes"] = {"attr": "-wi-a-----"}
    with pytest.raises(Refused, match="no thin pool"):
        converge(machine, [])


def test_without_device_mapper_there_are_no_volumes(tmp_path):
    machine = Machine(tmp_path, mapper=False)
    assert Host(machine, tmp_path).maps_devices()  # As a module.
    machine.modules = set()
    assert not Host(machine, tmp_path).maps_devices()
