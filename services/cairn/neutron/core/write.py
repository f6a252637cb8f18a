"""A change to the records: one transaction, and what agents are to hear once it is committed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cairn.common.context import Context
from cairn.common.errors import Unavailable
from cairn.neutron.component import Neutron

T = TypeVar("T")


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
