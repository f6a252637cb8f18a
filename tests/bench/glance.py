# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""Images of a lab cloud: what lists cost, and how fast bytes go in and out beside the bare disk.

    eval "$(./cairn --name CLOUD env)"; python tests/bench/glance.py CLOUD [--size MIB]

Processor time is user and system of cairn-api, cairn-data and nginx, per request; memory is
the largest PSS (shared pages counted once among those who share them) of one process of a kind.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import requests
from keystoneauth1 import session
from keystoneauth1.identity import v3

sys.path.insert(0, str(Path(__file__).parent))
from idle import TICKS, family

CHUNK = 1 << 20
KINDS = ("cairn-api", "cairn-data", "cairn-worker", "nginx")


class Node:
    """The controller of the lab, seen from its machine."""

    def __init__(self, cloud: str) -> None:
        leader = next(Path("/var/lib/cairn-lab", cloud, "nodes").glob("*/leader"))
        self.leader = int(leader.read_text())
        self.folder = Path(f"/proc/{self.leader}/root/var/lib/cairn/images")
        self.pids = {pid: kind for pid in family(self.leader) if (kind := self._kind(pid))}

    @staticmethod
    def _kind(pid: int) -> str | None:
        try:
            line = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
        except OSError:
            return None
        return next((kind for kind in KINDS if kind in line.split(" --")[0]), None)

    def spent(self) -> float:
        """Seconds of processor time of cairn-api, cairn-data and nginx until now."""
        total = 0
        for pid, kind in self.pids.items():
            if kind != "cairn-worker":
                stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                total += int(stat[11]) + int(stat[12])
        return total / TICKS

    def memory(self) -> dict[str, int]:
        """The largest process of each kind now, in KiB; what several share is counted once."""
        found: dict[str, int] = defaultdict(int)
        for pid, kind in self.pids.items():
            try:
                for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                    if line.startswith("Pss:"):
                        found[kind] = max(found[kind], int(line.split()[1]))
            except OSError:
                continue
        return found


def timed(node: Node, size: int, what: str, work: Callable[[], Any]) -> Any:
    """Do the work; print its rate and the largest processes meanwhile."""
    most: dict[str, int] = defaultdict(int)
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.25):
            for kind, kib in node.memory().items():
                most[kind] = max(most[kind], kib)

    watcher = threading.Thread(target=watch)
    watcher.start()
    before, start = node.spent(), time.monotonic()
    try:
        result = work()
    finally:
        took = time.monotonic() - start
        ended.set()
        watcher.join()
    largest = ", ".join(f"{kind} {kib / 1024:.0f} MiB" for kind, kib in sorted(most.items()))
    print(f"{what:12} {size / CHUNK / took:8.1f} MiB/s  {node.spent() - before:6.2f} s of processor"
          f"  largest: {largest}", flush=True)
    return result


def bytes_of(size: int) -> Iterator[bytes]:
    block = os.urandom(CHUNK)
    for _ in range(size // CHUNK):
        yield block


def raw_write(path: Path, size: int) -> None:
    with path.open("wb", buffering=0) as file:
        for block in bytes_of(size):
            file.write(block)
        os.fsync(file.fileno())


def raw_read(path: Path) -> None:
    with path.open("rb", buffering=0) as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        while file.read(CHUNK):
            pass


class Image:
    """The image service as a client that sends and takes streams."""

    def __init__(self) -> None:
        env = os.environ
        self.keystone = session.Session(v3.Password(
            env["OS_AUTH_URL"], username=env["OS_USERNAME"], password=env["OS_PASSWORD"],
            project_name=env["OS_PROJECT_NAME"],
            user_domain_name=env.get("OS_USER_DOMAIN_NAME", "Default"),
            project_domain_name=env.get("OS_PROJECT_DOMAIN_NAME", "Default"),
        ), verify=env.get("OS_CACERT", True))
        self.url = str(self.keystone.get_endpoint(service_type="image")).rstrip("/") + "/v2"
        self.http = requests.Session()
        self.http.verify = env.get("OS_CACERT", True)
        self.http.trust_env = False  # Else another CA of the environment goes first.
        self.http.headers["X-Auth-Token"] = str(self.keystone.get_token())

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        answer = self.http.request(method, self.url + path, timeout=3600, **options)
        answer.raise_for_status()
        return answer

    def make(self, name: str) -> str:
        return str(self.ask("POST", "/images", json={
            "name": name, "disk_format": "raw", "container_format": "bare"}).json()["id"])

    def send(self, image_id: str, size: int, where: str = "file", told: bool = True) -> None:
        """In chunks; `told` how long it is, else the proxy keeps it until it is whole."""
        headers = {"Content-Type": "application/octet-stream"}
        if told:
            headers["X-OpenStack-Image-Size"] = str(size)
        self.ask("PUT", f"/images/{image_id}/{where}", data=bytes_of(size), headers=headers)

    def take(self, image_id: str) -> int:
        with self.ask("GET", f"/images/{image_id}/file", stream=True) as answer:
            return sum(len(chunk) for chunk in answer.iter_content(CHUNK))

    def wait(self, image_id: str) -> None:
        while self.ask("GET", f"/images/{image_id}").json()["status"] != "active":
            time.sleep(0.2)


def lists(node: Node, image: Image) -> None:
    made = [image.make("bench") for _ in range(1000)]
    try:
        for path, what, times in (
            (f"/images/{made[0]}", "GET one", 200), ("/images?limit=100", "list 100", 40),
            ("/images?limit=1000", "list 1000", 10),
        ):
            image.ask("GET", path)
            before = node.spent()
            for _ in range(times):
                image.ask("GET", path)
            print(f"{what:12} {1000 * (node.spent() - before) / times:8.1f} ms of processor",
                  flush=True)
    finally:
        for image_id in made:
            image.ask("DELETE", f"/images/{image_id}")


def data(node: Node, image: Image, size: int, told: bool) -> None:
    raw = node.folder / "bench.raw"
    try:
        timed(node, size, "raw write", lambda: raw_write(raw, size))
        timed(node, size, "raw read", lambda: raw_read(raw))
    finally:
        raw.unlink(missing_ok=True)
    first, second = image.make("bench"), image.make("bench")
    try:
        timed(node, size, "upload", lambda: image.send(first, size, told=told))
        got = timed(node, size, "download", lambda: image.take(first))
        assert got == size, f"{got} bytes came back, not {size}"
        image.ask("DELETE", f"/images/{first}")
        timed(node, size, "stage", lambda: image.send(second, size, "stage", told))

        def bring() -> None:
            image.ask("POST", f"/images/{second}/import",
                      json={"method": {"name": "glance-direct"}})
            image.wait(second)

        timed(node, size, "import", bring)
    finally:
        for image_id in (first, second):
            image.http.delete(f"{image.url}/images/{image_id}", timeout=60)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cloud")
    parser.add_argument("--size", type=int, default=1024, help="MiB of the image (default 1024)")
    parser.add_argument("--only", choices=("lists", "data"))
    parser.add_argument("--untold", action="store_true", help="uploads do not tell their length")
    options = parser.parse_args()
    node, image = Node(options.cloud), Image()
    if options.only != "data":
        lists(node, image)
    if options.only != "lists":
        data(node, image, options.size * CHUNK, not options.untold)


if __name__ == "__main__":
    main()
