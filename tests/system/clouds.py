"""A cloud deployed by the command itself, and people who use it through unmodified clients."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cairn.deploy import topology

# Where what users make is kept. A project's group `default` outlives it, as upstream's does, and so
# does the type of consistency groups, which the first of them makes.
KEPT = {
    "keystone": ["projects", "users"], "glance": ["images where deleted_at is null"],
    "neutron": ["networks", "subnets", "ports", "routers", "floatingips",
                "security_groups where name != 'default'"],
    "nova": ["servers where not deleted"],
    "cinder": ["volumes", "snapshots", "volume_attachments", "backups", "groups", "group_snapshots",
               "encryption_keys", "qos_specs",
               "volume_types where name != '__DEFAULT__'",  # Made when it is first used.
               "group_types where name != 'default_cgsnapshot_type'",  # So is this.
               "volume_transfers where not accepted"],
}
HOUSE = Path(__file__).parents[2]
# The clients are where this interpreter is.
BIN = Path(sys.executable).parent


class Failed(AssertionError):
    """A command that was to succeed did not; all it said."""


def run(*words: str, env: Mapping[str, str] | None = None, good: bool = True,
        timeout: float = 900) -> str:
    """The output of a command. Raises Failed when `good` and it fails, or not and it does not."""
    done = subprocess.run(words, cwd=HOUSE, capture_output=True, text=True, check=False,
                          timeout=timeout, env=dict(env) if env is not None else None)
    if (done.returncode == 0) != good:
        raise Failed(f"{' '.join(words)} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout if good else done.stdout + done.stderr


def wait(what: str, true: Callable[[], Any], seconds: float = 60, every: float = 0.5) -> Any:
    """The first true answer. Raises Failed, naming `what`, when there is none in time."""
    deadline = time.monotonic() + seconds
    while not (answer := true()):
        if time.monotonic() > deadline:
            raise Failed(f"{what}: not within {seconds:.0f} s")
        time.sleep(every)
    return answer


class Person:
    """Somebody with credentials: a project's member, or the admin."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("OS_", "PYTHON"))}
        self.environment = kept | dict(environment)

    def openstack(self, *words: str, good: bool = True) -> str:
        return run(str(BIN / "openstack"), *words, env=self.environment, good=good)

    def ask(self, *words: str) -> Any:
        """What the client answers, as JSON."""
        return json.loads(self.openstack(*words, "-f", "json") or "null")

    def nova(self, *words: str) -> str:
        return run(str(BIN / "nova"), *words, env=self.environment)

    def status(self, server: str) -> str:
        return str(self.ask("server", "show", server)["status"])


