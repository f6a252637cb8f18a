"""What an attacker has on a deployed cloud: two tenants, sockets without manners, a guest's shell,
and for what a stolen host could do, a root shell on a node.

A scenario is a function `attack_...(ground)` in a module of this package. It tries one thing and
fails an assertion where that works. tests/system/test_attacks.py runs every one of them; one
that needs several hosts says so: `@on("multinode")`. What it makes goes with the tenants.
"""

import contextlib
import importlib
import pkgutil
import socket
import ssl
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import openstack
import pytest
import requests
from openstack.config import OpenStackConfig

from ..clouds import Cloud, Guest, Person, wait

# What the SDK says to those who write it is no failure of ours.
QUIET = pytest.mark.filterwarnings(
    "ignore::PendingDeprecationWarning", "ignore::DeprecationWarning:openstack",
    "ignore::openstack.warnings.OpenStackDeprecationWarning",
    "ignore::openstack.warnings.OpenStackWarning")
F = TypeVar("F", bound=Callable[..., Any])
NETWORK, IMAGE, FLAVOR = "public", "cairn-guest", "m1.tiny"


def on(topology: str) -> Callable[[F], F]:
    """Marks a scenario that needs this topology; one without runs on the all-in-one."""

    def mark(scenario: F) -> F:
        scenario.topology = topology  # type: ignore[attr-defined]
        return scenario

    return mark


def scenarios(topology: str) -> Iterator[tuple[str, Callable[["Ground"], None]]]:
    """Every scenario for a topology, by the names of its module and itself."""
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda each: each.name):
        room = importlib.import_module(f"{__name__}.{module.name}")
        for name, found in sorted(vars(room).items()):
            if getattr(found, "__module__", "") != room.__name__ or (
                    getattr(found, "topology", "allinone") != topology):
                continue
            if name.startswith("attack_"):
                yield f"{module.name}-{name.removeprefix('attack_')}", found
            elif found in getattr(room, "ATTACKS", ()):
                yield f"{module.name}-{name}", by_host(found)


def by_host(scenario: Callable[[str], None]) -> Callable[["Ground"], None]:
    """A scenario that needs no account, only the address of the proxy: it is tried on loopback as
    well, so its module lists it in ATTACKS."""
    return lambda ground: scenario(ground.host)


@dataclass
class Tenant:
    """A project and a user of it, through the SDK and through plain HTTP."""

    name: str
    project: str
    user: str
    password: str
    # https://the proxy of the cloud
    front: str
    ca: str
    sdk: Any
    # The same, for the clients on the command line.
    person: Person

    @property
    def token(self) -> str:
        return str(self.sdk.auth_token)

    @cached_property
    def session(self) -> requests.Session:
        session = requests.Session()
        session.verify = self.ca
        session.trust_env = False
        return session

    def close(self) -> None:
        self.session.close()
        self.sdk.close()

    def call(self, method: str, path: str, body: Any = None, *, timeout: float = 60,
             headers: dict[str, str] | None = None, **words: Any) -> requests.Response:
        """One request to a path of the proxy, such as /networking/v2.0/ports; never raises for
        what it is answered."""
        return self.session.request(
            method, self.front + path, json=body, timeout=timeout,
            headers={"X-Auth-Token": self.token} | (headers or {}), **words)


@dataclass
class Ground:
    """A deployed cloud, and who is on it."""

    cloud: Cloud
    admin: Tenant
    # In projects of their own, member of them and nothing else.
    alice: Tenant
    bob: Tenant
    folder: Path
    run: str = field(default_factory=lambda: uuid.uuid4().hex[:6])
    _guests: dict[str, Guest] = field(default_factory=dict)

    @property
    def host(self) -> str:
        """The address of the proxy."""
        return str(urlsplit(self.admin.front).hostname)

    def node(self, name: str, command: str, *, good: bool = True) -> str:
        """The output of a shell command on a node, as root."""
        return self.cloud.within(name, command, good=good)

    def plug(self, port: int = 443, *, tls: bool = True, timeout: float = 30) -> socket.socket:
        """A connection to the proxy that says nothing by itself."""
        plug = socket.create_connection((self.host, port), timeout=timeout)
        if not tls:
            return plug
        context = ssl.create_default_context(cafile=self.admin.ca)
        return context.wrap_socket(plug, server_hostname=self.host)

    def say(self, text: bytes, port: int = 443, *, tls: bool = True, timeout: float = 30) -> bytes:
        """Send these bytes and hear all that comes back until it is closed or silent."""
        with self.plug(port, tls=tls, timeout=timeout) as plug:
            plug.sendall(text)
            return hear(plug)

    def guest(self, tenant: Tenant, user_data: str = "") -> Guest:
        """A shell on a server of the tenant's, booted on first use; goes with the ground."""
        if tenant.name not in self._guests:
            self._guests[tenant.name] = boot(self, tenant, user_data)
        return self._guests[tenant.name]


