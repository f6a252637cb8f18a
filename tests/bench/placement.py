# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""What placement costs in a big cloud: candidates, lists, claims.

    python tests/bench/placement.py [--providers 10000] [--allocations 200000] [--limit 1000]
                                    [--threads 16] [mysql+mysqldb://...]

Without a database's URL it runs on SQLite; the schema that a URL names is made anew. CPU is
user and system of this process, and of a MariaDB on this machine whose account may read @@pid_file.
"""

from __future__ import annotations

import argparse
import io
import os
import random
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "services"))

import orjson
from sqlalchemy import event, insert, select, text, update

from cairn.common.context import Context
from cairn.common.db import Database, new_id, utcnow
from cairn.common.policy import Policy
from cairn.placement.app import create_app
from cairn.placement.component import make
from cairn.placement.db.models import Allocation, Base, Consumer, Inventory, Provider
from cairn.placement.policy import RULES

NOVA = Context("nova", project_id="service", roles=frozenset({"service"}))
STOCKS = {"VCPU": (64, 4.0), "MEMORY_MB": (262144, 1.0), "DISK_GB": (4000, 1.0)}
SERVER = {"VCPU": 2, "MEMORY_MB": 4096, "DISK_GB": 20}
AT_ONCE = 5000


class House:
    """Placement on its real database, called without a socket."""

    def __init__(self, database: str) -> None:
        self.db = Database(database, pool_size=32)
        Base.metadata.drop_all(self.db.engine)
        Base.metadata.create_all(self.db.engine)
        self.placement = make(self.db, Policy(RULES))
        self.app = create_app(self.placement, lambda headers: NOVA, {})
        self.queries = 0
        for engine in (self.db.engine, self.db._reading.kw["bind"]):
            event.listen(engine, "before_cursor_execute", self._count)
        self.server = self._server()

    def _count(self, *about: Any) -> None:
        self.queries += 1

    def _server(self) -> int | None:
        if self.db.engine.dialect.name == "sqlite":
            return None
        with self.db.reading() as session:
            return int(Path(session.scalar(text("SELECT @@pid_file")) or "").read_text())

    def server_cpu(self) -> float:
        """Seconds that MariaDB has used."""
        if self.server is None:
            return 0.0
        fields = Path(f"/proc/{self.server}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def ask(self, method: str, path: str, body: Any = None) -> bytes:
        path, _, query = path.partition("?")
        data = b"" if body is None else orjson.dumps(body)
        environ = {
            "REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query,
            "SCRIPT_NAME": "", "SERVER_NAME": "x", "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(data), "wsgi.errors": sys.stderr,
            "CONTENT_LENGTH": str(len(data)), "CONTENT_TYPE": "application/json",
            "HTTP_OPENSTACK_API_VERSION": "placement 1.39",
        }
        status: list[str] = []
        answer = b"".join(self.app(environ, lambda code, headers, *rest: status.append(code)))
        if status[0] > "299":
            raise RuntimeError(f"{method} {path}: {status[0]} {answer!r}")
        return answer

    def fill(self, providers: int, allocations: int) -> None:
        classes = self.placement.names.classes.ids(set(STOCKS))
        servers = allocations // len(STOCKS)
        homes = [1 + number % providers for number in range(servers)]
        used = {number: homes.count(number) for number in range(1, providers + 1)} if (
            servers < 10 * providers) else dict.fromkeys(
                range(1, providers + 1), servers // providers)
        now = utcnow()
        self._insert(Provider, [
            {"id": n, "uuid": new_id(), "name": f"host{n}", "generation": 1, "created_at": now}
            for n in range(1, providers + 1)])
        with self.db.writing() as session:
            session.execute(update(Provider).values(root_id=Provider.id),
                            execution_options={"synchronize_session": False})
        self._insert(Inventory, [
            {"provider_id": n, "class_id": classes[name], "total": total, "reserved": 0,
             "min_unit": 1, "max_unit": total, "step_size": 1, "allocation_ratio": ratio,
             "used": used[n] * SERVER[name]}
            for n in range(1, providers + 1) for name, (total, ratio) in STOCKS.items()])
        consumers = [new_id() for _ in homes]
        self._insert(Consumer, [
            {"uuid": consumer, "project_id": "red", "user_id": "alice", "type": "INSTANCE",
             "generation": 1, "created_at": now} for consumer in consumers])
        self._insert(Allocation, [
            {"consumer": consumer, "provider_id": home, "class_id": classes[name], "used": amount}
            for consumer, home in zip(consumers, homes, strict=True)
            for name, amount in SERVER.items()])

    def _insert(self, model: Any, rows: list[dict[str, Any]]) -> None:
        for start in range(0, len(rows), AT_ONCE):
            with self.db.writing() as session:
                session.execute(insert(model), rows[start:start + AT_ONCE])

    def cost(self, name: str, path: str, times: int, between: Any = None) -> None:
        """CPU of one request, here and in the database; `between` is not counted."""
        self.ask("GET", path)
        here = there = 0.0
        self.queries = 0
        size = 0
        for _ in range(times):
            if between is not None:
                between()
                self.queries = 0
            cpu, server = time.process_time(), self.server_cpu()
            size = len(self.ask("GET", path))
            here += time.process_time() - cpu
            there += self.server_cpu() - server
        queries = self.queries if between is not None else self.queries / times
        print(f"{name:52} {here / times * 1000:7.2f} + {there / times * 1000:5.2f} ms CPU "
              f"{queries:4.0f} queries {size / 1000:7.0f} kB")

    def claim(self) -> None:
        """A server of somebody on some host: that it may be full is fine."""
        with self.db.reading() as session:
            home = random.choice(self._homes(session))
        self.ask("PUT", f"/allocations/{new_id()}", {
            "allocations": {home: {"resources": {"VCPU": 1}}}, "project_id": "blue",
            "user_id": "bob", "consumer_generation": None, "consumer_type": "INSTANCE"})

    def _homes(self, session: Any) -> list[str]:
        if not hasattr(self, "homes"):
            self.homes = list(session.scalars(select(Provider.uuid)))
        return self.homes

    def claims(self, count: int, threads: int) -> None:
        self.claim()
        cpu, server, begun = time.process_time(), self.server_cpu(), time.monotonic()

        def work() -> None:
            for _ in range(count // threads):
                self.claim()

        workers = [threading.Thread(target=work) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        done = count // threads * threads
        print(f"{f'claims, {threads} at once':52} "
              f"{(time.process_time() - cpu) / done * 1000:7.2f} + "
              f"{(self.server_cpu() - server) / done * 1000:5.2f} ms CPU "
              f"{done / (time.monotonic() - begun):8.0f} claims/s")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("database", nargs="?")
    parser.add_argument("--providers", type=int, default=10_000)
    parser.add_argument("--allocations", type=int, default=200_000)
    parser.add_argument("--limit", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=16)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        house = House(options.database or f"sqlite:///{folder}/placement.db")
        house.fill(options.providers, options.allocations)
        print(f"{options.providers} providers x {len(STOCKS)} inventories, "
              f"{options.allocations} allocations")
        resources = ",".join(f"{name}:{amount}" for name, amount in SERVER.items())
        path = f"/allocation_candidates?resources={resources}"
        begun, cpu = time.monotonic(), time.process_time()
        house.ask("GET", f"{path}&limit=1")
        cpu, wall = time.process_time() - cpu, time.monotonic() - begun
        print(f"{'first question of a process':52} {cpu * 1000:7.0f} ms CPU {wall * 1000:6.0f} ms")
        limited = f"{path}&limit={options.limit}"
        house.cost(f"allocation_candidates at limit {options.limit}", limited, 200)
        house.cost("the same after one claim", limited, 100, house.claim)
        house.cost("allocation_candidates at limit 10", f"{path}&limit=10", 200)
        house.cost("allocation_candidates where nothing fits",
                   "/allocation_candidates?resources=VCPU:64,MEMORY_MB:262144&limit=1000", 50)
        house.cost("allocation_candidates, one granular group",
                   f"/allocation_candidates?resources1={resources}&limit={options.limit}", 20)
        house.cost("GET one provider", f"/resource_providers/{house.homes[0]}", 200)
        house.cost("list all providers", "/resource_providers", 5)
        house.claims(2000, 1)
        house.claims(4000, options.threads)
        house.db.engine.dispose()


if __name__ == "__main__":
    main()
