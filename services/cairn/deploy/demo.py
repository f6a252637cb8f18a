"""The demo: what a first user would do, up to a shell on a server of their own.

Everything is found before it is made, so the demo can be run again at any time, and a demo that was
interrupted goes on where it stopped.
"""

import ipaddress
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cairn.deploy import sdk
from cairn.deploy.cloud import write
from cairn.deploy.errors import Failed
from cairn.deploy.progress import Display

Connection = Any  # openstack.connection.Connection: the SDK's own types are loose.

IMAGE = "cairn-guest"
NETWORK = "public"
NAME = "demo"
FLAVOR = "m1.tiny"
# Name to vCPUs, MiB of memory and GiB of disk, as everybody knows them.
FLAVORS = {
    "m1.nano": (1, 128, 1),
    "m1.micro": (1, 192, 1),
    "m1.tiny": (1, 512, 1),
    "m1.small": (1, 2048, 20),
    "m1.medium": (2, 4096, 40),
    "m1.large": (4, 8192, 80),
    "m1.xlarge": (8, 16384, 160),
}
BOOT_SECONDS = 300
AFTER = "See what is wrong: ./cairn doctor. Then run ./cairn up again: it goes on from here."


@dataclass(frozen=True)
class External:
    """The network that leads out, as the roles have wired it."""

    physical_network: str
    subnet: str
    user: str

    @property
    def network(self) -> ipaddress.IPv4Network:
        return ipaddress.IPv4Network(self.subnet)

    def address(self, place: int) -> str:
        return str(self.network[place])