def hear(plug: socket.socket, most: int = 1 << 20) -> bytes:
    """What comes until it is closed, or nothing comes for the socket's timeout."""
    heard = b""
    with contextlib.suppress(OSError):
        while len(heard) < most and (more := plug.recv(65536)):
            heard += more
    return heard


def connect(person: Person) -> Any:
    os_ = {k: v for k, v in person.environment.items() if k.startswith("OS_")}
    # Neither files nor variables of whoever runs this.
    config = OpenStackConfig(config_files=[], vendor_files=[], load_envvars=False)
    return openstack.connection.Connection(config=config.get_one(
        auth={
            "auth_url": os_["OS_AUTH_URL"], "username": os_["OS_USERNAME"],
            "password": os_["OS_PASSWORD"], "project_name": os_["OS_PROJECT_NAME"],
            "user_domain_name": os_.get("OS_USER_DOMAIN_NAME", "Default"),
            "project_domain_name": os_.get("OS_PROJECT_DOMAIN_NAME", "Default"),
        },
        region_name=os_.get("OS_REGION_NAME", "RegionOne"), cacert=os_["OS_CACERT"],
        interface="public"))


def tenant(person: Person) -> Tenant:
    """Somebody with credentials, ready to try."""
    sdk = connect(person)
    parts = urlsplit(person.environment["OS_AUTH_URL"])
    return Tenant(person.environment["OS_PROJECT_NAME"], sdk.current_project_id,
                  sdk.current_user_id, person.environment["OS_PASSWORD"],
                  f"{parts.scheme}://{parts.netloc}", person.environment["OS_CACERT"], sdk, person)


def settle(admin: Tenant, name: str, roles: Sequence[str] = ("member",)) -> Tenant:
    """A new project with one user."""
    identity, password = admin.sdk.identity, f"{name}-Secret-1"
    project = identity.create_project(name=name, domain_id="default")
    user = identity.create_user(name=name, domain_id="default", password=password)
    for role in roles:
        identity.assign_project_role_to_user(
            project, user, identity.find_role(role, ignore_missing=False))
    return tenant(Person(admin.person.environment | {
        "OS_USERNAME": name, "OS_PASSWORD": password, "OS_PROJECT_NAME": name}))


@contextlib.contextmanager
def ground(cloud: Cloud, folder: Path) -> Iterator[Ground]:
    """Two new tenants on the cloud; they and all that is theirs go in the end."""
    run = uuid.uuid4().hex[:6]
    admin = tenant(cloud.admin())
    here = Ground(cloud, admin, settle(admin, f"alice-{run}"), settle(admin, f"bob-{run}"),
                  folder, run)
    try:
        yield here
    finally:
        for each in (here.alice, here.bob):
            clear(admin, each)
            admin.sdk.identity.delete_user(each.user)
            admin.sdk.identity.delete_project(each.project)
            each.close()
        admin.close()


def clear(admin: Tenant, tenant: Tenant) -> None:
    """Take away all that is the tenant's, in an order that lets it go; as the admin, for whom
    nothing is locked."""
    compute, network, image = admin.sdk.compute, admin.sdk.network, admin.sdk.image
    mine = {"project_id": tenant.project}
    servers = list(compute.servers(all_projects=True, **mine))
    for server in servers:
        compute.delete_server(server)
    for server in servers:
        compute.wait_for_delete(server, wait=120)
    for address in network.ips(**mine):
        network.delete_ip(address)
    for router in network.routers(**mine):
        for port in list(network.ports(device_id=router.id)):
            if port.device_owner != "network:router_gateway":
                network.remove_interface_from_router(router, port_id=port.id)
        network.delete_router(router)
    for port in network.ports(**mine):
        if not port.device_owner.startswith("network:"):
            network.delete_port(port)
    for one in network.networks(**mine):
        network.delete_network(one)
    for group in network.security_groups(**mine):
        if group.name != "default":
            network.delete_security_group(group)
    for one in image.images(owner=tenant.project):
        if one.is_protected:
            image.update_image(one, is_protected=False)
        image.delete_image(one)


