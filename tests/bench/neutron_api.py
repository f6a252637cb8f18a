# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""What neutron's API costs: CPU of this process per request, and queries. Without a database's URL
it runs on SQLite in memory; the schema that a URL names is made anew.

    python tests/bench/neutron_api.py [mysql+mysqldb://...]
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "services"))

from sqlalchemy import event

from cairn.common.context import Context
from cairn.common.db import Database
from cairn.common.policy import Policy
from cairn.neutron.app import create_app
from cairn.neutron.component import Neutron
from cairn.neutron.db.models import Base
from cairn.neutron.policy import RULES
from cairn.neutron.rpc_server.manager import Manager
from cairn.neutron.settings import QuotaSettings

PEOPLE = {
    "member": Context(user_id="u", project_id="p", roles=frozenset({"member", "reader"})),
    "nova": Context(user_id="n", project_id="service", roles=frozenset({"service"})),
}


class Silence:
    """Stands for the doorbell to the agents."""

    def changed(self, ctx: Context, **concerned: Any) -> None:
        pass


def main() -> None:
    db = Database(sys.argv[1] if len(sys.argv) > 1 else "sqlite://")
    Base.metadata.drop_all(db.engine)
    Base.metadata.create_all(db.engine)
    queries: list[str] = []
    for engine in (db.engine, db._reading.kw["bind"]):
        event.listen(engine, "before_cursor_execute",
                     lambda conn, cursor, statement, *rest: queries.append(statement))
    silence: Any = Silence()
    neutron = Neutron(db=db, policy=Policy(RULES), agents=silence, quota=QuotaSettings(port=-1))
    manager = Manager(neutron)
    manager.report_state(Context(), "host", "10.9.0.1", True, [
        {"agent_type": "Linux bridge agent", "binary": "neutron-agent", "configurations": {}}])
    client = create_app(neutron, lambda h: PEOPLE.get(h.get("X-Auth-Token", "")), {}).test_client()

    def ask(method: str, path: str, who: str, body: Any = None) -> Any:
        reply = client.open("/v2.0" + path, method=method, headers={
            "X-Auth-Token": who, "Content-Type": "application/json"}, data=body)
        assert reply.status_code < 300, reply.get_data()
        return reply

    def measured(name: str, func: Callable[[], Any], times: int) -> None:
        for _ in range(5):
            func()
        queries.clear()
        began = time.process_time()
        for _ in range(times):
            func()
        cpu = (time.process_time() - began) / times * 1000
        print(f"{name:40} {cpu:7.2f} ms CPU {len(queries) / times:5.1f} queries")

    net = ask("POST", "/networks", "member", b'{"network":{}}').get_json()["network"]["id"]
    ask("POST", "/subnets", "member", json.dumps({"subnet": {
        "network_id": net, "ip_version": 4, "cidr": "10.0.0.0/16"}}))
    plain = json.dumps({"port": {"network_id": net}})
    bound = json.dumps({"port": {
        "network_id": net, "project_id": "p", "binding:host_id": "host", "device_id": "x",
        "device_owner": "compute:nova"}})
    measured("POST /v2.0/ports", lambda: ask("POST", "/ports", "member", plain), 200)
    measured("POST /v2.0/ports, bound", lambda: ask("POST", "/ports", "nova", bound), 95)
    measured("wanted state of a host with 100 ports",
             lambda: manager.wanted(Context(), "host", None), 20)
    many = json.dumps({"ports": [{"network_id": net}] * 100})
    for _ in range(8):
        ask("POST", "/ports", "member", many)
    port = ask("GET", "/ports?limit=1", "member").get_json()["ports"][0]["id"]
    measured("GET /v2.0/ports/ID", lambda: ask("GET", f"/ports/{port}", "member"), 300)
    measured("GET /v2.0/networks/ID", lambda: ask("GET", f"/networks/{net}", "member"), 300)
    for limit, times in ((100, 50), (1000, 10)):
        measured(f"GET /v2.0/ports, {limit} of them",
                 lambda limit=limit: ask("GET", f"/ports?limit={limit}", "member"), times)


if __name__ == "__main__":
    main()
