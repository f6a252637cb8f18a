"""LVM's tools on one volume group: what its thin pool holds, and what is done to that.

The tools are not killed with who asked: one that ends between suspending a device and resuming it
would stop a guest. They lock the group themselves, so that what is repeated waits for them.
"""

import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from cairn.cinder.drivers.base import BackendFailed, NoRoom

Run = Callable[..., bytes]

TIMEOUT = 300.0
ENVIRONMENT = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "LVM_SUPPRESS_FD_WARNINGS": "1",
}
_FULL = ("insufficient free space", "nsufficient suitable", "reached threshold", "is full",
         "out of metadata space", "no free space")
# LVM's own rule, and it reserves what begins with a dash.
_NAME = re.compile(r"[A-Za-z0-9+_.][A-Za-z0-9+_.-]{0,126}")
_FIELDS = ("lv_name", "lv_size", "lv_attr", "lv_tags", "origin", "pool_lv", "lv_path",
           "lv_suspended", "data_percent", "metadata_percent")


def run(*words: str) -> bytes:
    """What `words...` prints. Raises NoRoom, BackendFailed."""
    try:
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=ENVIRONMENT)
    except OSError as error:
        raise BackendFailed(reason=f"{words[0]}: {error.strerror}") from error
    try:
        told, complaint = process.communicate(timeout=TIMEOUT)
    except subprocess.TimeoutExpired as error:
        raise BackendFailed(reason=f"{words[0]} does not come to its end") from error
    if process.returncode:
        text = " ".join(complaint.decode(errors="replace").split())
        kind = NoRoom if any(each in text for each in _FULL) else BackendFailed
        raise kind(reason=f"{words[0]}: {text[-400:] or process.returncode}")
    return told


@dataclass(frozen=True)
class Thin:
    """A logical volume of the pool."""

    name: str
    size: int  # Bytes.
    device: str
    tags: frozenset[str] = frozenset()
    origin: str = ""
    active: bool = False
    opened: bool = False
    read_only: bool = False
    suspended: bool = False


@dataclass(frozen=True)
class ThinPool:
    size: int
    data_percent: float
    metadata_percent: float
    # Whether what was never written reads as zeros, whoever had the blocks before.
    zeroes: bool
    # What is wrong with it, as a word.
    trouble: str = ""


class VolumeGroup:
    def __init__(self, name: str, pool: str, run: Run = run) -> None:
        for each in (name, pool):
            if not _NAME.fullmatch(each):
                raise BackendFailed(reason=f"not a name in LVM: {each[:64]!r}")
        self.name, self.pool, self._run = name, pool, run

    def __str__(self) -> str:
        return f"{self.name}/{self.pool}"

    def look(self) -> tuple[ThinPool, dict[str, Thin]]:
        """The pool, and what is in it by name."""
        told = json.loads(self._run(
            "lvs", "--reportformat", "json", "--units", "b", "--nosuffix",
            "--options", ",".join(_FIELDS), self.name))
        rows = {row["lv_name"]: row for row in told["report"][0]["lv"]}
        pool = rows.get(self.pool)
        if pool is None or pool["lv_attr"][0] != "t":
            raise BackendFailed(reason=f"there is no thin pool {self}")
        return _pool(pool), {
            name: _thin(row) for name, row in rows.items() if row["pool_lv"] == self.pool}

    def volumes(self) -> dict[str, Thin]:
        return self.look()[1]

    def create(self, name: str, size: int, tags: tuple[str, ...] = ()) -> None:
        self._run("lvcreate", "--yes", "--quiet", "--virtualsize", f"{size}b", "--thinpool",
                  self.pool, "--name", name, *_tagged(tags), self.name)

    def snapshot(
        self, source: str, name: str, tags: tuple[str, ...] = (), *, writable: bool = True
    ) -> None:
        """What cannot be written to is not active until somebody opens it."""
        kind = ("rw", "n", "y") if writable else ("r", "y", "n")
        permission, skip, active = kind
        self._run("lvcreate", "--yes", "--quiet", "--snapshot", "--name", name, "--permission",
                  permission, "--setactivationskip", skip, "--activate", active, *_tagged(tags),
                  f"{self.name}/{source}")

    def extend(self, name: str, size: int) -> None:
        self._run("lvextend", "--quiet", "--size", f"{size}b", f"{self.name}/{name}")

    def rename(self, name: str, other: str) -> None:
        self._run("lvrename", "--quiet", self.name, name, other)

    def remove(self, name: str) -> None:
        self._run("lvremove", "--yes", "--quiet", f"{self.name}/{name}")

    def activate(self, name: str, active: bool = True) -> None:
        self._run("lvchange", "--quiet", "--ignoreactivationskip", "--activate",
                  "y" if active else "n", f"{self.name}/{name}")

    def tag(self, name: str, tag: str) -> None:
        self._run("lvchange", "--quiet", "--addtag", tag, f"{self.name}/{name}")

    def refresh(self, name: str) -> None:
        """Resumes what a tool that was killed left suspended."""
        self._run("lvchange", "--quiet", "--refresh", f"{self.name}/{name}")


def _tagged(tags: tuple[str, ...]) -> list[str]:
    return [word for tag in tags for word in ("--addtag", tag)]


def _pool(row: dict[str, str]) -> ThinPool:
    attributes = row["lv_attr"]
    health = {"F": "it has failed", "D": "its data is full", "M": "its metadata is read-only",
              "p": "a device is missing"}
    return ThinPool(
        size=int(row["lv_size"]), data_percent=float(row["data_percent"] or 0),
        metadata_percent=float(row["metadata_percent"] or 0), zeroes=attributes[7] == "z",
        trouble=health.get(attributes[8], "" if attributes[4] == "a" else "it is not active"))


def _thin(row: dict[str, str]) -> Thin:
    attributes = row["lv_attr"]
    return Thin(
        name=row["lv_name"], size=int(row["lv_size"]),
        device=row["lv_path"], tags=frozenset(filter(None, row["lv_tags"].split(","))),
        origin=row["origin"], read_only=attributes[1] in "rR",
        active=attributes[4] in "as", opened=attributes[5] == "o",
        suspended=row["lv_suspended"] == "suspended")
