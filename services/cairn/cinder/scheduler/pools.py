"""What filters and weighers look at."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cairn.cinder.rpc import backend_of


@dataclass(frozen=True)
class PoolState:
    """A pool as its backend last reported it, with what has been promised since."""

    host: str  # host@backend#pool
    zone: str
    figures: dict[str, Any]  # drivers.base.Pool
    capabilities: dict[str, Any]
    # GiB and volumes that the database says are there.
    promised: int
    volumes: int

    @property
    def backend(self) -> str:
        return backend_of(self.host)


@dataclass(frozen=True)
class Request:
    """What is to be placed."""

    size: int
    zone: str
    specs: dict[str, str]
    hints: dict[str, Any]
    multiattach: bool
    excluded: Sequence[str] = ()
    # Where it has to be: its source's pool. None: anywhere.
    beside: str | None = None
    # Pools by volume id, for hints that name volumes.
    places: dict[str, str] | None = None
    # Where the server is that the hint local_to_instance names.
    local_host: str | None = None
    # Hosts that reach the backup it is to be made from. None: it is made from none.
    hosts: Sequence[str] | None = None
    qos: dict[str, Any] = field(default_factory=dict)