class Cloud:
    def __init__(self, name: str, shape: str) -> None:
        self.name, self.topology = name, shape
        self.state = Path("/var/lib/cairn-deploy", name)

    def cairn(self, *words: str, good: bool = True, timeout: float = 1800) -> str:
        return run(str(HOUSE / "cairn"), "--name", self.name, *words, good=good, timeout=timeout)

    def up(self, **more: str) -> None:
        """With these answers, by variable, beside those of all tests or instead of them."""
        own = {f"CONFIG_{name.upper()}": value for name, value in more.items()}
        lines = (HOUSE / "tests/system/answers.conf").read_text().splitlines()
        kept = [line for line in lines if line.partition("=")[0] not in own]
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
            file.write("\n".join([*kept, *(f"{name}={value}" for name, value in own.items())]))
            file.flush()
            self.cairn("up", "--lab", "--topology", self.topology, "--answer-file", file.name)

    def down(self) -> None:
        self.cairn("down")

    def admin(self) -> Person:
        exports = dict(re.findall(r"^export (OS_\w+)='?([^'\n]*)'?$", self.cairn("env"), re.M))
        return Person(exports)

    def nodes(self) -> list[str]:
        return topology.nodes(self.topology)

    def computes(self) -> list[str]:
        return [node for node, groups in topology.TOPOLOGIES[self.topology].items()
                if "compute" in groups]

    def controller(self) -> str:
        return self.nodes()[0]

    def within(self, node: str, command: str, *, good: bool = True) -> str:
        """The output of a shell command on a node, as root."""
        leader = Path("/var/lib/cairn-lab", self.name, "nodes", node, "leader").read_text().strip()
        return run("nsenter", "--target", leader, "--all", "--", "env", "-i",
                   "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "/bin/sh", "-c", command,
                   good=good)

    def sql(self, schema: str, query: str) -> list[str]:
        out = self.within(self.controller(), f'mysql -N -B {schema} -e "{query}"')
        return out.splitlines()

    def audit(self) -> list[dict[str, str]]:
        """On what the database, the backends and the guests do not agree."""
        told = self.within(
            self.controller(),
            "/opt/cairn/current/bin/cairn-manage cinder audit --json --grace 0 || [ $? = 1 ]")
        findings: list[dict[str, str]] = json.loads(told)["findings"]
        return findings

    def volumes_agree(self) -> None:
        """Raises Failed, naming what they do not agree on, when that does not end soon."""
        findings: list[dict[str, str]] = []

        def clean() -> bool:
            findings[:] = self.audit()
            return not findings

        try:
            wait("volumes are as everybody says", clean, 60, 5)
        except Failed as failed:
            raise Failed(f"{failed}: {json.dumps(findings, indent=2)}") from failed

    def made(self) -> dict[str, list[str]]:
        """The ids of all that users have made, by table."""
        return {f"{schema}.{rows}": self.sql(schema, f"select id from {rows} order by id")
                for schema, whats in KEPT.items() for rows in whats}

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """What is made meanwhile is gone afterwards, or shortly after. Raises Failed."""
        before = self.made()
        yield
        try:
            wait("nothing is left", lambda: self.made() == before, 30)
        except Failed as failed:
            left = {table: ids ^ set(before[table]) for table, now in self.made().items()
                    if (ids := set(now)) != set(before[table])}
            raise Failed(f"{failed}: {left}") from failed

    def leftovers(self) -> dict[str, list[str]]:
        """All that servers leave on hosts and in tables while they live, by where it is."""
        found: dict[str, list[str]] = {}
        for node in self.computes():
            found[f"{node}: domains"] = self.within(
                node, "virsh list --all --name").split()
            found[f"{node}: disks"] = self.within(
                node, "ls /var/lib/cairn/instances | grep -v _base || true").split()
            found[f"{node}: taps"] = self.within(
                node, "ls /sys/class/net | grep ^tap || true").split()
        found["allocations"] = self.sql("placement", "select consumer from allocations")
        found["open works"] = [id_ for schema in ("nova", "cinder") for id_ in self.sql(
            schema, "select id from work where state in ('queued', 'undoing')")]
        return found


def member(admin: Person, project: str, user: str) -> Person:
    """A new project with one member."""
    password = f"{user}-Secret-1"
    admin.openstack("project", "create", project)
    admin.openstack("user", "create", "--password", password, "--project", project, user)
    admin.openstack("role", "add", "--project", project, "--user", user, "member")
    return Person({
        k: v for k, v in admin.environment.items() if k.startswith("OS_") or k == "PATH"
    } | {"OS_USERNAME": user, "OS_PASSWORD": password, "OS_PROJECT_NAME": project})


class Guest:
    """A server, through ssh to its floating IP. `patience`: seconds until it has to answer."""

    def __init__(self, address: str, key: Path, user: str = "guest", patience: int = 5,
                 options: Sequence[str] = ()) -> None:
        self.patience = patience
        self.words = ["ssh", "-i", str(key), "-o", "StrictHostKeyChecking=no", "-o",
                      "UserKnownHostsFile=/dev/null", "-o",
                      f"ConnectTimeout={patience}", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR",
                      *(word for option in options for word in ("-o", option)),
                      f"{user}@{address}"]

    def run(self, command: str, *, good: bool = True) -> str:
        return run(*self.words, command, good=good, timeout=120 + self.patience)

    def reachable(self) -> bool:
        done = subprocess.run([*self.words, "true"], capture_output=True, check=False,
                              timeout=60 + self.patience)
        return done.returncode == 0
