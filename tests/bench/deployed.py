# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""What a request costs a deployed all-in-one: processor time of all its units, by cgroup.

    python tests/bench/deployed.py CLOUD [--requests N] [--node aio]

Each question is asked N times over one connection that is kept alive, as the admin, after a tenth
of that to warm up. What the node spends on its own meanwhile is measured before and taken off.
Milliseconds of processor time per request: nginx (with TLS), the APIs' processes (granian, Python),
MariaDB, all else of ours (work that follows later), and their sum; and of wall time.

Beside it the same questions asked in process (inside.py), of the same applications with the same
database: Python alone. What the APIs take more is the server around it: granian, its threads, its
sockets. And SQL statements per request, and of what speed the machine is just now: milliseconds
for a million rounds of an empty loop, without which no two runs compare.
"""

from __future__ import annotations

import argparse
import http.client
import json
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import cgroups
import inside
import yaml

PARTS = {"nginx": ("nginx",), "apis": ("cairn-api",), "mariadb": ("mariadb",)}
# Seconds of idling that are taken off, and that late work is waited for.
IDLE, LATE = 20.0, 3.0


class Client:
    """One connection that is kept alive, with the admin's token."""

    def __init__(self, entry: dict) -> None:
        self.auth = entry["auth"]
        self.host = urlsplit(self.auth["auth_url"]).netloc
        self.connection = http.client.HTTPSConnection(
            self.host, context=ssl.create_default_context(cafile=entry["cacert"]), timeout=60)
        self.token, self.project = "", ""

    def ask(self, method: str, path: str, body: dict | None = None, expect: int = 200) -> dict:
        headers = {"Content-Type": "application/json", "OpenStack-API-Version": "placement 1.39"}
        if self.token:
            headers |= {"X-Auth-Token": self.token, "X-Subject-Token": self.token}
        self.connection.request(
            method, path, json.dumps(body) if body is not None else None, headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status != expect:
            raise SystemExit(f"{method} {path}: {answer.status} {text[:300]!r}")
        self.token = self.token or answer.headers.get("X-Subject-Token", "")
        return json.loads(text) if text else {}

    def log_in(self) -> None:
        user = {"name": self.auth["username"], "password": self.auth["password"],
                "domain": {"name": self.auth["user_domain_name"]}}
        scope = {"project": {"name": self.auth["project_name"],
                             "domain": {"name": self.auth["project_domain_name"]}}}
        identity = {"methods": ["password"], "password": {"user": user}}
        self.ask("POST", "/identity/v3/auth/tokens",
                 {"auth": {"identity": identity, "scope": scope}}, 201)


def shares(spent: dict[str, float]) -> dict[str, float]:
    """What each part spent, all else of the node's units as later work."""
    of_parts = {part: sum(spent.get(unit, 0.0) for unit in units) for part, units in PARTS.items()}
    return {**of_parts, "later": sum(spent.values()) - sum(of_parts.values())}


def measure(top: Path, ask: Callable[[], object], requests: int) -> tuple[dict[str, float], float]:
    """Seconds of processor time by part, and of wall time, for so many requests."""
    for _ in range(max(1, requests // 10)):
        ask()
    time.sleep(LATE)
    before, begun = cgroups.units(top), time.monotonic()
    for _ in range(requests):
        ask()
    wall = time.monotonic() - begun
    time.sleep(LATE)
    return shares(cgroups.difference(before, cgroups.units(top))), wall


def yardstick() -> float:
    """Milliseconds of processor time for a million rounds of an empty loop."""
    begun = time.process_time()
    for _ in range(1_000_000):
        pass
    return 1000 * (time.process_time() - begun)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("cloud")
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--node", default="aio")
    options = parser.parse_args()
    top = cgroups.slices(options.cloud, options.node)
    entries = yaml.safe_load(
        Path("/var/lib/cairn-deploy", options.cloud, "clouds.yaml").read_text())["clouds"]
    client = Client(entries[options.cloud])
    client.log_in()
    name = {"network": {"name": "bench"}}
    network = client.ask("POST", "/networking/v2.0/networks", name, 201)["network"]["id"]
    try:
        before = cgroups.units(top)
        time.sleep(IDLE)
        idle = {part: seconds / IDLE for part, seconds in shares(
            cgroups.difference(before, cgroups.units(top))).items()}
        servers = len(client.ask("GET", "/compute/v2.1/servers?all_tenants=1")["servers"])
        leader = Path("/var/lib/cairn-lab", options.cloud, "nodes", options.node, "leader")
        alone = json.loads(inside.run(leader.read_text().strip(), (
            f"measure({client.token!r}, {network!r}, {servers}, {options.requests})")))
        print(f"{'ms per request':<24}{'nginx':>8}{'apis':>8}{'mariadb':>8}{'later':>8}{'all':>8}"
              f"{'wall':>8}{'python':>8}{'server':>8}{'SQL':>6}")
        for what, ask in inside.questions(client.ask, network, servers).items():
            spent, wall = measure(top, ask, options.requests)
            each = {part: 1000 * max(0.0, seconds - idle[part] * (wall + LATE)) / options.requests
                    for part, seconds in spent.items()}
            python, statements = 1000 * alone[what][0], alone[what][1]
            figures = [*each.values(), sum(each.values()), 1000 * wall / options.requests,
                       python, each["apis"] - python]
            print(f"{what:<24}" + "".join(f"{figure:8.2f}" for figure in figures)
                  + f"{statements:6.1f}", flush=True)
        print(f"a million rounds of an empty loop: {yardstick():.0f} ms")
    finally:
        client.ask("DELETE", f"/networking/v2.0/networks/{network}", expect=204)


if __name__ == "__main__":
    main()
