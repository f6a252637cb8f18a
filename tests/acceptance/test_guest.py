"""A stock Debian 12 with cloud-init, brought by a tenant, is told by the cloud who it is.

    ./cairn test acceptance guest

One server asks the metadata service, the other reads its config drive; both are booted twice. Their
processors are emulated, so that a boot takes minutes.
"""

import base64
import json
import re
import time
from dataclasses import dataclass, field
from typing import Any

import pytest
from acceptance import debian
from system import attacks
from system.clouds import Failed, Guest, run, wait

pytestmark = [pytest.mark.lab, attacks.QUIET]

PATIENCE = 1500
# An emulated processor takes its time over every connection; so one is kept for all commands.
SLOW = 90
ONE_CONNECTION = ("ControlMaster=auto", "ControlPersist=60", "ServerAliveInterval=10",
                  "ServerAliveCountMax=6")
USER_DATA = """\
#cloud-config
write_files:
  - path: /root/told
    permissions: "0640"
    content: of its user
runcmd:
  - echo once >> /root/times
"""
# How cloud-init calls where it has its data from, and whether the server has a config drive.
SOURCES = {"OpenStack": False, "ConfigDrive": True}
HOST_KEYS = re.compile(
    r"-----BEGIN SSH HOST KEY KEYS-----(.*?)-----END SSH HOST KEY KEYS-----", re.S)


@dataclass
class Server:
    name: str
    id: str
    address: str
    guest: Guest
    sdk: Any = field(repr=False)

    def file(self, path: str) -> str:
        return self.guest.run(f"sudo cat {path}").strip()

    def key_lines(self) -> set[str]:
        """The public keys it has as a host, as it wrote them to its console."""
        said = self.sdk.compute.get_server_console_output(self.id)["output"]
        found = HOST_KEYS.findall(said.replace("\r", ""))
        return {" ".join(line.split()[:2]) for line in found[-1].strip().splitlines()}

    def host_keys(self) -> set[str]:
        """Those that it shows to whoever comes by ssh."""
        said = run("ssh-keyscan", "-T", str(SLOW), "-t", "rsa,ecdsa,ed25519", self.address)
        return {" ".join(line.split()[1:3]) for line in said.splitlines() if line[0] != "#"}

    def boot(self) -> str:
        return self.file("/proc/sys/kernel/random/boot_id")

    def settled(self) -> str:
        """How cloud-init ended, once it has."""

        def ended() -> str:
            try:
                said = self.guest.run("cloud-init status --long || true")
            except Failed:
                return ""
            return "" if re.search(r"^status: (running|not run)", said, re.M) else said

        return str(wait(f"cloud-init of {self.name} ends", ended, PATIENCE, 5))


@pytest.fixture(scope="module")
def servers(cloud, tmp_path_factory):
    """A server of each kind, whose first boot is over; both boot at once."""
    folder = tmp_path_factory.mktemp("guest")
    image, seconds = debian.build()
    print(f"\nimage made or found in {seconds:.0f} s, {image.stat().st_size >> 20} MiB", flush=True)
    with attacks.ground(cloud, folder) as here:
        flavor = here.admin.sdk.compute.create_flavor(
            name=f"debian-{here.run}", vcpus=1, ram=768, disk=4)
        try:
            yield booted(here, image, flavor, folder / "key")
        finally:
            here.admin.sdk.compute.delete_flavor(flavor)


