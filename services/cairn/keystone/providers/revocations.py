"""What was revoked, read from the database into this process."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import bindparam, select

from cairn.common.context import Context
from cairn.common.db import Database
from cairn.common.tokens import Revocation, Verifier
from cairn.keystone.db.models import Revoked
from cairn.keystone.providers.clock import Clock

Authenticate = Callable[[Mapping[str, str]], Context | None]
SINCE = (
    select(Revoked.__table__)
    .where(Revoked.__table__.c.issued_before >= bindparam("moment"))
    .order_by(Revoked.__table__.c.id)
)


def event(row: Any) -> Revocation:
    return Revocation(row.issued_before, row.audit_id, row.audit_chain_id, row.user_id,
                      row.project_id, row.domain_id, row.role_id, row.delegation_id)


class RevocationReader:
    """Reads new revocations from the database: before each request, so that no worker of keystone
    serves what it refused elsewhere. (Other processes are told by the bus: common/auth.py.)"""

    # Seconds. A transaction may commit after a later one: look back over the longest.
    overlap = 20.0

    def __init__(self, db: Database, verifier: Verifier, lifetime: float) -> None:
        self.db, self.verifier, self.lifetime = db, verifier, lifetime
        self.clock = Clock(db)
        self._lock = threading.Lock()
        # What the verifier has already, each with its moment: announce() moves it.
        self._taken: set[tuple[int, float]] = set()
        self._from = 0.0

    def read(self) -> None:
        """Tell the verifier all that was revoked until now."""
        now = self.clock.now()
        with self.db.reading() as session:
            rows = session.execute(SINCE, {"moment": self._from or now - self.lifetime}).all()
        with self._lock:
            fresh = [row for row in rows if (row.id, row.issued_before) not in self._taken]
            if fresh:
                self.verifier.revoke(*map(event, fresh))
            self._taken = {(row.id, row.issued_before) for row in rows}
            self._from = now - self.overlap


class FreshAuthenticator:
    """Reads a caller's token knowing every revocation there is at this moment."""

    def __init__(self, reader: RevocationReader, authenticate: Authenticate) -> None:
        self.reader, self.authenticate = reader, authenticate

    def __call__(self, headers: Mapping[str, str]) -> Context | None:
        self.reader.read()
        return self.authenticate(headers)