def wire(tenant: Tenant, cidr: str = "10.88.0.0/24") -> Any:
    """A network of the tenant's behind a router that leads out, and rules that let ssh in."""
    network = tenant.sdk.network
    net = network.create_network(name=tenant.name)
    subnet = network.create_subnet(network_id=net.id, ip_version=4, cidr=cidr, name=tenant.name)
    out = network.find_network(NETWORK, ignore_missing=False)
    router = network.create_router(
        name=tenant.name, external_gateway_info={"network_id": out.id})
    network.add_interface_to_router(router, subnet_id=subnet.id)
    group = network.find_security_group("default", project_id=tenant.project)
    for port in (22, None):
        network.create_security_group_rule(
            security_group_id=group.id, direction="ingress",
            **({"protocol": "tcp", "port_range_min": port, "port_range_max": port} if port
               else {"protocol": "icmp"}))
    return net


def boot(here: Ground, tenant: Tenant, user_data: str = "") -> Guest:
    """A server of the tenant's on a network of its own, and a shell on it by its floating IP."""
    import base64

    sdk = tenant.sdk
    net = wire(tenant)
    key = sdk.compute.create_keypair(name=tenant.name)
    path = here.folder / f"{tenant.name}-key"
    path.write_text(key.private_key)
    path.chmod(0o600)
    more = {"user_data": base64.b64encode(user_data.encode()).decode()} if user_data else {}
    server = sdk.compute.create_server(
        name=tenant.name, networks=[{"uuid": net.id}], key_name=tenant.name,
        image_id=sdk.image.find_image(IMAGE, ignore_missing=False).id,
        flavor_id=sdk.compute.find_flavor(FLAVOR, ignore_missing=False).id, **more)
    sdk.compute.wait_for_server(server, wait=120)
    port = next(iter(sdk.network.ports(device_id=server.id)))
    out = sdk.network.find_network(NETWORK, ignore_missing=False)
    address = sdk.network.create_ip(floating_network_id=out.id, port_id=port.id)
    guest = Guest(address.floating_ip_address, path)
    wait(f"ssh to {tenant.name}", guest.reachable, 180, 1)
    return guest


@contextlib.contextmanager
def bad_port(here: Ground, pairs: str = '[{"ip_address": "fe80::1%x", "mac_address": ""}]'
             ) -> Iterator[str]:
    """A port that is plugged into a host with text in it that nft refuses, as no API would take
    it any more: written into the database. Its id; a good one is beside it."""
    admin, node = here.admin, here.cloud.computes()[0]
    net = admin.sdk.network.create_network(name=f"bad-{here.run}", project_id=here.alice.project)
    admin.sdk.network.create_subnet(network_id=net.id, ip_version=4, cidr="10.89.0.0/24",
                                    project_id=here.alice.project)
    port = admin.sdk.network.create_port(
        network_id=net.id, project_id=here.alice.project, binding_host_id=node,
        device_owner="compute:nova", device_id=str(uuid.uuid4()))
    try:
        with tap(here, node, port.id):
            stored = pairs.replace('""', f'"{port.mac_address}"').replace('"', '\\"')
            here.cloud.sql("neutron", f"UPDATE ports SET allowed_address_pairs = '{stored}', "
                                      f"revision = revision + 1 WHERE id = '{port.id}'")
            # So that the agent hears of it.
            admin.sdk.network.update_port(port, description="bad")
            yield port.id
    finally:
        admin.sdk.network.delete_port(port)
        admin.sdk.network.delete_network(net)


@contextlib.contextmanager
def tap(here: Ground, node: str, port: str) -> Iterator[str]:
    """What a hypervisor would plug for the port, with nobody behind it."""
    name = f"tap{port[:11]}"
    here.node(node, f"ip link add {name} type veth peer name x{name[3:]} && "
                    f"ip link set {name} up && ip link set x{name[3:]} up")
    try:
        yield name
    finally:
        here.node(node, f"ip link del {name} || true")


def p99(times: Sequence[float]) -> float:
    """The time that 99 of 100 were faster than."""
    return sorted(times)[int(len(times) * 0.99)]


def timed(call: Callable[[], Any], count: int) -> list[float]:
    """Seconds each of so many calls took, one after another."""
    found = []
    for _ in range(count):
        begun = time.monotonic()
        call()
        found.append(time.monotonic() - begun)
    return found
