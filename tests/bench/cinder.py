# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""What cinder costs: CPU and queries per request, and volumes made on the fake driver.

    python tests/bench/cinder.py [mysql+mysqldb://...]

Without a database's URL it runs on SQLite; the schema that a URL names is made anew. Works run one
after another in this process, so that what is measured is cinder alone.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "services"))
sys.path.insert(0, str(Path(__file__).parents[1]))

from dataclasses import replace

from fakes.cinder import World
from sqlalchemy import event, insert

from cairn.cinder.app import create_app
from cairn.cinder.db.models import Base, Volume
from cairn.cinder.settings import QuotaSettings
from cairn.common.context import Context
from cairn.common.db import Database

ROOM = QuotaSettings(volumes=-1, gigabytes=-1)
MEMBER = Context("alice", project_id="red", roles=frozenset({"member", "reader"}))
VERSION = {"OpenStack-API-Version": "volume 3.71"}


class House:
    """All of cinder, and who asks it."""

    def __init__(self, database: str, folder: Path) -> None:
        db = Database(database)
        Base.metadata.drop_all(db.engine)
        Base.metadata.create_all(db.engine)
        self.queries: list[str] = []
        for engine in (db.engine, db._reading.kw["bind"]):
            event.listen(engine, "before_cursor_execute",
                         lambda conn, cursor, statement, *rest: self.queries.append(statement))
        self.world = World(db, folder)
        cinder = replace(self.world.cinder, quota=ROOM)
        self.client = create_app(cinder, lambda headers: MEMBER, {}).test_client()

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.client.open(f"/v3{path}", method=method, json=body, headers=VERSION)
        assert answer.status_code < 300, answer.text
        return answer

    def make(self, count: int) -> float:
        """Seconds until `count` volumes that were asked for at once are available."""
        begun = time.monotonic()
        for _ in range(count):
            self.ask("POST", "/volumes", {"volume": {"size": 1, "name": "data"}})
        self.world.settle()
        return time.monotonic() - begun

    def fill(self, count: int) -> None:
        with self.world.db.writing() as session:
            session.execute(insert(Volume), [
                {"project_id": "red", "user_id": "alice", "status": "available", "size": 1,
                 "availability_zone": "nova", "name": f"v{number}", "meta": {"n": str(number)}}
                for number in range(count)])

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
        database = sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{folder}/cinder.db"
        house = House(database, Path(folder))
        first = min(house.make(1) for _ in range(5))
        print(f"{'POST /volumes to available, fake driver':45} {first * 1000:8.0f} ms")
        print(f"{'100 volumes asked for at once':45} {100 / house.make(100):8.1f} volumes/s")
        made = house.ask("GET", "/volumes?limit=1").json["volumes"][0]["id"]
        house.fill(1000)
        house.cost("GET one volume", f"/volumes/{made}", 50)
        house.cost("list 100 volumes with detail", "/volumes/detail?limit=100", 10)
        house.cost("list 1000 volumes with detail", "/volumes/detail?limit=1000", 5)


if __name__ == "__main__":
    main()
