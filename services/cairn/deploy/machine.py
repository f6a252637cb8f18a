"""What this machine is and whether it can carry a cloud; looked at before anything changes."""

import os
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path

from cairn.deploy import topology
from cairn.deploy.errors import Refused

GIB = 1 << 30


@dataclass(frozen=True)
class Machine:
    system: str
    version: str
    title: str
    architecture: str
    root: bool
    # Whether systemd is process 1, so that the cloud can live on the machine itself.
    systemd: bool
    free_disk: int
    memory: int


def look() -> Machine:
    release = _os_release(Path("/etc/os-release"))
    return Machine(
        system=release.get("ID", "unknown"),
        version=release.get("VERSION_ID", ""),
        title=release.get("PRETTY_NAME", "an unknown system"),
        architecture=platform.machine(),
        root=os.geteuid() == 0,
        systemd=Path("/run/systemd/system").is_dir(),
        free_disk=shutil.disk_usage(_nearest(Path("/var/lib"))).free,
        memory=_memory(Path("/proc/meminfo")),
    )


def complaints(machine: Machine, place: str, shape: str) -> list[str]:
    """Every reason why the cloud cannot be built here, all of them at once."""
    count = len(topology.nodes(shape)) if place == "lab" else 1
    disk, memory = (3 + 3 * count) * GIB, (3 + count) * GIB // 2
    reasons = []
    if not machine.root:
        reasons.append("this must run as root")
    if (machine.system, machine.version) != ("debian", "12"):
        reasons.append(f"this is {machine.title}; Cairn needs Debian 12 (bookworm)")
    if machine.architecture != "x86_64":
        reasons.append(f"this is a machine of type {machine.architecture}; Cairn needs x86_64")
    if place == "host" and not machine.systemd:
        reasons.append("systemd does not run here; a lab can be built with: ./cairn up --lab")
    if place == "host" and shape != "allinone":
        reasons.append(
            f"one machine holds the topology allinone only; for {shape} add --lab, or write an "
            "inventory and run: ansible-playbook -i INVENTORY site.yml"
        )
    if machine.free_disk < disk:
        reasons.append(
            f"/var/lib has {machine.free_disk / GIB:.1f} GiB free, {disk / GIB:.0f} are needed"
        )
    if machine.memory < memory:
        reasons.append(
            f"{machine.memory / GIB:.1f} GiB of memory is available, {memory / GIB:.1f} is needed"
        )
    return reasons


def require(machine: Machine, place: str, shape: str) -> None:
    reasons = complaints(machine, place, shape)
    if reasons:
        raise Refused(
            "the cloud cannot be built here:" + "".join(f"\n  - {line}" for line in reasons),
            "Nothing has been changed.",
        )


def require_root() -> None:
    if os.geteuid() != 0:
        raise Refused("this must run as root", "Try: sudo ./cairn ...")


def _os_release(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        return {}
    pairs = (line.split("=", 1) for line in lines if "=" in line)
    return {key: value.strip('"') for key, value in pairs}


def _memory(path: Path) -> int:
    for line in path.read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


def _nearest(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path
