"""A deployed cloud's Ceph as its administrator sees it, from the node that has a monitor."""

import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from system.clouds import Cloud, wait

NODE = "aio"
POOLS = "images", "volumes"
# Where each image of these sizes is hashed in blocks: SIZE COUNT to a line for each.
HASHES = """
import hashlib, sys
size, count = map(int, sys.argv[1:])
for _ in range(count):
    print(hashlib.sha256(sys.stdin.buffer.read(size)).hexdigest())
"""
DROP_IN = "/run/systemd/system/ceph-osd@{}.service.d"


@dataclass
class Ceph:
    cloud: Cloud

    def run(self, command: str) -> str:
        return self.cloud.within(NODE, command)

    def ask(self, command: str) -> Any:
        """What it answers, as JSON."""
        return json.loads(self.run(f"{command} --format json"))

    # Images

    def names(self) -> dict[str, set[str]]:
        """All images of each pool, in its trash as well."""
        return {pool: {*self.ask(f"rbd ls {pool}"),
                       *(entry["name"] for entry in self.ask(f"rbd trash ls --all {pool}"))}
                for pool in POOLS}

    def info(self, image: str) -> Any:
        return self.ask(f"rbd info {image}")

    def objects(self, image: str) -> int:
        """How many objects of data it has of its own: those of 4 MiB that were ever written."""
        pool, prefix = image.partition("/")[0], self.info(image)["block_name_prefix"]
        return int(self.run(f"rados --pool {pool} ls | grep -c '^{prefix}' || true"))

    def parent(self, image: str) -> str:
        parent = self.info(image).get("parent")
        return f"{parent['pool']}/{parent['image']}" if parent else ""

    def hashes(self, image: str, size: int, count: int) -> list[str]:
        """Of so many blocks of that size."""
        return self.run(f"rbd export --no-progress {image} - 2>/dev/null | "
                        f"python3 -c {shlex.quote(HASHES)} {size} {count}").split()

    # OSDs

    def up(self) -> set[int]:
        return {osd["osd"] for osd in self.ask("ceph osd dump")["osds"] if osd["up"]}

    def signal(self, number: int, name: str) -> None:
        self.run(f"systemctl kill --kill-who=main --signal={name} ceph-osd@{number}.service")

    def lose(self, number: int) -> None:
        """Kill it, and nothing starts it again."""
        folder = DROP_IN.format(number)
        self.run(f"mkdir -p {folder} && printf '[Service]\\nRestart=no\\n' > {folder}/zz-lost.conf "
                 "&& systemctl daemon-reload")
        self.signal(number, "KILL")

    def bring_back(self, number: int) -> None:
        self.run(f"rm -rf {DROP_IN.format(number)} && systemctl daemon-reload "
                 f"&& systemctl start ceph-osd@{number}.service")

    def whole(self, patience: float = 300) -> None:
        """Wait until all OSDs are up and every placement group is active and clean."""

        def looked() -> bool:
            status = self.ask("ceph status")
            states = {each["state_name"] for each in status["pgmap"]["pgs_by_state"]}
            osds = status["osdmap"]
            return states == {"active+clean"} and osds["num_up_osds"] == osds["num_osds"]

        wait("every placement group is active+clean", looked, patience, 2)

    # The way to it from outside

    def keyring(self, name: str) -> str:
        return self.run(f"ceph auth get {name} 2>/dev/null")

    def key(self, name: str) -> str:
        return self.run(f"ceph auth get-key {name}").strip()

    def leave_way(self, folder: Path, *users: str) -> Path:
        """A ceph.conf in that folder, by which these users come."""
        conf = folder / "ceph.conf"
        conf.write_text(self.run("cat /etc/ceph/ceph.conf")  # It ends with clients' section.
                        + f"keyring = {folder}/$cluster.$name.keyring\n")
        for user in users:
            path = folder / f"ceph.{user}.keyring"
            path.touch(0o600)
            path.write_text(self.keyring(user))
        return conf
