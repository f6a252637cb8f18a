# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""What a guest's volume gives, beside the same kinds of file given to the guest directly, and the
host's own folder; and how soon a volume that is attached can be read.

    python tests/bench/guest_disks.py CLOUD [--node aio] [--mib 128]

Needs the demo of an all-in-one. All in one run and in one guest, so that what counts are the
ratios: the guest's `dd` past its own cache, with a sync after writing; the host's goes through its
cache as QEMU does. Of each figure the best of three. Where volumes are Ceph's, `rbd bench` writes
and reads an image of the same pool, a request after the other as `dd` does.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml
from deployed import Client

# On the volumes' file system, and open to guests' QEMU.
FOLDER = "/var/lib/cairn-bench"
ROUNDS, SMALL, MIB = 3, 2000, 1 << 20
# What the guest's dd does not tell: how long it took.
TIMED = "cat /proc/uptime; {} 2>/dev/null; cat /proc/uptime"


class Cloud:
    """The demo's project, its server, and the node that it runs on."""

    def __init__(self, name: str, node: str) -> None:
        state = Path("/var/lib/cairn-deploy", name)
        self.client = Client(yaml.safe_load((state / "clouds.yaml").read_text())["clouds"][
            f"{name}-demo"])
        self.client.log_in()
        server = self.client.ask("GET", "/compute/v2.1/servers/detail")["servers"][0]
        self.server = server["id"]
        address = next(a["addr"] for network in server["addresses"].values() for a in network
                       if a["OS-EXT-IPS:type"] == "floating")
        self.ssh = ["ssh", "-i", str(state / "demo-key"), "-o", "StrictHostKeyChecking=no", "-o",
                    "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", f"guest@{address}"]
        leader = Path("/var/lib/cairn-lab", name, "nodes", node, "leader").read_text().strip()
        self.node = ["nsenter", "-t", leader, "-a", "--"]

    def guest(self, command: str) -> str:
        return said([*self.ssh, command])

    def host(self, *words: str) -> str:
        return said([*self.node, *words])

    def disks(self) -> set[str]:
        return set(re.findall(r"\bvd[a-z]\b", self.guest("cat /proc/partitions")))

    def fresh(self, act: Callable[[], object]) -> str:
        """The disk that the guest has after that and had not before."""
        before = self.disks()
        act()
        while not (new := self.disks() - before):
            time.sleep(0.5)
        return f"/dev/{new.pop()}"

    @contextmanager
    def volume(self, size: int) -> Iterator[str]:
        """The id of a volume that is available."""
        path = "/volume/v3/volumes"
        self.client.connection.close()  # The proxy has ended it while the guest wrote.
        id_ = self.client.ask("POST", path, {"volume": {"size": size}}, 202)["volume"]["id"]
        self._until(id_, "available")
        try:
            yield id_
        finally:
            self._until(id_, "available")
            self.client.ask("DELETE", f"{path}/{id_}", expect=202)

    def _until(self, id_: str, status: str) -> None:
        while self.client.ask("GET", f"/volume/v3/volumes/{id_}")["volume"]["status"] != status:
            time.sleep(0.5)

    def attach(self, volume: str) -> None:
        self.client.ask("POST", f"/compute/v2.1/servers/{self.server}/os-volume_attachments",
                        {"volumeAttachment": {"volumeId": volume}})

    def detach(self, volume: str) -> None:
        self.client.ask(
            "DELETE", f"/compute/v2.1/servers/{self.server}/os-volume_attachments/{volume}",
            expect=202)
        self._until(volume, "available")

    @contextmanager
    def plugged(self, kind: str, size: int) -> Iterator[str]:
        """The guest's name of a disk that is a file of the host's, without anything between."""
        path = f"{FOLDER}/{kind}"
        domain = self.host("virsh", "list", "--name").split()[0]
        self.host("qemu-img", "create", "-q", "-f", kind, path, f"{size}G")
        try:
            yield self.fresh(lambda: self.host(
                "virsh", "attach-disk", domain, path, "vdz", "--driver", "qemu", "--subdriver",
                kind, "--targetbus", "virtio", "--cache", "writeback"))
        finally:
            self.host("virsh", "detach-disk", domain, "vdz")
            self.host("rm", "-f", path)


