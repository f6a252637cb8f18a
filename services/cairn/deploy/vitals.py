"""What the nodes see of themselves: clocks, disks, stuck processes, works nobody does."""

import json
import subprocess
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cairn.deploy import node
from cairn.deploy.cloud import Cloud, Record
from cairn.deploy.errors import CommandError

TEXT = Path(__file__).with_name("in_node.py")
# A node that has not answered by then is what is wrong.
PATIENCE = 40.0


@dataclass(frozen=True)
class Disk:
    place: str
    size: int
    free: int
    inodes: int
    free_inodes: int


@dataclass(frozen=True)
class Stuck:
    """A process that the kernel does not run: T stopped, D waiting for a disk, Z not buried."""

    pid: int
    unit: str
    name: str
    state: str


@dataclass(frozen=True)
class Socket:
    name: str
    asked: int
    answered: int


@dataclass(frozen=True)
class Work:
    """An open work whose turn it is. Seconds since its lease lapsed, and since it could be taken;
    negative ones are still to come."""

    schema: str
    id: str
    kind: str
    subject: str
    runner: str
    owner: str
    lapsed: int
    waited: int
    attempts: int


@dataclass(frozen=True)
class Vitals:
    node: str
    # Why nothing is known of it.
    wrong: str = ""
    # Seconds its clock is ahead of this machine's, and by how much that may be wrong.
    ahead: float = 0.0
    doubt: float = 0.0
    disks: tuple[Disk, ...] = ()
    stuck: tuple[Stuck, ...] = ()
    sockets: tuple[Socket, ...] = ()
    # Of a node that has the database: how far its clock is ahead of the node's.
    database_ahead: float = 0.0
    database_wrong: str = ""
    works: tuple[Work, ...] = field(default=())


def look(cloud: Cloud, record: Record) -> list[Vitals]:
    """Every node's, asked at once."""
    names = node.names(record)
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda name: ask(cloud, record, name), names))


def ask(cloud: Cloud, record: Record, name: str) -> Vitals:
    began = time.time()
    try:
        done = subprocess.run(
            node.command(cloud, record, name, ["python3", "-c", TEXT.read_text()]),
            capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL, check=False,
        )
    except (CommandError, subprocess.TimeoutExpired) as wrong:
        return Vitals(name, wrong=str(wrong) if isinstance(wrong, CommandError)
                      else f"it did not answer in {PATIENCE:.0f} s")
    if done.returncode:
        return Vitals(name, wrong=done.stderr.strip().rpartition("\n")[2] or "it does not answer")
    return read(name, json.loads(done.stdout), began)


def read(name: str, told: Mapping[str, Any], began: float) -> Vitals:
    """What a node has printed. It read its clock as the first thing, so it can hardly be later
    than a second after `began`; how busy this machine is decides how well that is known."""
    database = told["database"]
    return Vitals(
        name, ahead=told["now"] - began, doubt=1.0,
        disks=tuple(Disk(**each) for each in told["disks"]),
        stuck=tuple(Stuck(**each) for each in told["stuck"]),
        sockets=tuple(Socket(**each) for each in told["sockets"]),
        database_ahead=database.get("ahead", 0.0), database_wrong=database.get("wrong", ""),
        works=_works(database.get("works", ())),
    )


def _works(rows: Sequence[Mapping[str, Any]]) -> tuple[Work, ...]:
    return tuple(Work(
        row["schema"], row["id"], row["kind"], row["subject"], row["runner"], row["owner"],
        int(row["lapsed"]), int(row["waited"]), int(row["attempts"])) for row in rows)
