"""Changes that end tokens: what was revoked is in the database with the change, in this process at
once, and with every other as soon as the bus has told it (or the sweep has read it)."""

import datetime as dt
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cairn.common.context import Context
from cairn.common.db import Database
from cairn.common.tokens import Revocation, Verifier
from cairn.keystone.core import directory
from cairn.keystone.db.models import Revoked
from cairn.keystone.errors import Taken

if TYPE_CHECKING:
    from cairn.keystone.component import Keystone

log = logging.getLogger(__name__)
FIELDS = ("audit_id", "audit_chain_id", "user_id", "project_id", "domain_id", "role_id")


@dataclass
class Change:
    """One transaction, and the tokens it ends."""

    session: Session
    rows: list[Revoked] = field(default_factory=list)

    def revoke(self, **who: str | None) -> None:
        """End the tokens that match every given field of tokens.Revocation."""
        row = Revoked(issued_before=time.time(), **who)
        self.rows.append(row)
        self.session.add(row)

    def touch(self, name: str) -> None:
        """Everybody's copy of the catalog, or of the roles, is old now."""
        directory.touch(self.session, name)


@contextmanager
def changing(
    keystone: "Keystone", ctx: Context, kind: str = "", what: str = ""
) -> Iterator[Change]:
    """One transaction. A unique key in its way is Taken(kind, what)."""
    try:
        with keystone.db.writing() as session:
            change = Change(session)
            yield change
            session.flush()
    except IntegrityError as error:
        raise Taken(kind=kind, what=what) from error
    if change.rows:
        announce(keystone, ctx, change.rows)


def announce(keystone: "Keystone", ctx: Context, rows: list[Revoked]) -> None:
    """Tell everybody. A login that read the state before the commit may have been given a token
    since: so the moment that counts is now, not that of the rows."""
    now = time.time()
    with keystone.db.writing() as session:
        session.execute(
            update(Revoked).where(Revoked.id.in_([row.id for row in rows]))
            .values(issued_before=now).execution_options(synchronize_session=False)
        )
    events = [Revocation(now, **{name: getattr(row, name) for name in FIELDS}) for row in rows]
    keystone.verifier.revoke(*events)
    keystone.revocations.revoked(ctx, events=[asdict(event) for event in events])


def since(session: Session, moment: float) -> list[Revocation]:
    query = select(Revoked).where(Revoked.issued_before >= moment).order_by(Revoked.id)
    return [event(row) for row in session.scalars(query)]


def event(row: Revoked) -> Revocation:
    return Revocation(row.issued_before, **{name: getattr(row, name) for name in FIELDS})


class Sweep:
    """Reads new revocations every second, so that one the bus lost is a second late and no more;
    forgets those that no living token can match."""

    interval = 1.0
    # A transaction may commit after a later one: look back over the longest.
    overlap = 60.0

    def __init__(self, db: Database, verifier: Verifier, lifetime: float) -> None:
        self.db, self.verifier, self.lifetime = db, verifier, lifetime
        self._ended = threading.Event()
        self._known: set[Revocation] = set()
        self._from = 0.0
        self._forgot = time.time()

    def start(self) -> None:
        threading.Thread(target=self._loop, daemon=True, name="revocation sweep").start()

    def stop(self) -> None:
        self._ended.set()

    def once(self) -> None:
        now = time.time()
        with self.db.reading() as session:
            found = set(since(session, self._from or now - self.lifetime))
        fresh = found - self._known
        if fresh:
            self.verifier.revoke(*fresh)
        self._known, self._from = found, now - self.overlap
        if now - self._forgot > 3600:
            self._forgot = now
            with self.db.writing() as session:
                session.execute(delete(Revoked).where(
                    Revoked.issued_before < now - self.lifetime - self.overlap
                ))

    def _loop(self) -> None:
        while True:
            try:
                self.once()
            except Exception as error:  # A database that is away comes back.
                log.warning("revocations could not be read: %s", type(error).__name__)
            if self._ended.wait(self.interval):
                return


def iso(seconds: float) -> str:
    """Unix seconds as the API writes moments."""
    moment = dt.datetime.fromtimestamp(seconds, dt.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
