"""Servers that come, become images and go, several at a time, some of them on volumes; and what of
them is to be found in a cloud that has come to rest."""

import contextlib
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import openstack.exceptions
import requests
from keystoneauth1 import exceptions as keystone
from system.attacks import Ground, Tenant, connect
from system.clouds import Failed, Person

# What a client meets while its cloud is not all there.
ERRORS = (openstack.exceptions.SDKException, keystone.ClientException, requests.RequestException)
# Of the proxy and of services without their database: "try again".
AWAY = (502, 503, 504)


@dataclass
class Lives:
    """What became of them."""

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    # What ended in an error that says why.
    told: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return ", ".join(f"{number} {what}" for what, number in sorted(self.counts.items()))


def empty_image(here: Ground, tenant: Tenant) -> str:
    empty = here.folder / "empty"
    empty.write_bytes(bytes(1 << 20))
    made = tenant.person.ask("image", "create", "--disk-format", "raw", "--container-format",
                             "bare", "--file", str(empty), "empty")
    return str(made["id"])


@dataclass
class Place:
    """Where they live: a project's network, image and flavor."""

    here: Ground
    tenant: Tenant
    image: str
    flavor: str
    network: str

    @classmethod
    def of(cls, here: Ground) -> "Place":
        """An image that boots nothing: a server of it idles in its firmware."""
        tenant, sdk = here.alice, here.alice.sdk
        image = empty_image(here, tenant)
        net = sdk.network.create_network(name="calm")
        sdk.network.create_subnet(network_id=net.id, ip_version=4, cidr="10.66.0.0/24")
        flavor = sdk.compute.find_flavor("m1.nano", ignore_missing=False)
        return cls(here, tenant, image, flavor.id, net.id)

    def traces(self) -> dict[str, list[str]]:
        """Everything that servers and images leave anywhere."""
        traces = self.here.cloud.leftovers()
        traces["image files"] = self.here.cloud.within(
            "aio", "ls /var/lib/cairn/images").split()
        traces["images"] = self.here.cloud.sql(
            "glance", "select id from images where status <> 'deleted'")
        traces["ports"] = self.here.cloud.sql("neutron", "select id from ports")
        return {where: sorted(what) for where, what in traces.items()}

    def count(self) -> Iterator[str]:
        """What does not fit together."""
        cloud, sdk = self.here.cloud, self.tenant.sdk
        servers = list(sdk.compute.servers())
        for server in servers:
            if server.task_state or server.status not in ("ACTIVE", "ERROR"):
                yield f"server {server.id} is {server.status}, {server.task_state}"
            elif server.status == "ERROR" and not (server.fault or {}).get("message"):
                yield f"server {server.id} is ERROR, and has no fault"
        every = {server.id for server in servers}
        active = {server.id for server in servers if server.status == "ACTIVE"}
        used = sdk.compute.get_limits().absolute
        if (used.instances_used, used.total_cores_used) != (len(every), len(every)):
            yield (f"{used.instances_used} servers and {used.total_cores_used} cores are counted, "
                   f"there are {len(every)}")
        # Those of others, who only look on.
        others = set(cloud.sql(
            "nova", "select id from servers where deleted = 0 and "
                    f"project_id <> '{self.tenant.project}'"))
        ports = [port for port in sdk.network.ports(project_id=self.tenant.project)
                 if port.device_owner.startswith("compute:")]
        taps = {f"tap{port.id[:11]}" for port in ports if port.device_id in active}
        places = {
            "allocations": cloud.sql("placement", "select consumer from allocations"),
            "domains": cloud.within("aio", "virsh list --uuid").split(),
            "disks": cloud.within("aio", "ls /var/lib/cairn/instances | grep -v _base || true")
            .split(),
            "ports": [port.device_id for port in ports] + list(others),
        }
        for place, what in places.items():
            for id_ in sorted((active | others) - set(what)):
                yield f"{place}: server {id_} has none"
            for id_ in sorted(set(what) - every - others):
                yield f"{place}: of {id_}, which is no server"
        for port in ports:
            if port.device_id in active and port.status != "ACTIVE":
                yield f"port {port.id} of server {port.device_id} is {port.status}"
        if len(ports) != len({port.device_id for port in ports}):
            yield "a server has more than one port"
        there = set(cloud.within("aio", "ls /sys/class/net | grep ^tap || true").split())
        for tap in sorted(taps - there):
            yield f"{tap} is not there"
        for work in cloud.sql("nova", "select concat(kind, ' ', subject) from work where state in "
                                      "('queued', 'undoing')"):
            yield f"open: {work}"

    def clear(self) -> None:
        """Ask for all of it to go."""
        sdk = self.tenant.sdk
        for server in sdk.compute.servers():
            if server.task_state != "deleting":
                sdk.compute.delete_server(server)


