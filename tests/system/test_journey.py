"""A new project's member, from an image to servers that talk, through the unmodified clients."""

import re
import socket
import sys
import uuid

import pytest

from .clouds import Guest, member, run, wait

pytestmark = pytest.mark.lab

# Names of this run: a cloud that was kept for a closer look may have others.
RUN = uuid.uuid4().hex[:6]
FLAVOR = f"j1.{RUN}"
USER_DATA = "#!/bin/sh\necho user data was here > /tmp/user-data\n"


@pytest.fixture(scope="module")
def alice(cloud, admin):
    return member(admin, f"journey-{RUN}", f"alice-{RUN}")


@pytest.fixture(scope="module")
def bob(cloud, admin):
    return member(admin, f"elsewhere-{RUN}", f"bob-{RUN}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, cloud):
    return tmp_path_factory.mktemp(f"journey-{cloud.topology}")


@pytest.fixture(scope="module")
def key(alice, folder):
    path = folder / "my_key"
    path.write_text(alice.openstack("keypair", "create", "my_key"))
    path.chmod(0o600)
    return path


@pytest.fixture(scope="module")
def stage(alice, admin, key, folder, cloud):
    """Image, flavor, network, router and rules, made as a user would."""
    image = folder / "guest.qcow2"
    admin.openstack("image", "save", "--file", str(image), "cairn-guest")
    alice.openstack("image", "create", "--disk-format", "qcow2", "--container-format", "bare",
                    "--file", str(image), "centos7")
    admin.openstack("flavor", "create", "--ram", "128", "--disk", "1", "--vcpus", "1", FLAVOR)
    alice.openstack("network", "create", "private")
    alice.openstack("subnet", "create", "--network", "private", "--subnet-range",
                    "10.77.0.0/24", "private")
    alice.openstack("router", "create", "edge")
    alice.openstack("router", "set", "--external-gateway", "public", "edge")
    alice.openstack("router", "add", "subnet", "edge", "private")
    alice.openstack("security", "group", "create", "web")
    for words in (["--protocol", "tcp", "--dst-port", "22"], ["--protocol", "icmp"]):
        alice.openstack("security", "group", "rule", "create", *words, "web")
    data = folder / "user-data"
    data.write_text(USER_DATA)
    return data


@pytest.fixture(scope="module")
def servers(alice, stage, cloud, admin):
    """One server on each host (two where there is one), ACTIVE."""
    hosts = (cloud.computes() * 2)[:2]
    for number in (1, 2):
        name = f"web{number}"
        words = ["server", "create", "--image", "centos7", "--flavor", FLAVOR, "--network",
                 "private", "--security-group", "web", "--key-name", "my_key", "--user-data",
                 str(stage), "--wait", name]
        if len(set(hosts)) > 1 and number == 2:
            first = alice.ask("server", "show", "web1")["id"]
            words[2:2] = ["--hint", f"different_host={first}"]
        alice.openstack(*words)
    return ["web1", "web2"]


@pytest.fixture(scope="module")
def guest(alice, servers, key):
    """A shell on web1, through its floating IP."""
    address = alice.ask("floating", "ip", "create", "public")["floating_ip_address"]
    alice.openstack("server", "add", "floating", "ip", "web1", address)
    guest = Guest(address, key)
    wait(f"ssh to {address}", guest.reachable, 180, 2)
    return guest


def test_servers_are_active_and_on_different_hosts(servers, alice, admin, cloud):
    ids = [alice.ask("server", "show", name)["id"] for name in servers]
    shown = [admin.ask("server", "show", id_) for id_ in ids]
    assert [s["status"] for s in shown] == ["ACTIVE", "ACTIVE"]
    hosts = {s["OS-EXT-SRV-ATTR:host"] for s in shown}
    assert len(hosts) == len(cloud.computes())


def test_the_guest_is_who_it_was_asked_to_be(guest):
    assert guest.run("hostname").strip() == "web1"
    wait("user data", lambda: "was here" in guest.run("cat /tmp/user-data || true"), 30)


def test_two_servers_ping_each_other(guest, alice):
    networks = alice.ask("server", "show", "web2")["addresses"]
    address = networks["private"][0]
    wait(f"web2 at {address} answers", lambda: " 0% packet loss" in guest.run(
        f"ping -c 1 -W 2 {address} || true"), 120, 2)


def test_a_guest_reaches_the_world_behind_its_router(guest, alice):
    gateway = alice.ask("subnet", "show", "private")["gateway_ip"]
    assert " 0% packet loss" in guest.run(f"ping -c 2 -W 2 {gateway}")


def test_a_blocked_port_is_blocked_and_an_opened_one_open(guest, alice):
    guest.run("(setsid nc -lk 8080 >/dev/null 2>&1 </dev/null &)")
    address = guest.words[-1].partition("@")[2]

    def open_():
        try:
            socket.create_connection((address, 8080), timeout=2).close()
        except OSError:
            return False
        return True

    assert not open_()
    alice.openstack("security", "group", "rule", "create", "--protocol", "tcp", "--dst-port",
                    "8080", "web")
    wait("port 8080 opens", open_, 30)


def test_the_console_log_shows_the_boot(servers, alice):
    assert "BOOTED" in alice.openstack("console", "log", "show", "web1")


def test_the_owner_sees_each_step(servers, alice):
    request = alice.ask("server", "event", "list", "web1")[-1]["Request ID"]
    events = alice.ask("server", "event", "show", "web1", request)["events"]
    assert len(events) == 17
    assert {event["result"] for event in events} == {"Success"}


def test_another_project_sees_nothing_of_it(servers, alice, bob):
    server = alice.ask("server", "show", "web1")["id"]
    network = alice.ask("network", "show", "private")["id"]
    assert "No Server found" in bob.openstack("server", "show", server, good=False)
    bob.openstack("server", "delete", server, good=False)
    bob.openstack("network", "show", network, good=False)
    assert bob.ask("server", "list") == []
    assert bob.ask("image", "list", "--private") == []


def test_it_stops_starts_and_reboots(guest, alice):
    alice.openstack("server", "stop", "web1")
    wait("web1 is SHUTOFF", lambda: alice.status("web1") == "SHUTOFF", 90, 2)
    alice.openstack("server", "start", "web1")
    wait("web1 is ACTIVE", lambda: alice.status("web1") == "ACTIVE", 60, 2)
    wait("ssh after the start", guest.reachable, 180, 2)
    alice.openstack("server", "reboot", "--hard", "--wait", "web1")
    wait("ssh after the reboot", guest.reachable, 180, 2)


def test_a_running_server_becomes_an_image_that_boots(guest, alice, key):
    guest.run("echo kept > kept && sync")
    alice.openstack("server", "image", "create", "--wait", "--name", "copy", "web1")
    assert alice.status("web1") == "ACTIVE"
    alice.openstack("server", "create", "--image", "copy", "--flavor", FLAVOR, "--network",
                    "private", "--security-group", "web", "--key-name", "my_key", "--wait",
                    "again")
    address = alice.ask("floating", "ip", "create", "public")["floating_ip_address"]
    alice.openstack("server", "add", "floating", "ip", "again", address)
    again = Guest(address, key)
    wait(f"ssh to {address}", again.reachable, 180, 2)
    assert again.run("hostname; cat kept").split() == ["again", "kept"]
    alice.openstack("server", "delete", "--wait", "again")
    alice.openstack("image", "delete", "copy")


def test_the_old_client_boots_and_lists_verbatim(stage, alice, admin, cloud):
    network = alice.ask("network", "show", "private")["id"]
    if not any(f["Name"] == "m1.small" for f in alice.ask("flavor", "list")):
        admin.openstack("flavor", "create", "--ram", "256", "--disk", "1", "m1.small")
    alice.nova("boot", "--flavor", "m1.small", "--image", "centos7", "--nic", f"net-id={network}",
               "--security-group", "web", "--key-name", "my_key", "stack_testvm")
    wait("stack_testvm is ACTIVE",
         lambda: re.search(r"stack_testvm \| ACTIVE", alice.nova("list")), 120, 2)
    alice.openstack("server", "delete", "--wait", "stack_testvm")


def test_an_image_names_its_firmware(stage, alice, folder):
    alice.openstack("image", "create", "--disk-format", "qcow2", "--container-format", "bare",
                    "--file", str(folder / "guest.qcow2"), "--property", "hw_firmware_type=uefi",
                    "efi")
    alice.openstack("server", "create", "--image", "efi", "--flavor", FLAVOR, "--network",
                    "private", "--wait", "efi")
    # Its disk has nothing that UEFI could start, as the firmware says where a BIOS says nothing.
    wait("the firmware speaks", lambda: "BdsDxe: failed to load" in alice.openstack(
        "console", "log", "show", "efi"), 120, 2)
    alice.openstack("server", "delete", "--wait", "efi")
    alice.openstack("image", "delete", "efi")


# --- Disks ---


def volume_is(alice, name, status):
    def looked():
        shown = alice.ask("volume", "show", name)
        assert "error" not in shown["status"], shown
        return shown["status"] == status

    wait(f"volume {name} is {status}", looked, 120, 1)


def shell(alice, server, key):
    """A shell on that server, through a floating IP of its own."""
    address = alice.ask("floating", "ip", "create", "public")["floating_ip_address"]
    alice.openstack("server", "add", "floating", "ip", server, address)
    guest = Guest(address, key)
    wait(f"ssh to {address}", guest.reachable, 180, 2)
    return guest


def boot_from(alice, volume, name):
    alice.openstack("server", "create", "--volume", volume, "--flavor", FLAVOR, "--network",
                    "private", "--security-group", "web", "--key-name", "my_key", "--wait", name)


def plug(alice, guest, server):
    alice.openstack("server", "add", "volume", server, "data")
    volume_is(alice, "data", "in-use")
    wait("the guest has the disk", lambda: "vdb" in guest.run("cat /proc/partitions"), 60)


# Of a volume in use. The openstack command says no --force, at the last version that wants it.
SNAPSHOT = """
import openstack
storage = openstack.connect().block_storage
volume = storage.find_volume("data")
storage.post("/snapshots", json={"snapshot": {"volume_id": volume.id, "name": "before"}},
             microversion="3.66").raise_for_status()
"""
READ = "sudo dd if=/dev/vdb bs=1M count=4 2>/dev/null | sha256sum"
FILL = "sudo sh -c 'dd if=/dev/urandom of=/dev/vdb bs=1M count=4 && sync' 2>/dev/null"


def test_disks_outlive_their_server_and_come_back_as_they_were(alice, stage, key, cloud):
    """From an image to a volume, a server on it, a second disk, a snapshot of that in use, a backup
    of the first in use; the server goes, both come back, and another server has them."""
    alice.openstack("volume", "create", "--image", "centos7", "--size", "1", "root")
    alice.openstack("volume", "create", "--size", "1", "data")
    volume_is(alice, "root", "available")
    boot_from(alice, "root", "keeper")
    guest = shell(alice, "keeper", key)
    plug(alice, guest, "keeper")
    guest.run(FILL)
    written = guest.run(READ)
    guest.run("sudo sh -c 'echo kept > /root/kept && sync'")
    alice.openstack("--os-volume-api-version", "3.42", "volume", "set", "--size", "2", "data")
    wait("the guest has a larger disk", lambda: "2097152 vdb" in guest.run("cat /proc/partitions"),
         60, 1)
    assert guest.run(READ) == written
    run(sys.executable, "-c", SNAPSHOT, env=alice.environment)
    wait("the snapshot is there", lambda: alice.ask(
        "volume", "snapshot", "show", "before")["status"] == "available", 60, 1)
    guest.run(FILL)
    assert guest.run(READ) != written
    alice.openstack("volume", "backup", "create", "--force", "--name", "copy", "root")
    wait("the backup is there", lambda: alice.ask(
        "volume", "backup", "show", "copy")["status"] == "available", 180, 2)
    alice.openstack("server", "delete", "--wait", "keeper")
    volume_is(alice, "data", "available")
    volume_is(alice, "root", "available")
    alice.openstack("volume", "delete", "root")
    alice.openstack("--os-volume-api-version", "3.40", "volume", "revert", "before")
    alice.openstack("volume", "backup", "restore", "copy", "again")
    volume_is(alice, "data", "available")
    volume_is(alice, "again", "available")
    alice.openstack("volume", "set", "--bootable", "again")
    boot_from(alice, "again", "heir")
    guest = shell(alice, "heir", key)
    plug(alice, guest, "heir")
    assert guest.run(READ) == written
    assert guest.run("sudo cat /root/kept").strip() == "kept"
    cloud.volumes_agree()
    alice.openstack("server", "delete", "--wait", "heir")
    volume_is(alice, "data", "available")
    alice.openstack("volume", "backup", "delete", "copy")
    alice.openstack("volume", "snapshot", "delete", "before")
    wait("the snapshot is gone", lambda: alice.ask("volume", "snapshot", "list") == [], 60, 1)
    alice.openstack("volume", "delete", "data", "again")
    wait("nothing is left of them", lambda: alice.ask("volume", "list") == [] and alice.ask(
        "volume", "backup", "list") == [], 60, 1)
    cloud.volumes_agree()


@pytest.mark.parametrize(("words", "says"), [
    (["--image", "centos7", "--flavor", "none"], "none"),
    (["--image", "none", "--flavor", FLAVOR], "none"),
    (["--image", "centos7", "--flavor", FLAVOR, "--key-name", "none"], "key_name"),
    (["--image", "centos7", "--flavor", FLAVOR, "--network", "none"], "none"),
])
def test_a_mistake_is_named(stage, alice, words, says):
    assert says in alice.openstack("server", "create", *words, "wrong", good=False)
    assert not any(s["Name"] == "wrong" for s in alice.ask("server", "list"))


def test_afterwards_nothing_is_left(guest, alice, cloud, admin):
    mine = {s["ID"] for s in alice.ask("server", "list")}
    for name in ("web1", "web2"):
        alice.openstack("server", "delete", "--wait", name)
    before = cloud.leftovers()
    assert not [x for where in before.values() for x in where if x in mine]
    for address in alice.ask("floating", "ip", "list"):
        alice.openstack("floating", "ip", "delete", address["ID"])
    alice.openstack("router", "remove", "subnet", "edge", "private")
    alice.openstack("router", "delete", "edge")
    network = alice.ask("network", "show", "private")["id"]
    alice.openstack("network", "delete", "private")
    assert alice.ask("port", "list") == []
    alice.openstack("image", "delete", "centos7")

    def gone():
        spaces = " ".join(cloud.within(node, "ls /run/netns 2>/dev/null || true")
                          for node in cloud.nodes())
        return network not in spaces
    wait("the network's namespace is gone", gone, 30)
    assert cloud.leftovers()["open works"] == []
