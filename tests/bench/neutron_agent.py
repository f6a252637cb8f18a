# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""How long neutron-agent takes for a host with many ports. As root, in a namespace of its own:

    unshare --net --mount python tests/bench/neutron_agent.py [PORTS]
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "services"))

from cairn.neutron.agent.loop import Loop
from cairn.neutron.settings import HostSettings

NETWORK, GROUP = str(uuid.uuid4()), str(uuid.uuid4())


def port(number: int) -> tuple[str, dict[str, Any]]:
    id_ = str(uuid.uuid5(uuid.NAMESPACE_DNS, str(number)))
    address = f"10.0.{number >> 8}.{number & 255}"
    return id_, {
        "network_id": NETWORK, "tap": f"tap{id_[:11]}", "admin_state_up": True,
        "mac": f"fa:16:3e:00:{number >> 8:02x}:{number & 255:02x}", "status": "ACTIVE",
        "device_id": "", "device_owner": "compute:nova", "mtu": 1450,
        "fixed_ips": [{"ip": address, "subnet_id": "s", "cidr": f"{address}/16"}],
        "allowed_address_pairs": [], "port_security_enabled": True, "security_groups": [GROUP]}


def state(ports: int) -> dict[str, Any]:
    made = dict(port(number) for number in range(1, ports + 1))
    rules = [{"direction": direction, "ethertype": "IPv4", "protocol": protocol,
              "port_range_min": 22 if protocol else None, "remote_ip_prefix": None,
              "port_range_max": 22 if protocol else None,
              "remote_group_id": None if protocol else GROUP}
             for direction in ("ingress", "egress") for protocol in (6, 17, None)]
    return {
        "host": "bench", "dhcp": {}, "routers": {}, "ports": made,
        "networks": {NETWORK: {
            "network_type": "vxlan", "segmentation_id": 7, "physical_network": None, "mtu": 1450,
            "admin_state_up": True, "peers": [f"192.0.2.{n}" for n in range(2, 10)]}},
        "security_groups": {GROUP: {"stateful": True, "rules": rules}},
        "members": {GROUP: {"4": [p["fixed_ips"][0]["ip"] for p in made.values()], "6": []}}}


def measure(what: str, loop: Loop, wanted: dict[str, Any], times: int = 1) -> None:
    best, own, helpers = float("inf"), 0.0, 0.0
    for _ in range(times):
        started, used, lent = time.perf_counter(), time.process_time(), children()
        loop.apply(wanted)
        if (took := time.perf_counter() - started) < best:
            best, own, helpers = took, time.process_time() - used, children() - lent
    print(f"{what:30} {best * 1000:8.1f} ms; CPU: own {own * 1000:6.1f}, nft {helpers * 1000:6.1f}")


def children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    controller: Any = None
    with tempfile.TemporaryDirectory() as folder:
        settings = HostSettings(local_ip="192.0.2.1", state_dir=folder)
        loop = Loop(controller, settings, "bench")
        measure(f"{count} ports on an empty host", loop, state(count))
        whole = state(count)
        measure("the same, looked at in full", loop, whole)
        loop.apply(whole)
        measure("nothing happened", loop, whole, times=20)
        for more in (1, 2, 3):
            measure("one port more", loop, state(count + more))
        measure("one port less", loop, state(count + 2))
        measure("after a restart", Loop(controller, settings, "bench"), state(count + 2))
        measure("all gone", loop, state(0) | {"networks": {}})


main()
