# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""What it costs to choose a host among many, and to say why there is none.

    python tests/bench/scheduler.py [--hosts 1000 10000] [--servers 10] [NOVA PLACEMENT]

NOVA and PLACEMENT are databases' URLs (mysql+mysqldb://...), whose schemas are made anew; without
them both are SQLite. Placement is the real one, called without a socket, and its part of the cost
is told apart. `--servers` is how many each host has.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

from placement import House as PlacementHouse
from placement import new_id
from sqlalchemy import event, insert, select

from cairn.common.context import Context
from cairn.common.db import Database, utcnow
from cairn.common.errors import Problem
from cairn.nova.db.models import Aggregate, AggregateHost, Base, Hypervisor, Server, Service
from cairn.nova.neighbours.placement import HttpPlacement
from cairn.nova.scheduler.manager import Manager
from cairn.nova.settings import ApiSettings, SchedulerSettings, ServiceSettings
from cairn.placement.db.models import Provider

ADMIN = Context("nova", project_id="service", roles=frozenset({"service"}))
AT_ONCE = 2000
# As libvirt's driver reports a machine of these days.
REPORT = {
    "hypervisor_type": "KVM", "hypervisor_version": 7002000, "host_ip": "10.0.0.1",
    "vcpus": 64, "memory_mb": 262144, "disk_gb": 4000, "vcpus_used": 0, "memory_mb_used": 0,
    "disk_gb_used": 0, "disk_available_least": 4000, "running_vms": 0, "reserved_vcpus": 0,
    "reserved_memory_mb": 0, "reserved_disk_gb": 0, "cpu_allocation_ratio": 4.0,
    "ram_allocation_ratio": 1.0, "disk_allocation_ratio": 1.0, "uptime": "up",
    "cpu_info": {"arch": "x86_64", "model": "Skylake", "vendor": "Intel",
                 "topology": {"sockets": 2, "cores": 16, "threads": 2},
                 "features": [f"feature{n}" for n in range(120)]},
    "traits": [f"HW_CPU_X86_{n}" for n in range(60)],
    "supported_instances": [["x86_64", "kvm", "hvm"], ["i686", "kvm", "hvm"]],
}
REQUEST: Any = {
    "project_id": "red", "user_id": "alice", "required": [], "forbidden": [],
    "resources": {"VCPU": 2, "MEMORY_MB": 4096, "DISK_GB": 20}, "zone": None, "host": None,
    "node": None, "capabilities": {}, "aggregate_specs": {}, "hints": {}, "group": None,
    "image": {"arch": "x86_64", "hypervisor": None, "mode": None},
}


