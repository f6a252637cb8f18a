"""What a cloud leaves on a machine, looked for from outside, as a stranger would."""

import subprocess
from pathlib import Path

from cairn.deploy import inventory, topology
from cairn.deploy.cloud import Cloud, Record


def find(cloud: Cloud, record: Record) -> list[str]:
    """Bridges, mounts, processes, control groups and rules that still belong to the cloud."""
    return lab(cloud) if record.place == "lab" else host()


def lab(cloud: Cloud) -> list[str]:
    directory = inventory.lab_directory(cloud)
    bridge = f"cl-{cloud.name}"[:14]
    bridges = (bridge, f"{bridge}x")
    tables = {f"cairn_lab_{name.replace('-', '_')}" for name in bridges}
    groups = {
        f"cairn-lab-{cloud.name}-{node}" for nodes in topology.TOPOLOGIES.values() for node in nodes
    }
    leftovers = [f"bridge {name}" for name in bridges if _interface(name)]
    leftovers += [f"mount {path}" for path in _mounts() if path.startswith(f"{directory}/")]
    leftovers += [f"nft table {name}" for name in _tables() if name.split()[-1] in tables]
    leftovers += [f"process {pid}" for pid, root in _roots() if root.startswith(f"{directory}/")]
    leftovers += [
        f"control group {path}" for path in Path("/sys/fs/cgroup").glob("*/cairn-lab-*")
        if path.name in groups
    ]
    if directory.exists():
        leftovers.append(f"directory {directory}")
    return leftovers


def host() -> list[str]:
    leftovers = [f"bridge {name}" for name in ("br-ex",) if _interface(name)]
    leftovers += [f"unit {path.name}" for path in Path("/etc/systemd/system").glob("cairn-*")]
    leftovers += [
        f"nft table {name}" for name in _tables()
        if name.split()[-1].startswith("cairn") and "cairn_lab_" not in name
    ]
    leftovers += [f"network namespace {name}" for name in _namespaces()]
    leftovers += [
        f"directory {path}" for path in ("/etc/cairn", "/opt/cairn", "/var/lib/cairn")
        if Path(path).exists()
    ]
    return leftovers


def _interface(name: str) -> bool:
    return Path("/sys/class/net", name).exists()


def _mounts() -> list[str]:
    return [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]


def _tables() -> list[str]:
    """`inet name` and so on. Where nft is missing there are no tables of ours."""
    try:
        done = subprocess.run(
            ["nft", "list", "tables"], capture_output=True, text=True, check=False, timeout=20
        )
    except FileNotFoundError:
        return []
    return [line.removeprefix("table ") for line in done.stdout.splitlines()]


def _namespaces() -> list[str]:
    directory = Path("/run/netns")
    names = [path.name for path in directory.iterdir()] if directory.is_dir() else []
    return [name for name in names if name.startswith(("qrouter-", "qdhcp-"))]


def _roots() -> list[tuple[int, str]]:
    """Every process and the directory that is its root."""
    roots = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            roots.append((int(path.name), str((path / "root").readlink())))
        except OSError:
            continue  # It ended meanwhile.
    return roots
