"""Runs on a node, in whatever Python it has: prints as JSON what only it can see of itself.

Nothing of Cairn's is imported: its text is sent there by `vitals.py`.
"""

import json
import os
import socket
import subprocess
import threading
import time

# How long a worker of the APIs may think about an empty question.
PATIENCE = 4.0
# Asked at once, so that each worker of a socket gets some.
QUESTIONS = 12
WORKS = (
    "SELECT id, kind, subject, runner, state, IFNULL(owner, ''), attempts, "
    "TIMESTAMPDIFF(SECOND, IFNULL(lease_until, UTC_TIMESTAMP()), UTC_TIMESTAMP()), "
    "TIMESTAMPDIFF(SECOND, GREATEST(updated_at, IFNULL(not_before, updated_at)), UTC_TIMESTAMP()) "
    "FROM work w WHERE state IN ('queued', 'undoing') AND NOT EXISTS (SELECT 1 FROM work o WHERE "
    "o.subject = w.subject AND o.seq < w.seq AND o.state IN ('queued', 'undoing')) LIMIT 500"
)
Facts = dict[str, object]


def disks() -> list[Facts]:
    """Every filesystem that is written to here."""
    by_device: dict[int, Facts] = {}
    with open("/proc/mounts") as mounts:
        lines = [line.split() for line in mounts]
    for _, place, _, options, *_ in lines:
        if place != "/" and not place.startswith(("/var", "/srv", "/tmp")):
            continue
        if "ro" in options.split(","):
            continue
        try:
            seen, device = os.statvfs(place), os.stat(place).st_dev
        except OSError:
            continue
        if seen.f_blocks and device not in by_device:
            by_device[device] = {
                "place": place, "size": seen.f_blocks * seen.f_frsize,
                "free": seen.f_bavail * seen.f_frsize, "inodes": seen.f_files,
                "free_inodes": seen.f_favail,
            }
    return list(by_device.values())


def processes() -> list[Facts]:
    """The processes of the cloud's units, with the state the kernel gives each."""
    facts = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cgroup") as file:
                unit = file.read().strip().rpartition("/")[2]
            with open(f"/proc/{pid}/stat") as file:
                stat = file.read().rpartition(")")[2].split()
            with open(f"/proc/{pid}/comm") as file:
                name = file.read().strip()
        except OSError:
            continue  # It has ended meanwhile.
        if unit.startswith(("cairn-", "mariadb", "rabbitmq", "nginx")):
            facts.append({"pid": int(pid), "unit": unit.removesuffix(".service"), "name": name,
                          "state": stat[0]})
    return facts


def stuck() -> list[Facts]:
    """Processes that do not run, seen twice: anybody may wait for a disk for a moment."""
    first = {(each["pid"], each["state"]) for each in processes()}
    time.sleep(0.7)
    return [each for each in processes()
            if each["state"] in ("T", "t", "D", "Z") and (each["pid"], each["state"]) in first]


def sockets() -> list[Facts]:
    """For each socket of the APIs, how many of the questions asked at once were answered. One that
    nobody listens at is left over: whether its processes run is systemd's to say."""
    folder = "/run/cairn"
    facts: list[Facts] = []
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    for name in (each for each in names if each.endswith(".sock")):
        answered: list[bool] = []  # One for each that was heard, whether it got an answer.
        askers = [threading.Thread(target=ask, args=(os.path.join(folder, name), answered),
                                   daemon=True) for _ in range(QUESTIONS)]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join(PATIENCE + 1)
        facts.append({"name": name, "asked": len(answered), "answered": sum(answered)})
    return facts


def ask(path: str, answered: list[bool]) -> None:
    with socket.socket(socket.AF_UNIX) as plug:
        plug.settimeout(PATIENCE)
        try:
            plug.connect(path)
        except TimeoutError:
            answered.append(False)
            return
        except OSError:
            return
        try:
            plug.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            answered.append(plug.recv(16).startswith(b"HTTP/1"))
        except OSError:
            answered.append(False)


def database() -> Facts:
    """The database's clock beside this node's, and the works at whose turn it is; empty where
    there is no database."""
    if not os.path.exists("/run/mysqld/mysqld.sock"):
        return {}
    before = time.time()
    now = sql("SELECT UNIX_TIMESTAMP(NOW(6))")
    if not now:
        return {"wrong": "the database does not answer"}
    works = []
    for (schema,) in sql("SELECT table_schema FROM information_schema.tables "
                         "WHERE table_name = 'work'"):
        for row in sql(WORKS, schema):
            works.append({"schema": schema, **dict(zip(
                ("id", "kind", "subject", "runner", "state", "owner", "attempts", "lapsed",
                 "waited"), row, strict=True))})
    return {"ahead": float(now[0][0]) - (before + time.time()) / 2, "works": works}


def sql(query: str, schema: str = "") -> list[list[str]]:
    try:
        done = subprocess.run(["mysql", "-N", "-B", "-e", query, *([schema] if schema else [])],
                              capture_output=True, text=True, timeout=8, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [line.split("\t") for line in done.stdout.splitlines()]


def main() -> None:
    print(json.dumps({"now": time.time(), "disks": disks(), "stuck": stuck(),
                      "sockets": sockets(), "database": database()}))


if __name__ == "__main__":
    main()
