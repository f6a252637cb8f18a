# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""What nova costs: CPU and queries per request, and how long servers take with the fake driver.

    python tests/bench/nova.py [mysql+mysqldb://... [amqp://controller:...]]

Without a database's URL it runs on SQLite, without a broker's in memory; the schema that a URL
names is made anew. A broker has accounts host.host0 to host.host3 with the controller's password.
Neighbours answer at once: what is measured is nova alone.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "services"))
sys.path.insert(0, str(Path(__file__).parents[1]))

from fakes.nova import Cloud, FakeTransfers, NoImages
from sqlalchemy import event, insert, select

from cairn.common.context import Context
from cairn.common.db import Database, new_id
from cairn.common.ledger import RemoteLedger
from cairn.common.policy import Policy
from cairn.common.process import Host
from cairn.common.rpc import Bus, Server
from cairn.common.settings import MessagingSettings
from cairn.common.work import Worker
from cairn.nova.app import create_app
from cairn.nova.component import Nova
from cairn.nova.compute import flows
from cairn.nova.compute.doer import Hands
from cairn.nova.compute.manager import Manager
from cairn.nova.conductor import process as conductor
from cairn.nova.db.models import Base
from cairn.nova.db.models import Server as Row
from cairn.nova.drivers.fake import FakeDriver
from cairn.nova.neighbours import over_http
from cairn.nova.policy import RULES
from cairn.nova.rpc import Compute, Conductor, Scheduler, runner_of
from cairn.nova.scheduler import process as scheduler
from cairn.nova.settings import (
    ComputeSettings,
    ConductorSettings,
    QuotaSettings,
    SchedulerSettings,
)

HOSTS = [f"host{number}" for number in range(4)]
ROOM = QuotaSettings(instances=-1, cores=-1, ram=-1)
MEMBER = Context("alice", project_id="red", roles=frozenset({"admin", "member", "reader"}))
VERSION = {"OpenStack-API-Version": "compute 2.96"}


class House:
    """All of nova in one process, on real threads and a real bus."""

    def __init__(self, database: str, broker: str) -> None:
        self.db = Database(database)
        Base.metadata.drop_all(self.db.engine)
        Base.metadata.create_all(self.db.engine)
        self.queries: list[str] = []
        for engine in (self.db.engine, self.db._reading.kw["bind"]):
            event.listen(engine, "before_cursor_execute",
                         lambda conn, cursor, statement, *rest: self.queries.append(statement))
        bus = Bus(MessagingSettings(broker))
        self.cloud = Cloud()
        self.nova = Nova(db=self.db, policy=Policy(RULES), conductor=Conductor(bus),
                         compute=Compute(bus), cloud=over_http(self.cloud), quota=ROOM)
        host = Host("controller")
        conductor.run(self.nova, Scheduler(bus), ConductorSettings(), host)
        scheduler.run(self.nova, SchedulerSettings(), host)
        host.start()
        time.sleep(1)
        for name in HOSTS:
            self.compute(Bus(MessagingSettings(broker.replace("controller", f"host.{name}"))), name)
        self.client = create_app(self.nova, lambda headers: MEMBER, {}).test_client()
        self.ask("POST", "/v2.1/flavors", {"flavor": {
            "id": "m1", "name": "m1", "ram": 64, "vcpus": 1, "disk": 1}})
        self.image, self.network = self.cloud.image(), self.cloud.network("red")

    def compute(self, bus: Bus, name: str) -> None:
        settings = ComputeSettings(driver="fake", vif_plugging_timeout=30.0)
        driver = FakeDriver(settings, name)
        images: Any = NoImages()
        stub = Conductor(bus)
        transfers: Any = FakeTransfers(stub, self.cloud)
        hands = Hands(stub, driver, images, settings, name, transfers)
        worker = Worker(RemoteLedger(stub), flows.make(hands), runner=runner_of(name),
                        lease_holder=name)
        Server(bus, Compute, name, Manager(stub, driver, worker)).start()
        worker.start()
        stub.report_service(Context(), binary="nova-compute", service_host=name)
        stub.report_host(Context(), service_host=name, report=driver.report())

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.client.open(path, method=method, json=body, headers=VERSION)
        assert answer.status_code < 300, answer.text
        return answer

    def boot(self) -> str:
        made = self.ask("POST", "/v2.1/servers", {"server": {
            "name": "web", "imageRef": self.image, "flavorRef": "m1",
            "networks": [{"uuid": self.network}]}})
        return str(made.json["server"]["id"])

    def status(self, server_id: str) -> str:
        return str(self.ask("GET", f"/v2.1/servers/{server_id}").json["server"]["status"])

    def boots(self, count: int) -> tuple[float, Counter[str]]:
        """Seconds until `count` servers that were asked for at once are no more BUILD."""
        begun = time.monotonic()
        ids = [self.boot() for _ in range(count)]
        while True:
            found = Counter(self.status(server_id) for server_id in ids)
            if not found["BUILD"]:
                return time.monotonic() - begun, found
            time.sleep(0.01 if count == 1 else 0.2)

    def fill(self, count: int) -> None:
        with self.db.writing() as session:
            one = dict(session.execute(select(*Row.__table__.c).limit(1)).one()._mapping)
            del one["number"]
            rows = [{k: v for k, v in one.items() if v is not None} | {"id": new_id()}
                    for _ in range(count)]
            session.execute(insert(Row), rows)

    def cost(self, name: str, path: str, times: int) -> None:
        spent, queries = [], []
        for _ in range(times):
            self.queries.clear()
            begun = time.thread_time()
            self.ask("GET", path)
            spent.append((time.thread_time() - begun) * 1000)
            queries.append(len(self.queries))
        # The least: what the machine does beside is not the request's.
        print(f"{name:45} {min(spent):8.2f} ms CPU  {min(queries)} queries")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{folder}/nova.db"
        house = House(database, sys.argv[2] if len(sys.argv) > 2 else "memory://controller@localhost/")
        house.boot()
        first = min(house.boots(1)[0] for _ in range(5))
        print(f"{'POST /servers to ACTIVE, fake driver':45} {first * 1000:8.0f} ms")
        seconds, found = house.boots(100)
        print(f"{'100 concurrent boots, fake driver':45} {100 / seconds:8.1f} servers/s "
              f"{dict(found)}")
        server_id = house.boot()
        house.fill(1000)
        time.sleep(1)
        house.cost("GET one server", f"/v2.1/servers/{server_id}", 50)
        house.cost("list 100 servers with detail", "/v2.1/servers/detail?limit=100", 10)
        house.cost("list 1000 servers with detail", "/v2.1/servers/detail?limit=1000", 5)
        house.cost("list flavors with detail", "/v2.1/flavors/detail", 20)
        sys.stdout.flush()
        os._exit(0)  # Its threads have no end of their own.


if __name__ == "__main__":
    main()
