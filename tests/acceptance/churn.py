"""Servers that come, become images and go, several at a time; and what of them is to be found in a
cloud that has come to rest."""

import contextlib
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import openstack.exceptions
import requests
from keystoneauth1 import exceptions as keystone
from system.attacks import Ground, Tenant, connect
from system.clouds import Failed

LANES = 3
# What a client meets while its cloud is not all there.
ERRORS = (openstack.exceptions.SDKException, keystone.ClientException, requests.RequestException)
# Of the proxy and of services without their database: "try again".
AWAY = (502, 503, 504)


@dataclass
class Lives:
    """What became of them."""

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return ", ".join(f"{number} {what}" for what, number in sorted(self.counts.items()))


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
        empty = here.folder / "empty"
        empty.write_bytes(bytes(1 << 20))
        image = tenant.person.ask("image", "create", "--disk-format", "raw", "--container-format",
                                  "bare", "--file", str(empty), "empty")["id"]
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

    def complaints(self, patience: float) -> list[str]:
        """What does not fit together, once it does or `patience` seconds are over."""
        deadline = time.monotonic() + patience
        while True:
            try:
                wrong = list(self._complaints())
            except (*ERRORS, Failed) as error:
                wrong = [f"not to be asked: {error}"]
            if not wrong or time.monotonic() > deadline:
                return wrong
            time.sleep(2)

    def _complaints(self) -> Iterator[str]:
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
        yield from self._images()

    def _images(self) -> Iterator[str]:
        for image in self.tenant.sdk.image.images(owner=self.tenant.project):
            if image.status != "active":
                yield f"image {image.id} is {image.status}"

    def clear(self, baseline: dict[str, list[str]], patience: float = 180) -> list[str]:
        """Delete all that came; what is left then, beyond what was there before."""
        deadline, wrong = time.monotonic() + patience, [""]
        while wrong and time.monotonic() < deadline:
            time.sleep(1)
            try:
                self._delete()
                wrong = list(self._complaints())
                traces = self.traces()
            except (*ERRORS, Failed) as error:
                wrong = [f"not to be cleared: {error}"]
                continue
            wrong += [f"{where}: {sorted(set(what) ^ set(baseline[where]))} beside what was there"
                      for where, what in traces.items() if what != baseline[where]]
        return wrong

    def _delete(self) -> None:
        sdk = self.tenant.sdk
        for server in sdk.compute.servers():
            if server.task_state != "deleting":
                sdk.compute.delete_server(server)
        for image in sdk.image.images(owner=self.tenant.project):
            if image.id != self.image:
                sdk.image.delete_image(image)


@contextlib.contextmanager
def lives(place: Place, seed: int) -> Iterator[Lives]:
    """Several at once, until this is left and each has ended the call it is at."""
    what, over = Lives(), threading.Event()
    lanes = [Lane(place, what, over, random.Random(seed + number)) for number in range(LANES)]
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
class Lane:
    """One that makes servers, one after another."""

    place: Place
    lives: Lives
    over: threading.Event
    chance: random.Random

    def run(self) -> None:
        while not self.over.is_set():
            self.sdk = connect(self.place.tenant.person)
            try:
                while not self.over.is_set():
                    self.life()
            except ERRORS as error:
                self.note(error)
                self.over.wait(0.5)
            finally:
                self.sdk.close()

    def life(self) -> None:
        """Some are deleted while they are being built, some are made images of, and some stay."""
        server = self.sdk.compute.create_server(
            name="crash", image_id=self.place.image, flavor_id=self.place.flavor,
            networks=[{"uuid": self.place.network}])
        self.lives.counts["created"] += 1
        if self.chance.random() < 0.3:
            self.over.wait(self.chance.uniform(0, 2))
        elif self.awaited(server) and self.chance.random() < 0.5:
            self.sdk.compute.create_server_image(server, "copy", wait=False)
            self.lives.counts["copied"] += 1
            self.over.wait(self.chance.uniform(0, 2))
        if not self.over.is_set() or self.chance.random() < 0.5:
            self.sdk.compute.delete_server(server)
            self.lives.counts["deleted"] += 1

    def awaited(self, server: Any) -> bool:
        """Whether it has become ACTIVE before all is over."""
        while not self.over.is_set():
            status = self.sdk.compute.get_server(server.id).status
            if status != "BUILD":
                return bool(status == "ACTIVE")
            self.over.wait(0.2)
        return False

    def note(self, error: Exception) -> None:
        """The cloud may be away; it may not break."""
        code = getattr(error, "status_code", None) or getattr(error, "http_status", None)
        self.lives.counts["refused"] += 1
        if code and code >= 500 and code not in AWAY:
            self.lives.wrong.append(f"{code}: {error}")
