"""Volumes that move between backends and storage hosts, with what guests wrote.

    ./cairn test acceptance moves                     two hosts with two backends of files each
    ./cairn test acceptance moves --storage rbd       one, between Ceph and files
"""

import json
import os
import re
from pathlib import Path

import pytest
from system import conformance
from system.clouds import Cloud, Failed, Guest, wait

MOVES = ("tempest.api.volume.admin.test_multi_backend",
         "tempest.api.volume.admin.test_volume_retype",
         "tempest.scenario.test_volume_migrate_attached")


@pytest.fixture(scope="module")
def stores(request):
    """A cloud of several backends: each storage host has a spare one, of files."""
    name, storage = map(request.config.getoption, ("--name", "--storage"))
    cloud = Cloud(name or "moves", "storage" if storage == "file" else "allinone")
    if not name:
        cloud.up(cloud_storage_backend=storage)
    yield cloud
    if not name and not os.environ.get("CAIRN_KEEP"):
        cloud.down()


@pytest.fixture(scope="module")
def admin(stores):
    return stores.admin()


def place(admin, volume):
    """(status, migration_status, pool): python-openstackclient shows no migration's status."""
    shown = admin.ask("volume", "show", volume)
    return shown["status"], shown["os-vol-mig-status-attr:migstat"], shown[
        "os-vol-host-attr:host"]


def answers(admin, volume):
    try:
        return place(admin, volume)
    except Failed:
        return False


def pools(admin):
    return sorted(pool["Name"] for pool in admin.ask("volume", "backend", "pool", "list"))


def migrate(admin, volume, to):
    admin.openstack("volume", "migrate", "--host", to, volume)
    wait(f"{volume} is at {to}", lambda: place(admin, volume)[1:] == ("success", to), 300, 2)


@pytest.fixture(scope="module")
def guest(stores, admin):
    """A shell on the first server of the cloud, which has a volume with a pattern in it."""
    [server] = admin.ask("server", "list", "--all-projects", "--name", "demo")
    addresses = json.dumps(server["Networks"])
    address = re.findall(r"172\.31\.\d+\.\d+", addresses)[0]
    guest = Guest(address, Path(stores.state, "demo-key"), patience=60)
    wait(f"ssh to {address}", guest.reachable, 180, 2)
    # By its id: an administrator sees what it moves to under the same name.
    guest.volume = admin.ask("volume", "create", "--size", "1", "moving")["id"]
    wait("the volume is made", lambda: place(admin, guest.volume)[0] == "available", 60, 1)
    attach(admin, server["ID"], guest.volume)
    guest.run("dd if=/dev/urandom of=/tmp/p bs=1M count=16 2>/dev/null")
    for seek in (0, 900):
        guest.run(f"sudo dd if=/tmp/p of=/dev/vdb bs=1M seek={seek} conv=fsync 2>/dev/null")
    guest.server = server["ID"]
    return guest


def attach(admin, server, volume):
    admin.openstack("server", "add", "volume", server, volume)
    wait("the volume is in use", lambda: place(admin, volume)[0] == "in-use", 120, 1)


def assert_reads_back(guest):
    kept = guest.run("sha256sum < /tmp/p")
    for skip in (0, 900):
        assert guest.run(f"sudo dd if=/dev/vdb iflag=direct bs=1M count=16 skip={skip} "
                         "2>/dev/null | sha256sum") == kept


def test_a_volume_in_use_moves_through_every_pool(guest, admin):
    """With the guest, which writes meanwhile."""
    [*others] = [pool for pool in pools(admin) if pool != place(admin, guest.volume)[2]]
    for to in others:
        guest.run("(sudo dd if=/tmp/p of=/dev/vdb bs=64k seek=4800 conv=fsync "
                  ">/dev/null 2>&1 </dev/null &)")
        migrate(admin, guest.volume, to)
        assert place(admin, guest.volume)[0] == "in-use"
        assert_reads_back(guest)
    assert guest.run("sudo dd if=/dev/vdb iflag=direct bs=1M count=16 skip=300 2>/dev/null "
                     "| sha256sum") == guest.run("sha256sum < /tmp/p")


@pytest.mark.parametrize(("node", "unit"), [
    ("aio", "cairn-agent"), ("aio", "cairn-worker"), ("aio", "cairn-api"),
    ("storage2", "cairn-agent")])
def test_whoever_is_killed_it_ends(guest, admin, stores, node, unit):
    if node not in stores.nodes():
        pytest.skip("a cloud of one storage host")
    at = place(admin, guest.volume)[2]
    # On another host, where there is one.
    to = max(set(pools(admin)) - {at},
             key=lambda pool: pool.partition("@")[0] != at.partition("@")[0])
    admin.openstack("volume", "migrate", "--host", to, guest.volume)
    stores.within(node, f"systemctl kill -s KILL {unit}")
    wait("the cloud answers", lambda: answers(admin, guest.volume), 60, 1)
    wait("it is there, or where it was",
         lambda: place(admin, guest.volume)[1] in ("success", "error"), 180, 2)
    assert place(admin, guest.volume)[0] == "in-use"
    assert_reads_back(guest)


def test_one_that_nobody_uses_moves_through_every_pool(guest, admin):
    admin.openstack("server", "remove", "volume", guest.server, guest.volume)
    wait("it is free", lambda: place(admin, guest.volume)[0] == "available", 120, 1)
    for to in [pool for pool in pools(admin) if pool != place(admin, guest.volume)[2]]:
        migrate(admin, guest.volume, to)
    attach(admin, guest.server, guest.volume)
    assert_reads_back(guest)


def test_nothing_is_left_behind(guest, stores, admin):
    admin.openstack("server", "remove", "volume", guest.server, guest.volume)
    wait("it is free", lambda: place(admin, guest.volume)[0] == "available", 120, 1)
    admin.openstack("volume", "delete", guest.volume)
    wait("it is gone", lambda: guest.volume not in str(admin.ask("volume", "list")), 120, 1)
    for node in stores.nodes():
        folders = stores.within(node, "ls -d /var/lib/cairn/*volumes/exports").split()
        assert folders and stores.within(
            node, "ls -A /var/lib/cairn/*volumes/volumes/ | grep -v :$ || true").split() == []
        assert stores.within(node, f"ls -A {' '.join(folders)} | grep -v :$ || true").split() == []
    assert stores.within("aio", "! ceph -s >/dev/null 2>&1 || rbd ls volumes").split() == []
    assert stores.leftovers()["open works"] == []


def test_tempests_tests_of_it_pass(stores, admin, tmp_path):
    with conformance.workspace(admin, tmp_path) as folder:
        outcome = conformance.run(folder, admin, [re.escape(name) for name in MOVES])
    assert (outcome.failed, outcome.skipped) == (set(), {}), outcome.output[-20000:]
    assert all(any(conformance.within(one, {name}) or one.startswith(name)
                   for one in outcome.passed) for name in MOVES)