@dataclass
class Demo:
    display: Display
    admin: Connection
    connect_member: Callable[[], Connection]
    # How the demo user's client is called, for who has to look further.
    client: str
    directory: Path
    external: External
    password: str
    # Gives the guest image's file; it may still be in the making.
    image_file: Callable[[], Path]
    address: str = ""
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def login(self) -> str:
        return f"{self.external.user}@{self.address}"

    @property
    def key_file(self) -> Path:
        return self.directory / "demo-key"

    def run(self) -> None:
        steps: list[tuple[str, Callable[[], object]]] = [
            ("Flavors", self.flavors),
            ("The network that leads out", self.public_network),
            ("A project and its user", self.project),
            ("An image", self.image),
            ("A private network with a router", self.network),
            ("A key and rules that let ssh in", self.access),
            ("A server", self.server),
            ("A floating IP", self.floating_ip),
            ("A shell on it", self.shell),
        ]
        with self.display.phase("Demo: a first server", len(steps)) as phase:
            for name, step in steps:
                phase.step(name)
                begun = time.monotonic()
                try:
                    step()
                except sdk.ERRORS as wrong:
                    raise Failed(f"the demo stopped at '{name}': {wrong}", AFTER) from wrong
                self.seconds[name] = time.monotonic() - begun
            phase.result = f"ssh {self.login}"

    # What the admin prepares.

    def flavors(self) -> None:
        existing = {flavor.name for flavor in self.admin.compute.flavors()}
        for name, (vcpus, ram, disk) in FLAVORS.items():
            if name not in existing:
                self.admin.compute.create_flavor(name=name, vcpus=vcpus, ram=ram, disk=disk)

    def public_network(self) -> None:
        network = self.admin.network.find_network(NETWORK)
        if network is None:
            network = self.admin.network.create_network(
                name=NETWORK,
                is_router_external=True,
                provider_network_type="flat",
                provider_physical_network=self.external.physical_network,
            )
        if not list(self.admin.network.subnets(network_id=network.id)):
            self.admin.network.create_subnet(
                name=NETWORK,
                network_id=network.id,
                ip_version=4,
                cidr=self.external.subnet,
                gateway_ip=self.external.address(1),
                is_dhcp_enabled=False,
                allocation_pools=[
                    {"start": self.external.address(100), "end": self.external.address(250)}
                ],
            )

    def project(self) -> None:
        identity = self.admin.identity
        project = identity.find_project(NAME) or identity.create_project(
            name=NAME, domain_id="default", description="Made by ./cairn up to show a first server"
        )
        user = identity.find_user(NAME) or identity.create_user(
            name=NAME, domain_id="default", password=self.password, default_project_id=project.id
        )
        member = identity.find_role("member", ignore_missing=False)
        identity.assign_project_role_to_user(project, user, member)

    def image(self) -> None:
        existing = self.admin.image.find_image(IMAGE)
        if existing and existing.status == "active":
            return
        if existing:  # A load that was cut off; its data cannot be trusted.
            self.admin.image.delete_image(existing, ignore_missing=True)
        path = self.image_file()
        image = self.admin.image.create_image(
            name=IMAGE, disk_format="qcow2", container_format="bare", visibility="public",
            min_disk=1, min_ram=96, filename=str(path), allow_duplicates=True,
            validate_checksum=False,
        )
        if self.admin.image.get_image(image.id).status != "active":
            raise Failed(f"the image {IMAGE} did not become active")

    # What the user does.

    def network(self) -> None:
        me = self.member.network
        network = me.find_network(NAME) or me.create_network(name=NAME)
        subnet = me.find_subnet(NAME) or me.create_subnet(
            name=NAME, network_id=network.id, ip_version=4, cidr="10.10.0.0/24"
        )
        public = me.find_network(NETWORK, ignore_missing=False)
        router = me.find_router(NAME) or me.create_router(
            name=NAME, external_gateway_info={"network_id": public.id}
        )
        attached = {
            address["subnet_id"]
            for port in me.ports(device_id=router.id) for address in port.fixed_ips
        }
        if subnet.id not in attached:
            me.add_interface_to_router(router, subnet_id=subnet.id)

    def access(self) -> None:
        public_key = self._key()
        compute, network = self.member.compute, self.member.network
        keypair = compute.find_keypair(NAME)
        if keypair and keypair.public_key.split()[:2] != public_key.split()[:2]:
            compute.delete_keypair(keypair)
            keypair = None
        if keypair is None:
            compute.create_keypair(name=NAME, public_key=public_key)
        group = network.find_security_group(NAME) or network.create_security_group(
            name=NAME, description="ssh and ping from everywhere"
        )
        have = {
            (rule.protocol, rule.port_range_min)
            for rule in network.security_group_rules(security_group_id=group.id)
            if rule.direction == "ingress"
        }
        for protocol, port in (("tcp", 22), ("icmp", None)):
            if (protocol, port) not in have:
                network.create_security_group_rule(
                    security_group_id=group.id, direction="ingress", ether_type="IPv4",
                    protocol=protocol, port_range_min=port, port_range_max=port,
                )

    def server(self) -> None:
        compute = self.member.compute
        server = compute.find_server(NAME)
        if server and server.status == "ERROR":
            compute.delete_server(server)
            compute.wait_for_delete(server, interval=1, wait=60)
            server = None
        if server is None:
            server = compute.create_server(
                name=NAME,
                image_id=self.member.image.find_image(IMAGE, ignore_missing=False).id,
                flavor_id=compute.find_flavor(FLAVOR, ignore_missing=False).id,
                networks=[{"uuid": self.member.network.find_network(NAME).id}],
                key_name=NAME,
                security_groups=[{"name": NAME}],
            )
        elif server.status == "SHUTOFF":
            compute.start_server(server)
        self._await_active(server)

    def _await_active(self, server: Any) -> None:
        deadline = time.monotonic() + BOOT_SECONDS
        while True:
            now = self.member.compute.get_server(server.id)
            if now.status == "ACTIVE":
                return
            if now.status == "ERROR":
                fault = (now.fault or {}).get("message", "it has no fault message")
                raise Failed(
                    f"the demo server came to ERROR: {fault}",
                    f"See its steps: {self.client} server event list {NAME}",
                )
            if time.monotonic() > deadline:
                raise Failed(
                    f"the demo server is {now.status} ({now.task_state}) after {BOOT_SECONDS} s",
                    "See which process is missing: ./cairn status",
                )
            time.sleep(0.3)

    def floating_ip(self) -> None:
        network = self.member.network
        server = self.member.compute.find_server(NAME, ignore_missing=False)
        port = next(iter(network.ports(device_id=server.id)))
        public = network.find_network(NETWORK, ignore_missing=False)
        mine = list(network.ips())
        on_port = [ip for ip in mine if ip.port_id == port.id]
        free = [ip for ip in mine if ip.port_id is None]
        if on_port:
            address = on_port[0]
        elif free:
            address = network.update_ip(free[0], port_id=port.id)
        else:
            address = network.create_ip(floating_network_id=public.id, port_id=port.id)
        self.address = address.floating_ip_address

    def shell(self) -> None:
        deadline = time.monotonic() + BOOT_SECONDS
        last = ""
        while time.monotonic() < deadline:
            if not _listens(self.address):
                last = f"nothing answers at {self.address} port 22"
                time.sleep(0.3)
                continue
            done = subprocess.run(
                [*self.ssh(), "hostname"], capture_output=True, text=True, timeout=60,
                stdin=subprocess.DEVNULL,
            )
            if done.returncode == 0 and done.stdout.strip() == NAME:
                return
            last = (done.stderr or f"it says its name is '{done.stdout.strip()}'").strip()
            time.sleep(0.5)
        raise Failed(
            f"no shell on the demo server within {BOOT_SECONDS} s: {last}",
            f"See how it booted: {self.client} console log show {NAME}",
        )

    def ssh(self) -> list[str]:
        return [
            "ssh", "-i", str(self.key_file), "-o", "StrictHostKeyChecking=no",
            "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "BatchMode=yes",
            "-o", "ConnectTimeout=10", self.login,
        ]

    @property
    def member(self) -> Connection:
        if self._member is None:
            self._member = self.connect_member()
        return self._member

    _member: Connection = None

    def _key(self) -> str:
        """The public half of the demo's key, which is made on first use."""
        if not self.key_file.exists():
            private = Ed25519PrivateKey.generate().private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.OpenSSH,
                serialization.NoEncryption(),
            )
            write(self.key_file, private.decode())
        key = serialization.load_ssh_private_key(self.key_file.read_bytes(), password=None)
        public = key.public_key().public_bytes(
            serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
        )
        return public.decode()


def _listens(address: str) -> bool:
    try:
        with socket.create_connection((address, 22), timeout=2):
            return True
    except OSError:
        return False
