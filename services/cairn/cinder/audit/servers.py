"""What Nova says that servers use, and what hypervisors say that guests really have."""

from dataclasses import dataclass, field
from typing import Any

from cairn.cinder.component import Cinder
from cairn.common.context import Context
from cairn.common.errors import Problem


@dataclass(frozen=True)
class Servers:
    # Why Nova said nothing; empty when it did.
    silent: str = ""
    # By server and volume.
    uses: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    # The servers that have each volume really: (server, host).
    holders: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    # Hosts that told of their guests, each with the guests that it has; why others did not.
    guests: dict[str, set[str]] = field(default_factory=dict)
    silent_hosts: dict[str, str] = field(default_factory=dict)
    # Servers that Nova does not know, of those that rows name.
    gone: set[str] = field(default_factory=set)

    @property
    def complete(self) -> bool:
        """Whether everybody answered."""
        return not self.silent and not self.silent_hosts

    @property
    def busy(self) -> set[str]:
        """Servers on which something is being done, with the volumes that it concerns."""
        busy = set()
        for (server, volume), use in self.uses.items():
            if use["busy"]:
                busy |= {server, volume}
        return busy


def list_uses(cinder: Cinder, ctx: Context, named: set[str]) -> Servers:
    """What Nova says; `named` are servers that rows of ours name."""
    try:
        told = cinder.cloud.compute.uses(ctx)
    except Problem as problem:
        return Servers(silent=str(problem))
    uses = {(use["server_id"], use["volume_id"]): use for use in told["volume_uses"]}
    servers = Servers(uses=uses)
    servers.gone.update(use["server_id"] for use in uses.values() if use["gone"])
    for server in sorted(named - {server for server, _ in uses}):
        try:
            cinder.cloud.compute.server(ctx, server)
        except Problem as problem:
            if problem.code != 404:
                return Servers(silent=str(problem))
            servers.gone.add(server)
    for host in told["hosts"]:
        servers.silent_hosts[host] = "it was not asked"
    return servers


def ask_guests(cinder: Cinder, ctx: Context, servers: Servers) -> None:
    """What each hypervisor says, one after the other."""
    for host in list(servers.silent_hosts):
        try:
            told = cinder.cloud.compute.guests(ctx, host)
        except Problem as problem:
            servers.silent_hosts[host] = str(problem)
            continue
        del servers.silent_hosts[host]
        servers.guests[host] = set(told)
        for server, volumes in told.items():
            for volume in volumes:
                servers.holders.setdefault(volume, set()).add((server, host))