def booted(here, image, flavor, key_file):
    alice, begun = here.alice, time.monotonic()
    sdk = alice.sdk
    brought = alice.person.ask("image", "create", "--disk-format", "qcow2", "--container-format",
                               "bare", "--file", str(image), "debian-12")
    print(f"uploaded in {time.monotonic() - begun:.0f} s", flush=True)
    net = attacks.wire(alice)
    out = sdk.network.find_network(attacks.NETWORK, ignore_missing=False)
    key_file.write_text(sdk.compute.create_keypair(name="mine").private_key)
    key_file.chmod(0o600)
    begun, servers = time.monotonic(), {}
    for source, drive in SOURCES.items():
        made = sdk.compute.create_server(
            name=f"of-{source.lower()}", image_id=brought["id"], flavor_id=flavor.id,
            networks=[{"uuid": net.id}], key_name="mine", config_drive=drive,
            user_data=base64.b64encode(USER_DATA.encode()).decode())
        sdk.compute.wait_for_server(made, wait=300)
        port = next(iter(sdk.network.ports(device_id=made.id)))
        address = sdk.network.create_ip(
            floating_network_id=out.id, port_id=port.id).floating_ip_address
        guest = Guest(address, key_file, debian.USER, SLOW,
                      (*ONE_CONNECTION, f"ControlPath={key_file}-%C"))
        servers[source] = Server(made.name, made.id, address, guest, sdk)
    for each in servers.values():
        try:
            wait(f"ssh to {each.name}", each.guest.reachable, PATIENCE, 3)
        except Failed:
            print(sdk.compute.get_server_console_output(each.id)["output"][-6000:], flush=True)
            raise
        print(f"{each.name}: ssh after {time.monotonic() - begun:.0f} s", flush=True)
    for each in servers.values():
        each.settled()
        print(f"{each.name}: cloud-init over after {time.monotonic() - begun:.0f} s\n",
              each.guest.run("systemd-analyze || true"), flush=True)
    return servers


@pytest.fixture(params=SOURCES)
def source(request):
    return request.param


@pytest.fixture
def server(servers, source):
    return servers[source]


def well(server, source):
    """cloud-init is done, by this source, and has nothing to complain of."""
    status = server.settled()
    assert re.search(r"^status: done", status, re.M), status
    result = json.loads(server.file("/run/cloud-init/result.json"))["v1"]
    assert result["errors"] == []
    assert re.match(rf"DataSource{source}\b|DataSource{source}Local\b", result["datasource"])
    complaints = server.guest.run(
        "sudo grep -E 'WARNING|ERROR|CRITICAL|Traceback' /var/log/cloud-init.log || true")
    assert complaints == ""


def test_cloud_init_ends_without_a_complaint(server, source):
    well(server, source)


def test_it_is_who_it_was_asked_to_be(server):
    assert server.guest.run("hostname").strip() == server.name
    assert server.file("/var/lib/cloud/data/instance-id") == server.id


def test_it_does_what_its_user_data_says(server):
    assert server.file("/root/told") == "of its user"
    assert server.guest.run("sudo stat -c %a /root/told").strip() == "640"
    assert server.file("/root/times") == "once"


def test_it_has_grown_into_its_disk(server):
    kib = int(server.guest.run("df --output=size / | tail -n 1"))
    assert kib > 3.5 * (1 << 20)


def test_its_network_is_the_one_of_its_port(server):
    [port] = server.sdk.network.ports(device_id=server.id)
    links = json.loads(server.guest.run("ip -j address"))
    [link] = [each for each in links if each.get("address") == port.mac_address]
    assert [a["local"] for a in link["addr_info"] if a["family"] == "inet"] == [
        port.fixed_ips[0]["ip_address"]]
    network = server.sdk.network.get_network(port.network_id)
    assert link["mtu"] == network.mtu


def test_who_reads_the_console_knows_its_host_keys(server):
    shown = server.host_keys()
    assert len(shown) == 3
    assert shown <= server.key_lines()


def test_no_two_have_the_same_host_keys(servers):
    one, other = servers.values()
    assert not one.host_keys() & other.host_keys()
    assert one.file("/etc/machine-id") != other.file("/etc/machine-id")


def test_a_second_boot_is_of_the_same_instance(server, source):
    first, keys, begun = server.boot(), server.host_keys(), time.monotonic()
    server.sdk.compute.reboot_server(server.id, "SOFT")

    def other() -> bool:
        try:
            return server.boot() != first
        except Failed:
            return False

    wait(f"{server.name} is back", other, PATIENCE, 3)
    print(f"{server.name}: ssh again after {time.monotonic() - begun:.0f} s", flush=True)
    well(server, source)
    assert server.file("/var/lib/cloud/data/instance-id") == server.id
    assert server.file("/var/lib/cloud/data/previous-instance-id") in ("NO_PREVIOUS_INSTANCE_ID",
                                                                      server.id)
    assert server.file("/root/times") == "once"
    assert server.host_keys() == keys
