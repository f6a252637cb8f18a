# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""neutron-agent without a cloud: what it shall have is read from a file, what it tells is written
to another. Runs in a lab node: agent_in_node.py DIRECTORY, which holds

    settings.json   of the sections host and metadata
    wanted.json     the wanted state; read again whenever it was replaced
    owners.json     address -> instance_at's answer
    told.jsonl      one line for each message to the controller, and for each look
"""

from __future__ import annotations

import json
import logging
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from cairn.neutron.agent.loop import Loop
from cairn.neutron.agent.metadata_server import MetadataServer
from cairn.neutron.settings import HostSettings, MetadataSettings

HERE = Path(sys.argv[1])


class Controller:
    """The server side, played by files."""

    asked = ""

    def wanted(self, ctx: Any, *, node: str, known: str | None) -> dict[str, Any]:
        path = HERE / "wanted.json"
        revision = Controller.asked = str(path.stat().st_mtime_ns)
        state = None if known == revision else json.loads(path.read_text())
        return {"revision": revision, "state": state}

    def instance_at(self, ctx: Any, **asked: Any) -> Any:
        tell("instance_at", **asked)
        return json.loads((HERE / "owners.json").read_text()).get(asked["address"])

    def ports_up(self, ctx: Any, *, node: str, ports: list[str]) -> None:
        tell("ports_up", ports=ports)

    def ports_down(self, ctx: Any, *, node: str, ports: list[str]) -> None:
        tell("ports_down", ports=ports)

    def floating_ips_set(self, ctx: Any, *, node: str, statuses: dict[str, str]) -> None:
        tell("floating_ips_set", statuses=statuses)


def tell(what: str, **words: Any) -> None:
    with (HERE / "told.jsonl").open("a") as file:
        file.write(json.dumps({"what": what, **words}) + "\n")


class TimedLoop(Loop):
    def apply(self, state: Any) -> Any:
        started, cpu = time.monotonic(), time.process_time()
        try:
            return super().apply(state)
        finally:
            tell("applied", revision=Controller.asked,
                 ms=(time.monotonic() - started) * 1000,
                 cpu_ms=(time.process_time() - cpu) * 1000,
                 threads=threading.active_count(), fds=len(list(Path("/proc/self/fd").iterdir())))


def main() -> None:
    logging.basicConfig(level="INFO", stream=sys.stderr,
                        format="%(asctime)s %(levelname)s %(name)s %(message)s")
    settings = json.loads((HERE / "settings.json").read_text())
    host = HostSettings(**settings["host"])
    controller: Any = Controller()
    metadata = None
    parts: list[Any] = []
    if "metadata" in host.roles:
        metadata = MetadataServer(host, MetadataSettings(**settings["metadata"]), controller)
        parts.append(metadata)
    parts.append(TimedLoop(controller, host, settings["node"], metadata))
    for part in parts:
        part.start()
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    while not ended.wait(1):
        pass
    for part in reversed(parts):
        part.stop()


main()