class Counted(Protocol):
    """A part of the cloud that can be counted, and cleared."""

    def count(self) -> Iterator[str]: ...

    def traces(self) -> dict[str, list[str]]: ...

    def clear(self) -> None: ...


def complaints(parts: Iterable[Counted], patience: float) -> list[str]:
    """What does not fit together, once it does or `patience` seconds are over."""
    return _until_none(lambda: [line for part in parts for line in part.count()], patience)


def traces(parts: Iterable[Counted]) -> dict[str, list[str]]:
    """Everything that there is anywhere, by where that is."""
    return {where: what for part in parts for where, what in part.traces().items()}


def clear(
    parts: Iterable[Counted], baseline: dict[str, list[str]], patience: float = 180
) -> list[str]:
    """Delete all that came; what is left then, beyond what was there before."""

    def look() -> list[str]:
        for part in parts:
            part.clear()
        wrong = [line for part in parts for line in part.count()]
        return wrong + [
            f"{where}: {sorted(set(what) ^ set(baseline[where]))} beside what was there"
            for where, what in traces(parts).items() if what != baseline[where]]

    return _until_none(look, patience)


def _until_none(look: Callable[[], list[str]], patience: float) -> list[str]:
    deadline = time.monotonic() + patience
    while True:
        try:
            wrong = look()
        except (*ERRORS, Failed) as error:
            wrong = [f"not to be asked: {error}"]
        if not wrong or time.monotonic() > deadline:
            return wrong
        time.sleep(2)


@dataclass
class Lane:
    """One that does one thing after another, in a session of its own."""

    person: Person
    lives: Lives
    over: threading.Event
    chance: random.Random
    sdk: Any = field(init=False)

    def run(self) -> None:
        while not self.over.is_set():
            self.sdk = connect(self.person)
            try:
                while not self.over.is_set():
                    self.life()
            except ERRORS as error:
                self.refused(error)
                self.over.wait(0.5)
            except Exception as error:
                self.lives.wrong.append(f"the test itself: {error!r}")
                raise
            finally:
                self.sdk.close()

    def life(self) -> None:
        raise NotImplementedError

    def note(self, what: str) -> None:
        self.lives.counts[what] += 1

    def refused(self, error: Exception) -> None:
        """The cloud may be away; it may not break."""
        code = getattr(error, "status_code", None) or getattr(error, "http_status", None)
        self.note("refused")
        if code and code >= 500 and code not in AWAY:
            self.lives.wrong.append(f"{code}: {error}")


MakeLane = Callable[[Lives, threading.Event, random.Random], Lane]


@contextlib.contextmanager
def lives(makes: Iterable[MakeLane], seed: int) -> Iterator[Lives]:
    """Several at once, until this is left and each has ended the call it is at."""
    what, over = Lives(), threading.Event()
    lanes = [make(what, over, random.Random(seed + number)) for number, make in enumerate(makes)]
    threads = [threading.Thread(target=lane.run, daemon=True) for lane in lanes]
    for thread in threads:
        thread.start()
    try:
        yield what
    finally:
        over.set()
        for thread in threads:
            thread.join(180)
            if thread.is_alive():
                what.wrong.append("a call hangs")


@dataclass
class ServerLane(Lane):
    """One that makes servers."""

    place: Place

    def life(self) -> None:
        """Some are deleted while they are being built, some are made images of, and some stay."""
        server = self.make()
        if self.chance.random() < 0.3:
            self.over.wait(self.chance.uniform(0, 2))
        elif self.awaited(server) and self.chance.random() < 0.5:
            self.sdk.compute.create_server_image(server, "copy", wait=False)
            self.note("servers copied")
            self.over.wait(self.chance.uniform(0, 2))
        if not self.over.is_set() or self.chance.random() < 0.5:
            self.sdk.compute.delete_server(server)
            self.note("servers deleted")

    def make(self) -> Any:
        facts = {"name": "crash", "flavor_id": self.place.flavor,
                 "networks": [{"uuid": self.place.network}]}
        if self.chance.random() < 0.3:
            self.note("servers on volumes")
            return self.sdk.compute.create_server(**facts, block_device_mapping=[{
                "boot_index": 0, "uuid": self.place.image, "source_type": "image",
                "destination_type": "volume", "volume_size": 1, "delete_on_termination": True}])
        self.note("servers")
        return self.sdk.compute.create_server(**facts, image_id=self.place.image)

    def awaited(self, server: Any) -> bool:
        """Whether it has become ACTIVE before all is over."""
        while not self.over.is_set():
            status = self.sdk.compute.get_server(server.id).status
            if status != "BUILD":
                return bool(status == "ACTIVE")
            self.over.wait(0.2)
        return False
