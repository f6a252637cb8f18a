# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""The modules that make a cluster, against monitors that behave."""

from __future__ import annotations

import json
import os
import re

import pytest
from ansible_collections.cairn.cloud.plugins.module_utils.ceph import Refused, key
from ansible_collections.cairn.cloud.plugins.module_utils.state import converge
from ansible_collections.cairn.cloud.plugins.modules import (
    ceph_monitor,
    ceph_osds,
    ceph_pools,
    ceph_users,
)

FSID = "129396ae-0480-507b-90b4-0ec4cb3ac90e"


class Module:
    def __init__(self, check_mode=False, **params):
        self.check_mode, self.params, self.result, self.commands = check_mode, params, None, []

    def exit_json(self, **result):
        self.result = result


class Monitors:
    """Behave as monitors do, as far as users, pools and OSDs are asked about and made."""

    def __init__(self):
        self.users, self.pools, self.osds, self.changes = {}, {}, {}, 0
        self.rules, self.oldest = {"replicated_rule": 0}, "luminous"

    def ask(self, prefix, data="", **arguments):
        self.changes += not prefix.endswith(("ls", "dump"))
        return getattr(self, re.sub("[ -]", "_", prefix))(data, **arguments)

    def auth_ls(self, data):
        return {"auth_dump": [{"entity": name, **user} for name, user in self.users.items()]}

    def auth_import(self, data):
        name, = re.findall(r"\[(.*)\]", data)
        password, = re.findall(r"\tkey = (.*)\n", data)
        caps = dict(re.findall(r'\tcaps (\w+) = "(.*)"\n', data))
        self.users[name] = {"key": password, "caps": caps}

    def osd_dump(self, data):
        return {"require_min_compat_client": self.oldest,
                "pools": [{"pool_name": name, **pool} for name, pool in self.pools.items()]}

    def osd_crush_rule_dump(self, data):
        return [{"rule_id": number, "rule_name": name} for name, number in self.rules.items()]

    def osd_crush_rule_create_replicated(self, data, name, root, type):
        self.rules.setdefault(name, len(self.rules))

    def osd_set_require_min_compat_client(self, data, version):
        self.oldest = version

    def osd_pool_create(self, data, pool, pg_num, pool_type, rule, autoscale_mode):
        self.pools.setdefault(pool, {
            "size": 3, "min_size": 2, "pg_num_target": pg_num, "crush_rule": self.rules[rule],
            "pg_autoscale_mode": autoscale_mode, "application_metadata": {}})

    def osd_pool_application_enable(self, data, pool, app):
        self.pools[pool]["application_metadata"][app] = {}

    def osd_pool_set(self, data, pool, var, val, yes_i_really_mean_it=False):
        if var == "size" and val == "1" and not yes_i_really_mean_it:
            raise Refused("one copy is no copy")
        if var == "crush_rule":
            self.pools[pool][var] = self.rules[val]
        elif var == "pg_num":
            self.pools[pool]["pg_num_target"] = int(val)
        else:
            self.pools[pool][var] = val if var == "pg_autoscale_mode" else int(val)

    def osd_new(self, data, uuid):
        secret = json.loads(data)["cephx_secret"]
        number, held = self.osds.setdefault(uuid, (len(self.osds), secret))
        if held != secret:
            raise Refused("it has another key")
        return {"osdid": number}


# Users --------------------------------------------------------------------------------------------

def users(monitors, check_mode=False, **changes):
    user = {"name": "client.x", "key": key("s", "x"), "caps": {"mon": "profile rbd"}, **changes}
    module, after = Module(check_mode), ceph_users.plan([user])
    before = ceph_users.look(monitors, after)
    converge(module, ceph_users.shown(before), ceph_users.shown(after),
             lambda: ceph_users.act(monitors, before, after))
    return module.result


def test_a_user_has_what_is_said_and_no_more():
    monitors = Monitors()
    monitors.users["client.other"] = {"key": "k", "caps": {}}
    assert users(monitors)["changed"] and not users(monitors)["changed"]
    for change in ({"key": key("s", "y")}, {"caps": {"mon": "profile rbd", "osd": "allow r"}}, {}):
        assert users(monitors, **change)["changed"]
        assert not users(monitors, **change)["changed"]
    assert monitors.users["client.x"]["caps"] == {"mon": "profile rbd"}
    assert monitors.users["client.other"] == {"key": "k", "caps": {}}


def test_a_key_is_never_shown():
    monitors = Monitors()
    users(monitors)
    diff = users(monitors, check_mode=True, key=key("s", "y"))["diff"]
    assert diff["before"] != diff["after"] and key("s", "y") not in str(diff)
    assert monitors.changes == 1


# Pools --------------------------------------------------------------------------------------------

def pools(monitors, check_mode=False, **changes):
    asked = {"names": ["images", "volumes"], "size": 3, "min_size": 2, "pg_num": 32,
             "apart": "osd", "application": "rbd", "oldest_client": "mimic", **changes}
    module, before = Module(check_mode), ceph_pools.look(monitors, asked["names"])
    after = ceph_pools.plan(before, asked)
    converge(module, before, after, lambda: ceph_pools.act(monitors, before, after))
    return module.result


@pytest.mark.parametrize("size", [1, 2, 3])
def test_pools_are_made_once(size):
    monitors = Monitors()
    assert pools(monitors, size=size, min_size=1)["changed"]
    assert not pools(monitors, size=size, min_size=1)["changed"]
    assert {pool["size"] for pool in monitors.pools.values()} == {size}
    assert monitors.oldest == "mimic"


