"""A change to the records: one transaction, and what agents are to hear once it is committed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cairn.common.context import Context
from cairn.common.errors import Unavailable
from cairn.neutron.component import Neutron
from cairn.neutron.db.models import Event

T = TypeVar("T")

# What events tell of a resource, where it has it.
TOLD = (
    "id", "name", "project_id", "status", "admin_state_up", "network_id", "ip_version", "cidr",
    "mac_address", "fixed_ips", "device_id", "device_owner", "router_id", "port_id",
    "floating_network_id", "floating_ip_address", "fixed_ip_address", "security_group_id",
    "direction", "ethertype", "protocol", "agent_type", "host",
)


class Again(Exception):
    """Another transaction took what this one had chosen at random: start over."""


@dataclass
class Write:
    """What everything in `core` that changes a record is given."""

    session: Session
    ctx: Context
    neutron: Neutron
    # What changed, by what agents know themselves to be concerned with.
    hosts: set[str] = field(default_factory=set)
    networks: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)

    def record(self, kind: str, verb: str, row: Any, **changed: Any) -> None:
        """An event of the resource, KIND.VERB.end, with what is `changed` of its row."""
        told = {name: changed.get(name, getattr(row, name)) for name in TOLD if hasattr(row, name)}
        project = getattr(row, "project_id", "")
        self.record_event(f"{kind}.{verb}", kind, row.id, {
            kind: {**told, "tenant_id": project}, f"{kind}_id": row.id}, project)

    def record_event(
        self, type_: str, kind: str, id: str, payload: dict[str, Any], project: str
    ) -> None:
        """An event in upstream's words, which come with its end: a write is whole or is none."""
        Event.record(
            self.session, self.ctx, f"{type_}.end", kind, id, payload, project_id=project)

    def ring(self) -> None:
        """Send after the commit, never before: an agent looks at once."""
        hosts = self.hosts - {""}
        if hosts or self.networks or self.groups:
            self.neutron.agents.changed(
                self.ctx, hosts=sorted(hosts), networks=sorted(self.networks),
                security_groups=sorted(self.groups),
            )


def write(neutron: Neutron, ctx: Context, func: Callable[[Write], T]) -> T:
    """`func` in one transaction, from the start again when it lost a race; then the doorbells."""
    for _ in range(16):
        try:
            result, done = neutron.db.write(lambda session: _attempt(session, ctx, neutron, func))
        except (Again, IntegrityError):
            # The second: what a new row refers to was deleted meanwhile. The next try will say so.
            continue
        done.ring()
        return result
    raise Unavailable(reason="Too many others change the same; try again.")


def _attempt(
    session: Session, ctx: Context, neutron: Neutron, func: Callable[[Write], T]
) -> tuple[T, Write]:
    w = Write(session, ctx, neutron)
    return func(w), w
