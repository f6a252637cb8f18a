"""All that is said of one moment, and questions that several checks have."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from cairn.cinder.audit.rows import Rows, backend
from cairn.cinder.audit.servers import Servers
from cairn.cinder.audit.storage import Storage
from cairn.common.db import utcnow


@dataclass(frozen=True)
class Look:
    rows: Rows
    storage: Storage
    servers: Servers
    # Seconds after which nobody can be in the middle of what no work stands for.
    grace: float

    def settled(self, row: Any) -> bool:
        """Whether nobody changed the row lately."""
        changed: dt.datetime = row.updated_at or row.created_at
        return (utcnow() - changed).total_seconds() >= self.grace

    def holders(self, volume_id: str) -> set[tuple[str, str]]:
        """(server, host) of the guests that have it."""
        return self.servers.holders.get(volume_id, set())

    def unheld(self, volume_id: str) -> bool:
        """Whether it is sure that no guest has it."""
        return self.servers.complete and not self.holders(volume_id)

    def tell_holders(self, volume_id: str) -> str:
        """The same in words."""
        if holders := self.holders(volume_id):
            return ", ".join(f"server {server} on {host} has it"
                             for server, host in sorted(holders))
        return "no guest has it" if self.servers.complete else "not every host told"

    def looked_at(self, volume: Any) -> bool:
        """Whether somebody told what there is where the volume is."""
        return bool(self.storage.at(backend(volume)))