@pytest.mark.parametrize("change", [
    {"apart": "host"}, {"size": 2, "min_size": 1}, {"pg_num": 64}, {"names": ["backups"]}])
def test_a_cluster_that_grows_is_brought_along(change):
    monitors = Monitors()
    pools(monitors)
    done = monitors.changes
    assert pools(monitors, check_mode=True, **change)["changed"] and monitors.changes == done
    assert pools(monitors, **change)["changed"]
    assert not pools(monitors, **change)["changed"]


def test_placement_groups_and_newer_clients_stay():
    monitors = Monitors()
    monitors.oldest = "reef"
    pools(monitors, pg_num=64)
    assert not pools(monitors, pg_num=32)["changed"]
    assert monitors.oldest == "reef" and monitors.pools["images"]["pg_num_target"] == 64


def test_a_pool_that_was_made_and_no_more_is_finished():
    monitors = Monitors()
    pools(monitors)
    monitors.pools["volumes"]["application_metadata"].clear()
    assert pools(monitors)["changed"]
    assert monitors.pools["volumes"]["application_metadata"] == {"rbd": {}}


# Stores -------------------------------------------------------------------------------------------

@pytest.fixture
def chown(monkeypatch):
    monkeypatch.setattr("shutil.chown", lambda *_: None)


class Host(Module):
    """Its tools: mkfs writes what a whole store has, unless it is killed."""

    dies = False
    holds = ""

    def run_command(self, command, check_rc=False):
        self.commands.append(command)
        if command[0] == "blkid":
            return (0, self.holds, "") if self.holds else (2, "", "")
        if self.dies:
            raise KeyboardInterrupt
        words = dict(zip(command, command[1:], strict=False))
        if command[0] == "ceph-mon":
            with open(words["--keyring"]) as file:
                self.keyring = file.read()
            open(os.path.join(words["--mon-data"], "kv_backend"), "w").close()
        else:
            place = os.path.join(self.params["directory"], f"ceph-{words['--id']}")
            for name, content in (("fsid", words["--osd-uuid"]), ("ready", "ready")):
                with open(os.path.join(place, name), "w") as file:
                    file.write(content + "\n")
        return 0, "", ""


def osd(host, monitors, path):
    return ceph_osds.make(host, monitors, ceph_osds.identity(FSID, "one", path), path)


def test_a_file_becomes_an_osd_also_when_the_first_try_was_killed(tmp_path, chown):
    directory, path, monitors = tmp_path / "osd", str(tmp_path / "files/1"), Monitors()
    directory.mkdir()
    host = Host(directory=str(directory), secret="s", file_size=4096)
    host.dies = True
    with pytest.raises(KeyboardInterrupt):
        osd(host, monitors, path)
    assert ceph_osds.look(str(directory)) == {}
    host.dies = False
    assert osd(host, monitors, path) == 0
    identity = ceph_osds.identity(FSID, "one", path)
    assert ceph_osds.look(str(directory)) == {identity: 0}
    assert os.path.getsize(path) == 4096 and os.readlink(directory / "ceph-0/block") == path
    assert monitors.osds == {identity: (0, key("s", identity))}
    assert key("s", identity) in (directory / "ceph-0/keyring").read_text()


def test_every_disk_of_every_host_is_an_osd_of_its_own():
    assert len({ceph_osds.identity(FSID, host, path)
                for host in ("one", "two") for path in ("/dev/a", "/dev/b")}) == 4


@pytest.mark.parametrize("holds", ["", 'TYPE="ext4"'])
def test_a_disk_with_anything_on_it_is_refused(monkeypatch, tmp_path, holds):
    disk, host = tmp_path / "disk", Host()
    host.holds = holds
    disk.write_bytes(b"\0" * 4096)
    monkeypatch.setattr("stat.S_ISBLK", lambda mode: True)
    monkeypatch.setattr(ceph_osds, "DEVICES", str(tmp_path))
    if holds:
        with pytest.raises(ceph_osds.InTheWay, match="ext4.*wipefs"):
            ceph_osds.examine(host, FSID, str(disk))
        # What a killed run has begun is ours.
        disk.write_bytes(ceph_osds.LABEL + FSID.encode() + b"\n")
    ceph_osds.examine(host, FSID, str(disk))
    # Of another OSD it is not.
    disk.write_bytes(ceph_osds.LABEL + FSID.replace("1", "2").encode() + b"\n")
    host.holds = 'TYPE="ceph_bluestore"'
    with pytest.raises(ceph_osds.InTheWay):
        ceph_osds.examine(host, FSID, str(disk))


def test_what_is_no_disk_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(ceph_osds, "DEVICES", str(tmp_path))
    with pytest.raises(ceph_osds.InTheWay, match="no block device"):
        ceph_osds.examine(Host(), FSID, str(tmp_path / "none"))


def test_a_monitor_has_its_store_or_none(tmp_path, chown):
    place, host = str(tmp_path / "ceph-one"), Host()
    host.dies = True
    with pytest.raises(KeyboardInterrupt):
        ceph_monitor.act(host, "one", "[mon.]\n", place)
    assert ceph_monitor.look(place) == {"store": False}
    host.dies = False
    ceph_monitor.act(host, "one", "[mon.]\n", place)
    assert ceph_monitor.look(place) == {"store": True} and os.listdir(tmp_path) == ["ceph-one"]
    assert host.keyring == "[mon.]\n"