def said(words: list[str]) -> str:
    done = subprocess.run(words, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        raise SystemExit(f"{words}: {done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def rates(run: Callable[[str], str], path: str, mib: int, direct: bool) -> list[float]:
    """MiB/s written anew, written again, read; reads of 4 KiB a second."""
    past, root = (" {}flag=direct", "sudo ") if direct else ("", "")
    write = (f"{root}dd if=/dev/zero of={path} bs=1M count={mib} conv=fsync,notrunc"
             f"{past.format('o')}")
    read = f"{root}dd if={path} of=/dev/null bs=1M count={mib}{past.format('i')}"
    small = f"{root}dd if={path} of=/dev/null bs=4k count={SMALL}{past.format('i')}"

    def best(command: str, rounds: int = ROUNDS) -> float:
        times = []
        for _ in range(rounds):
            begun, ended = (float(line.split()[0])
                            for line in run(TIMED.format(command)).splitlines())
            times.append(max(ended - begun, 0.01))
        return min(times)

    return [mib / best(write, 1), mib / best(write), mib / best(read), SMALL / best(small)]


def ceph_rates(cloud: Cloud, mib: int) -> list[float]:
    """The same of an image in the pool of volumes, without a guest."""
    image = "volumes/bench"

    def rate(kind: str, size: int, total: int) -> float:
        told = cloud.host("rbd", "bench", "--io-type", kind, "--io-size", str(size),
                          "--io-threads", "1", "--io-total", str(total), image)
        return float(re.findall(r"ops/sec: ([\d.e+]+)", told)[-1]) * size / MIB

    cloud.host("rbd", "create", "--size", "1G", image)
    try:
        first = rate("write", MIB, mib * MIB)
        again, read = (max(rate(kind, MIB, mib * MIB) for _ in range(ROUNDS))
                       for kind in ("write", "read"))
        small = max(rate("read", 4096, SMALL * 4096) for _ in range(ROUNDS)) * MIB / 4096
    finally:
        cloud.host("rbd", "rm", "--no-progress", image)
    return [first, again, read, small]


def attach_times(cloud: Cloud) -> list[float]:
    """Seconds from asking to the first block that the guest has read."""
    times = []
    with cloud.volume(1) as volume:
        disk = cloud.fresh(lambda: cloud.attach(volume))
        cloud.detach(volume)
        for _ in range(ROUNDS):
            while disk.removeprefix("/dev/") in cloud.disks():
                time.sleep(0.5)
            waiting = subprocess.Popen([*cloud.ssh, (
                f"echo; while ! sudo dd if={disk} of=/dev/null bs=4k count=1 2>/dev/null; do "
                "sleep 0.05; done; echo")], stdout=subprocess.PIPE)
            waiting.stdout.readline()
            begun = time.monotonic()
            cloud.attach(volume)
            waiting.stdout.readline()
            times.append(time.monotonic() - begun)
            waiting.wait()
            cloud.detach(volume)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("cloud")
    parser.add_argument("--node", default="aio")
    parser.add_argument("--mib", type=int, default=128)
    options = parser.parse_args()
    cloud = Cloud(options.cloud, options.node)
    print("attached until the guest has read of it: "
          + ", ".join(f"{seconds:.2f} s" for seconds in attach_times(cloud)), flush=True)
    rows: dict[str, list[float]] = {}
    cloud.host("mkdir", "-p", FOLDER)
    cloud.host("chmod", "0755", FOLDER)
    try:
        rows["host's folder"] = rates(lambda command: cloud.host("sh", "-c", command),
                                      f"{FOLDER}/host", options.mib, False)
        for kind in ("raw", "qcow2"):
            with cloud.plugged(kind, 1) as disk:
                rows[f"{kind} file, directly"] = rates(cloud.guest, disk, options.mib, True)
        with cloud.volume(1) as volume:
            disk = cloud.fresh(lambda: cloud.attach(volume))
            rows["volume"] = rates(cloud.guest, disk, options.mib, True)
            cloud.detach(volume)
        if "volumes" in cloud.host("sh", "-c", "ceph osd pool ls 2>/dev/null || true").split():
            rows["image in Ceph, directly"] = ceph_rates(cloud, options.mib)
    finally:
        cloud.host("rm", "-rf", FOLDER)
    print(f"{'':24}{'write anew':>12}{'again':>10}{'read':>10}{'4 KiB /s':>10}"
          "   of the raw file's")
    raw = rows["raw file, directly"]
    for name, figures in rows.items():
        told = "".join(f"{figure:{width}.0f}"
                       for figure, width in zip(figures, (12, 10, 10, 10), strict=True))
        shares = " ".join(f"{figure / of:.2f}" for figure, of in zip(figures, raw, strict=True))
        print(f"{name:24}{told}   {shares}")


if __name__ == "__main__":
    main()
