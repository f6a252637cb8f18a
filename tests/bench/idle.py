# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""What a deployed cloud costs while nobody asks anything of it, node by node.

    python tests/bench/idle.py CLOUD [SECONDS]

Memory is PSS (shared pages counted once among those who share them) of every process of the node
but guests; processor time is user and system of the same, over SECONDS (default 120), and then
what each unit of the node takes of it in a minute, with the processes of ours that take the most.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections import defaultdict
from pathlib import Path

import cgroups

TICKS = os.sysconf("SC_CLK_TCK")


def family(leader: int) -> list[int]:
    """The processes of a node: those of its pid namespace."""
    wanted = os.readlink(f"/proc/{leader}/ns/pid")
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                if os.readlink(f"/proc/{name}/ns/pid") == wanted:
                    found.append(int(name))
            except OSError:
                continue
    return found


def look(pid: int) -> tuple[str, int, int] | None:
    """(program, PSS in KiB, ticks of processor time); None for a guest or one that is gone."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        memory = Path(f"/proc/{pid}/smaps_rollup").read_text()
        stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    names = [os.path.basename(word.decode(errors="replace")) for word in words[:2] if word]
    name = next((n for n in names if n.startswith("cairn-")), names[0] if names else "?")
    if name.startswith("qemu-system"):
        return None
    pss = int(re.search(r"^Pss:\s+(\d+)", memory, re.M)[1])
    return name, pss, int(stat[11]) + int(stat[12])


def main() -> None:
    cloud, seconds = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 120.0
    for leader in sorted(Path("/var/lib/cairn-lab", cloud, "nodes").glob("*/leader")):
        pids = family(int(leader.read_text()))
        before = {pid: seen for pid in pids if (seen := look(pid))}
        top = cgroups.slices(cloud, leader.parent.name)
        units = cgroups.units(top)
        ours = {unit: cgroups.processes(top, unit) for unit in units if unit.startswith("cairn-")}
        time.sleep(seconds)
        spent = cgroups.difference(units, cgroups.units(top))
        parts = {unit: cgroups.difference(of, cgroups.processes(top, unit))
                 for unit, of in ours.items()}
        memory: dict[str, int] = defaultdict(int)
        ticks = 0
        for pid, (name, _, then) in before.items():
            if (after := look(pid)) is not None:
                memory[name] += after[1]
                ticks += after[2] - then
        total = sum(memory.values()) / 1024
        print(f"{leader.parent.name}: {total:.0f} MiB PSS, "
              f"{100 * ticks / TICKS / seconds:.1f} % of a core")
        for name, kib in sorted(memory.items(), key=lambda item: -item[1])[:10]:
            print(f"  {kib / 1024:7.1f} MiB  {name}")
        for unit, cpu in spent.items():
            print(f"  {60e3 * cpu / seconds:7.0f} ms/min  {unit}")
            for process, share in list(parts.get(unit, {}).items())[:6]:
                print(f"    {60e3 * share / seconds:7.0f} ms/min  {process}")


if __name__ == "__main__":
    main()
