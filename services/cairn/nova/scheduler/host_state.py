"""Hosts as the scheduler sees them, this moment, and what it looks at beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from cairn.nova.settings import SchedulerSettings


@dataclass(slots=True)
class HostState:
    """One host; `provider` is the id of its hypervisor, which is its provider's in placement."""

    host: str
    node: str
    provider: str
    zone: str
    up: bool
    disabled: bool
    disabled_reason: str | None
    # rpc.HostReport
    report: dict[str, Any]
    # Metadata of its aggregates.
    aggregates: Sequence[dict[str, Any]] = ()
    # By resource class: what placement has of it.
    capacity: dict[str, int] = field(default_factory=dict)
    used: dict[str, int] = field(default_factory=dict)
    traits: Sequence[str] = ()
    # Servers there, and those of them that are being made, moved or copied. Counted only where an
    # enabled filter or weigher asks.
    instances: int = 0
    io_ops: int = 0
    # Servers it failed to build since the last that it built.
    failed_builds: int = 0
    # Image properties of its servers: how many have each (name, value). As `instances`.
    image_properties: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def free(self, resource: str) -> int:
        """What is not claimed of a resource class, in its unit."""
        return self.capacity.get(resource, 0) - self.used.get(resource, 0)

    def of_aggregates(self, name: str) -> list[str]:
        """The values that its aggregates' metadata has under a name; each may be several, with
        commas."""
        return [part.strip() for meta in self.aggregates if meta.get(name)
                for part in str(meta[name]).split(",")]

    def number(self, name: str, default: float) -> float:
        """The smallest number its aggregates say for a setting, else the cloud's."""
        values = self.of_aggregates(name)
        try:
            return min(map(float, values), default=default)
        except ValueError:
            return default


@dataclass(frozen=True)
class Surroundings:
    """What filters look at beside one host and the request."""

    settings: SchedulerSettings = field(default_factory=SchedulerSettings)
    # Hosts of the servers that hints name, by the servers' ids.
    servers: Mapping[str, str] = field(default_factory=dict)
    # Metadata of every aggregate that has hosts.
    aggregates: Sequence[dict[str, Any]] = ()


@cache
def pairs(text: str) -> dict[str, float]:
    """The numbers of a setting that reads "name=2.0, other=-1"; 1 where none is said. Raises
    ValueError."""
    parts = [part.partition("=") for part in text.replace(",", " ").split()]
    return {name: float(number or 1.0) for name, _, number in parts}
