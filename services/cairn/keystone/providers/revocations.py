"""What was revoked, read from the database into this process."""

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import bindparam, select

from cairn.common.context import Context
from cairn.common.db import Database
from cairn.common.tokens import Revocation, Verifier
from cairn.keystone.db.models import Revoked
from cairn.keystone.providers.clock import Clock

log = logging.getLogger(__name__)
Authenticate = Callable[[Mapping[str, str]], Context | None]
SINCE = (
    select(Revoked.__table__)
    .where(Revoked.__table__.c.issued_before >= bindparam("moment"))
    .order_by(Revoked.__table__.c.id)
)


def event(row: Any) -> Revocation:
    return Revocation(row.issued_before, row.audit_id, row.audit_chain_id, row.user_id,
                      row.project_id, row.domain_id, row.role_id, row.delegation_id)


class Sweep:
    """Reads new revocations from the database: before each request of keystone's own, so that it
    never serves what it refused elsewhere; and every second for the APIs in the same process, so
    that what the bus lost is a second late and no more."""

    interval = 1.0
    # A transaction may commit after a later one: look back over the longest.
    overlap = 20.0

    def __init__(self, db: Database, verifier: Verifier, lifetime: float) -> None:
        self.db, self.verifier, self.lifetime = db, verifier, lifetime
        self.clock = Clock(db)
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._known: set[tuple[int, float]] = set()
        self._from = 0.0

    def start(self) -> None:
        threading.Thread(target=self._loop, daemon=True, name="revocation sweep").start()

    def stop(self) -> None:
        self._ended.set()

    def once(self) -> None:
        now = self.clock.now()
        with self.db.reading() as session:
            rows = session.execute(SINCE, {"moment": self._from or now - self.lifetime}).all()
        with self._lock:
            # A row is known with its moment: announce() moves it.
            fresh = [row for row in rows if (row.id, row.issued_before) not in self._known]
            if fresh:
                self.verifier.revoke(*map(event, fresh))
            self._known = {(row.id, row.issued_before) for row in rows}
            self._from = now - self.overlap

    def _loop(self) -> None:
        while True:
            try:
                self.once()
            except Exception as error:  # A database that is away comes back.
                log.warning("revocations could not be read: %s", type(error).__name__)
            if self._ended.wait(self.interval):
                return


class FreshAuthenticator:
    """Reads a caller's token knowing every revocation there is at this moment."""

    def __init__(self, sweep: Sweep, authenticate: Authenticate) -> None:
        self.sweep, self.authenticate = sweep, authenticate

    def __call__(self, headers: Mapping[str, str]) -> Context | None:
        self.sweep.once()
        return self.authenticate(headers)