class Answer:
    """As much of requests.Response as nova reads."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def json(self) -> Any:
        return json.loads(self.content)


class Neighbours:
    """The real placement; counts what it is asked and the CPU that takes."""

    def __init__(self, house: PlacementHouse) -> None:
        self.house, self.asked, self.cpu = house, 0, 0.0

    def _ask(self, method: str, path: str, body: Any = None) -> Answer:
        begun = time.process_time()
        self.asked += 1
        content = self.house.ask(method, path, body)
        self.cpu += time.process_time() - begun
        return Answer(content)

    def get(self, service: str, path: str, **options: Any) -> Answer:
        return self._ask("GET", path)

    def put(self, service: str, path: str, **options: Any) -> Answer:
        return self._ask("PUT", path, options.get("json"))


class House:
    """A scheduler on its real database."""

    def __init__(self, database: str, placement: str, hosts: int, servers: int) -> None:
        self.db = Database(database)
        Base.metadata.drop_all(self.db.engine)
        Base.metadata.create_all(self.db.engine)
        self.queries = 0
        for engine in (self.db.engine, self.db._reading.kw["bind"]):
            event.listen(engine, "before_cursor_execute", self._count)
        providers = PlacementHouse(placement)
        providers.fill(hosts, hosts * servers * 3)
        self.neighbours = Neighbours(providers)
        self._fill(providers, servers)
        client: Any = self.neighbours
        self.manager = Manager(self.db, HttpPlacement(client), SchedulerSettings(),
                               ServiceSettings(down_after=1e6), ApiSettings())

    def _count(self, *about: Any) -> None:
        self.queries += 1

    def _insert(self, model: Any, rows: list[dict[str, Any]]) -> None:
        for start in range(0, len(rows), AT_ONCE):
            with self.db.writing() as session:
                session.execute(insert(model), rows[start:start + AT_ONCE])

    def _fill(self, placement: PlacementHouse, servers: int) -> None:
        now = utcnow()
        with placement.db.reading() as session:
            providers = session.execute(select(Provider.uuid, Provider.name)).all()
        self._insert(Hypervisor, [
            {"id": row.uuid, "host": row.name, "node": row.name,
             "report": REPORT | {"hypervisor_hostname": row.name}} for row in providers])
        self._insert(Service, [
            {"id": new_id(), "host": row.name, "binary": "nova-compute", "seen_at": now}
            for row in providers])
        self._insert(Aggregate, [
            {"number": n, "id": new_id(), "name": f"rack{n}", "zone": f"zone{n}", "meta": {}}
            for n in range(1, 5)])
        self._insert(AggregateHost, [{"aggregate": 1 + number % 4, "host": row.name}
                                     for number, row in enumerate(providers)])
        self._insert(Server, [
            {"id": new_id(), "project_id": "red", "user_id": "alice", "reservation_id": "r",
             "name": "web", "hostname": "web", "vm_state": "active", "flavor_id": "m1",
             "flavor": {}, "host": row.name, "node": row.name}
            for row in providers for _ in range(servers)])

    def select_host(self, **more: Any) -> None:
        self.manager.select_host(ADMIN, new_id(), REQUEST | more, [])

    def refuse(self, **more: Any) -> None:
        try:
            self.select_host(**more)
        except Problem as problem:
            self.said = str(problem)
        else:
            raise AssertionError("it was to be refused")

    def cost(self, name: str, ask: Callable[[], None], times: int) -> None:
        ask()
        self.queries = self.neighbours.asked = 0
        self.neighbours.cpu = 0.0
        begun, cpu = time.monotonic(), time.process_time()
        for _ in range(times):
            ask()
        wall, cpu = time.monotonic() - begun, time.process_time() - cpu
        there = self.neighbours.cpu
        print(f"{name:44} {(cpu - there) / times * 1000:8.1f} ms CPU + placement "
              f"{there / times * 1000:6.1f}, {wall / times * 1000:8.1f} ms in all, "
              f"{self.queries / times:4.0f} queries {self.neighbours.asked / times:4.0f} questions",
              flush=True)


def measure(house: House, hosts: int, times: int) -> None:
    zone = {"zone": "zone2"}
    house.cost(f"{hosts} hosts: a host", house.select_host, times)
    house.cost(f"{hosts} hosts: a host of a zone", lambda: house.select_host(**zone), times)
    house.cost(f"{hosts} hosts: one, by name", lambda: house.select_host(host="host7"), times)
    house.cost(f"{hosts} hosts: none is that big", lambda: house.refuse(
        resources=REQUEST["resources"] | {"MEMORY_MB": 999999}), max(times // 10, 2))
    house.cost(f"{hosts} hosts: none is in that zone", lambda: house.refuse(
        zone="moon"), max(times // 10, 2))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--hosts", type=int, nargs="+", default=[1000, 10000])
    parser.add_argument("--servers", type=int, default=10)
    parser.add_argument("--times", type=int, default=30)
    parser.add_argument("databases", nargs="*")
    options = parser.parse_args()
    for hosts in options.hosts:
        with tempfile.TemporaryDirectory() as folder:
            nova, placement = options.databases or (
                f"sqlite:///{folder}/nova.db", f"sqlite:///{folder}/placement.db")
            measure(House(nova, placement, hosts, options.servers), hosts, options.times)


if __name__ == "__main__":
    sys.exit(main())
