# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""Processor time of a lab node's units, as the kernel counts it for their cgroups."""

from __future__ import annotations

import os
from pathlib import Path

HIERARCHIES = ("/sys/fs/cgroup/unified", "/sys/fs/cgroup")


def slices(cloud: str, node: str) -> Path:
    """The cgroup of all that runs in a node."""
    for top in HIERARCHIES:
        found = Path(top, f"cairn-lab-{cloud}-{node}", "payload")
        if found.is_dir():
            return found
    raise SystemExit(f"{cloud} has no node {node} here")


def units(top: Path) -> dict[str, float]:
    """Seconds that each unit of the node has used since it started, guests left out."""
    spent = {}
    for group in top.glob("system.slice/*.service"):
        for line in (group / "cpu.stat").read_text().splitlines():
            name, _, value = line.partition(" ")
            if name == "usage_usec":
                spent[group.name.removesuffix(".service")] = int(value) / 1e6
    return spent


def processes(top: Path, unit: str) -> dict[str, float]:
    """Seconds that each process of a unit has used, by its number and the pool it serves."""
    spent = {}
    for pid in (top / f"system.slice/{unit}.service/cgroup.procs").read_text().split():
        try:
            tasks = os.listdir(f"/proc/{pid}/task")
            nanoseconds = sum(
                int(Path(f"/proc/{pid}/task/{task}/schedstat").read_text().split()[0])
                for task in tasks)
            user = Path(f"/proc/{pid}").stat().st_uid
        except OSError:
            continue  # It has ended meanwhile.
        spent[f"{pid} of user {user}"] = nanoseconds / 1e9
    return spent


def difference(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """What was spent between two looks, the most first; what started meanwhile counts whole."""
    spent = {name: seconds - before.get(name, 0.0) for name, seconds in after.items()}
    return dict(sorted(spent.items(), key=lambda item: -item[1]))
