# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""What glance's records cost: CPU and queries per request, with properties, tags and members.

    python tests/bench/images.py [mysql+mysqldb://...]

Without a database's URL it runs on SQLite; the schema that a URL names is made anew.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "services"))

from sqlalchemy import event, insert

from cairn.common.context import Context
from cairn.common.db import Database, new_id, utcnow
from cairn.common.policy import Policy
from cairn.glance.app import create_app
from cairn.glance.component import Glance
from cairn.glance.db.data import ImageLocation
from cairn.glance.db.models import Base, Image, ImageMember, ImageProperty, ImageTag
from cairn.glance.drivers.gate import Gate
from cairn.glance.drivers.stores import Stores
from cairn.glance.policy import RULES
from cairn.glance.settings import ImageSettings, ImportSettings, StoreSettings

PROPERTIES, TAGS, MEMBERS = 6, 3, 2
MEMBER = Context("alice", project_id="red", roles=frozenset({"member", "reader"}))
JSON = {"Accept": "application/json"}


class House:
    """glance-api on a database with `count` images of one project, in one process."""

    def __init__(self, database: str, folder: str, count: int) -> None:
        self.db = Database(database)
        Base.metadata.drop_all(self.db.engine)
        Base.metadata.create_all(self.db.engine)
        self.queries: list[str] = []
        for engine in {self.db.engine, self.db._reading.kw["bind"]}:
            event.listen(engine, "before_cursor_execute",
                         lambda conn, cursor, statement, *rest: self.queries.append(statement))
        imports = ImportSettings()
        settings = ImageSettings(folder=folder, use_keystone_limits=False)
        stores = Stores(settings, StoreSettings(enabled=f"local:file:{folder}"), imports,
                        Gate(imports))
        glance = Glance(self.db, Policy(RULES), settings, stores, imports=imports)
        self.client = create_app(glance, lambda headers: MEMBER, {}).test_client()
        self.ids = [new_id() for _ in range(count)]
        self.fill()

    def fill(self) -> None:
        now = utcnow()
        rows: dict[type[Any], list[dict[str, Any]]] = {
            Image: [{
                "id": id_, "owner": "red", "name": f"image {number}", "status": "active",
                "visibility": "shared", "disk_format": "qcow2", "container_format": "bare",
                "size": 1 << 30, "virtual_size": 1 << 31, "checksum": "0" * 32,
                "os_hash_algo": "sha512", "os_hash_value": "0" * 128, "created_at": now,
                "updated_at": now} for number, id_ in enumerate(self.ids)],
            ImageProperty: [{"image_id": id_, "name": f"hw_property_{number}", "value": "value"}
                            for id_ in self.ids for number in range(PROPERTIES)],
            ImageTag: [{"image_id": id_, "value": f"tag{number}"}
                       for id_ in self.ids for number in range(TAGS)],
            ImageMember: [{"image_id": id_, "member": f"project{number}", "status": "accepted"}
                          for id_ in self.ids for number in range(MEMBERS)],
            ImageLocation: [{"image_id": id_, "store": "local", "url": f"file:///images/{id_}",
                             "meta": {"store": "local"}} for id_ in self.ids]}
        with self.db.writing() as session:
            for table, values in rows.items():
                session.execute(insert(table), values)

    def cost(self, name: str, method: str, path: str, times: int, **args: Any) -> None:
        spent, queries = [], []
        for _ in range(times):
            self.queries.clear()
            begun = time.thread_time()
            answer = self.client.open(path, method=method, headers=JSON, **args)
            spent.append((time.thread_time() - begun) * 1000)
            assert answer.status_code < 300, answer.text
            queries.append(len(self.queries))
        # The least: what the machine does beside is not the request's.
        print(f"{name:45} {min(spent):8.2f} ms CPU  {min(queries)} queries")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{folder}/glance.db"
        house = House(database, folder, 1000)
        one = f"/v2/images/{house.ids[0]}"
        patch = [{"op": "replace", "path": "/hw_property_1", "value": "other"}]
        house.cost("GET one image", "GET", one, 200)
        house.cost("list 100 images", "GET", "/v2/images?limit=100", 50)
        house.cost("list 1000 images", "GET", "/v2/images?limit=1000", 15)
        house.cost("list 100 by property and tag", "GET",
                   "/v2/images?limit=100&hw_property_1=value&tag=tag1", 20)
        house.cost("GET members", "GET", f"{one}/members", 50)
        house.cost("POST image", "POST", "/v2/images", 100, json={"name": "new", "a": "b"})
        house.cost("PATCH image", "PATCH", one, 100, json=patch,
                   content_type="application/openstack-images-v2.1-json-patch")


if __name__ == "__main__":
    main()
