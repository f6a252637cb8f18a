"""What is wrong with a cloud, from what its nodes and its agents say. Pure: facts in, findings out,
each a sentence that ends with what to do next."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cairn.deploy.vitals import Disk, Vitals, Work

# Two clocks that are further apart make tokens and leases of one look stale to the other.
APART = 2.0
# A disk is full, to whom must still write a row, a log line and a chunk of an image.
FULL, ENOUGH = 0.05, 1 << 30
# Seconds after which nobody will come for a work any more: workers sweep every few.
LAPSED, WAITED = 40, 180
# What an agent sets apart, as the client calls it; what else it tells is about the whole host.
SHOWN = {"port": "port", "security_group": "security group", "network": "network",
         "dhcp": "network", "router": "router"}
# What the sockets of cairn-data are called, packed and not.
STREAMS = ("data-", "live-", "glance-data-", "nova-console-")
STATES = {"T": "is stopped", "t": "is stopped by a debugger", "D": "waits for a disk",
          "Z": "is dead and nobody buries it"}


@dataclass(frozen=True)
class Finding:
    good: bool
    what: str


def bad(what: str) -> Finding:
    return Finding(False, what)


def nodes(every: Iterable[Vitals]) -> list[Finding]:
    return [finding for vitals in every for finding in node(vitals)]


def node(vitals: Vitals) -> Iterator[Finding]:
    if vitals.wrong:
        yield bad(f"the node {vitals.node} could not be looked at: {vitals.wrong}; see: "
                  "./cairn status")
        return
    yield from clocks(vitals)
    for disk in vitals.disks:
        yield from disks(vitals.node, disk)
    yield from processes(vitals)
    for work in vitals.works:
        yield from works(work, vitals.node)


def clocks(vitals: Vitals) -> Iterator[Finding]:
    if abs(vitals.ahead) - vitals.doubt > APART:
        yield bad(f"the clock of {vitals.node} is {_apart(vitals.ahead)} this machine's: tokens "
                  f"and leases go wrong; set it: {_on(vitals.node)} timedatectl")
    if vitals.database_wrong:
        yield bad(f"on {vitals.node} {vitals.database_wrong}; see: {_on(vitals.node)} "
                  "journalctl -u mariadb -n 50")
    if abs(vitals.database_ahead) > APART:
        yield bad(f"the database's clock is {_apart(vitals.database_ahead)} that of "
                  f"{vitals.node}: leases go wrong; set it: {_on(vitals.node)} timedatectl")


def _apart(seconds: float) -> str:
    return f"{abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'}"


def _on(node: str) -> str:
    return f"./cairn ssh {node}"


def disks(node: str, disk: Disk) -> Iterator[Finding]:
    room = min(FULL * disk.size, ENOUGH)
    if disk.free < room:
        yield bad(f"{disk.place} of {node} is full, {disk.free >> 20} of {disk.size >> 20} MiB are "
                  f"free; make room: {_on(node)} du -xh --max-depth 3 {disk.place}")
    elif disk.inodes and disk.free_inodes < FULL * disk.inodes:
        yield bad(f"{disk.place} of {node} has no more room for files, {disk.free_inodes} of "
                  f"{disk.inodes} inodes are free; see where they are: {_on(node)} du -x --inodes "
                  f"--max-depth 3 {disk.place}")


def processes(vitals: Vitals) -> Iterator[Finding]:
    for each in vitals.stuck:
        # Who is dead harms nobody but by their number.
        if each.state != "Z":
            yield bad(f"the process {each.pid} ({each.name}) of {each.unit} on {vitals.node} hangs:"
                      f" it {STATES[each.state]}; {_restart(vitals.node, each.unit)}")
    for socket in vitals.sockets:
        silent = socket.asked - socket.answered
        if silent:
            unit = "cairn-data" if socket.name.startswith(STREAMS) else "cairn-api"
            yield bad(f"a worker of the APIs on {vitals.node} hangs, {silent} of "
                      f"{socket.asked} questions at {socket.name} had no answer; "
                      f"{_restart(vitals.node, unit)}")


def _restart(node: str, unit: str) -> str:
    return f"unless it comes round: {_on(node)} systemctl restart {unit}"


def works(work: Work, controller: str) -> Iterator[Finding]:
    name = f"the {work.kind} of {work.subject} ({work.schema}, work {work.id})"
    if work.owner and work.lapsed > LAPSED:
        yield bad(f"{name} is held by {work.owner}, whose lease lapsed {work.lapsed} s ago, and "
                  f"nobody has taken it over; {_runner(work.runner, controller)}")
    elif not work.owner and work.waited > WAITED:
        yield bad(f"{name} has waited for {work.runner} for {work.waited} s; "
                  f"{_runner(work.runner, controller)}")


def _runner(runner: str, controller: str) -> str:
    """How the one who shall do it is brought back. What runs on a host has the host's name."""
    kind, _, host = runner.partition(".")
    who = f"{kind} on {host}" if host else kind
    unit = "cairn-agent" if host else "cairn-worker"
    return (f"it goes on by itself when {who} runs again: {_on(host or controller)} "
            f"systemctl restart {unit}")


def agents(every: Iterable[tuple[str, Mapping[str, Any]]]) -> list[Finding]:
    """What agents of the network could not carry out and have set apart, so that the rest goes
    on: (host, the agent's configurations)."""
    findings = []
    for host, told in every:
        for each in told.get("isolated") or ():
            findings.append(bad(_isolated(host, each)))
    return findings


def _isolated(host: str, each: Mapping[str, Any]) -> str:
    kind, id_, reason = (str(each.get(key, "?")) for key in ("kind", "id", "reason"))
    shown = SHOWN.get(kind)
    if shown is None:
        return (f"the network of {host} could not be brought up to date: {reason}; see: "
                f"{_on(host)} journalctl -u cairn-agent -n 50")
    return (f"the {shown} {id_} is cut off on {host}, what it asks for was refused there: "
            f"{reason}; put it right or delete it: ./cairn openstack {shown} show {id_}")
