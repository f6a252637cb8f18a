"""How the cloud is: its nodes, their processes, the APIs' health and what they say of the rest."""

import json
import ssl
import subprocess
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from cairn.deploy import components, credentials, node, sdk
from cairn.deploy.cloud import Cloud, Record
from cairn.deploy.errors import CommandError

UNITS = ("cairn-*.service", "mariadb.service", "rabbitmq-server.service", "nginx.service",
         "libvirtd.service")
# Seconds an API may think about what is asked here.
PATIENCE = 15.0
# These run only while somebody talks to them, or when their timer says so.
RESTING = ("libvirtd.service", "cairn-access-log.service")


@dataclass
class Line:
    what: str
    where: str
    good: bool
    detail: str = ""


@dataclass
class Status:
    processes: list[Line] = field(default_factory=list)
    apis: list[Line] = field(default_factory=list)
    agents: list[Line] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return all(line.good for line in self.processes + self.apis + self.agents)


def look(cloud: Cloud, record: Record) -> Status:
    status = Status()
    for name in node.names(record):
        status.processes += processes(cloud, record, name)
    if cloud.clouds_yaml.exists():
        entry = credentials.admin(cloud)
        status.apis = [api(entry, path, name) for path, name in components.apis().items()]
        # Whoever asks for the agents logs in first.
        if _identity(status.apis).good:
            status.agents = agents(cloud)
    else:
        status.apis = [
            Line("all", "-", False, "the deployment has not come to its end: ./cairn up")]
    return status


def _identity(apis: list[Line]) -> Line:
    return next(line for line in apis if line.what == "keystone-api")


def processes(cloud: Cloud, record: Record, name: str) -> list[Line]:
    """The node's units of ours and those they stand on."""
    command = ["systemctl", "list-units", "--all", "--plain", "--no-legend", *UNITS]
    try:
        done = subprocess.run(
            node.command(cloud, record, name, command), capture_output=True, text=True, timeout=20,
            stdin=subprocess.DEVNULL, check=False,
        )
    except (CommandError, subprocess.TimeoutExpired) as wrong:
        return [Line("node", name, False, str(wrong))]
    if done.returncode:
        return [Line("node", name, False, done.stderr.strip() or "it does not answer")]
    return units(name, done.stdout)


def units(name: str, listing: str) -> list[Line]:
    """Lines of `systemctl list-units`: unit, load, active, sub, description."""
    lines = []
    for line in listing.splitlines():
        parts = line.split(None, 4)
        if len(parts) < 4 or parts[1] == "not-found":
            continue
        unit, _, active, sub = parts[:4]
        good = active == "active" or (unit in RESTING and active == "inactive")
        lines.append(Line(unit.removesuffix(".service"), name, good, f"{active} ({sub})"))
    return lines or [Line("node", name, True, "up; nothing of Cairn runs on it")]


def api(entry: dict[str, Any], path: str, name: str) -> Line:
    """Ask the API behind this path how it is: it answers after a round trip through itself."""
    host = urlsplit(entry["auth"]["auth_url"]).netloc
    url = f"https://{host}{path}/healthcheck"
    context = ssl.create_default_context(cafile=entry["cacert"])
    try:
        with urllib.request.urlopen(url, timeout=10, context=context) as answer:
            code, body = answer.status, answer.read(2000)
    except urllib.error.HTTPError as refused:
        code, body = refused.code, refused.read(2000)
    except (OSError, ValueError) as wrong:
        return Line(name, path, False, str(getattr(wrong, "reason", wrong)))
    good = code == 200
    return Line(name, path, good, "healthy" if good else f"{code}: {_why(body)}")


def _why(body: bytes) -> str:
    """The checks that failed, as every API of ours lists them."""
    text = body.decode(errors="replace").strip()
    try:
        checks = json.loads(text)["checks"]
        failed = [f"{name}: {each['reason']}" for name, each in checks.items() if not each["ok"]]
    except (ValueError, KeyError, TypeError):
        return text[:120]
    return "; ".join(failed)


def agents(cloud: Cloud) -> list[Line]:
    """What nova, cinder and neutron say of the processes they cannot do without."""
    admin = sdk.connect(cloud, cloud.admin, PATIENCE)
    lines = []
    try:
        for service in admin.compute.services():
            lines.append(
                Line(service.binary, service.host, service.state == "up", service.state)
            )
        for service in admin.block_storage.services():
            lines.append(
                Line(service.binary, service.host, service.state == "up", service.state)
            )
        for agent in admin.network.agents():
            state = "up" if agent.is_alive else "down"
            lines.append(Line(agent.agent_type, agent.host, bool(agent.is_alive), state))
    except sdk.ERRORS as wrong:
        lines.append(Line("the client", "-", False, str(wrong)))
    return lines
