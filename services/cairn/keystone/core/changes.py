"""Changes that end tokens: what was revoked is in the database with the change, in this process at
once, and with every other as soon as the bus has told it (or the sweep has read it)."""

import datetime as dt
import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from cairn.common.context import Context
from cairn.common.db import Database, transient
from cairn.common.errors import Unavailable
from cairn.common.tokens import Revocation, Verifier
from cairn.keystone.core import directory
from cairn.keystone.core.clock import Clock
from cairn.keystone.db.models import Revoked
from cairn.keystone.errors import Taken

if TYPE_CHECKING:
    from cairn.keystone.component import Keystone

log = logging.getLogger(__name__)
Authenticate = Callable[[Mapping[str, str]], Context | None]
_SINCE = (
    select(Revoked.__table__)
    .where(Revoked.__table__.c.issued_before >= bindparam("moment"))
    .order_by(Revoked.__table__.c.id)
)
FIELDS = ("audit_id", "audit_chain_id", "user_id", "project_id", "domain_id", "role_id",
          "delegation_id")


@dataclass
class Change:
    """One transaction, and the tokens it ends."""

    session: Session
    now: float
    rows: list[Revoked] = field(default_factory=list)

    def revoke(self, **who: str | None) -> None:
        """End the tokens that match every given field of tokens.Revocation."""
        row = Revoked(issued_before=self.now, **who)
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
    now = keystone.clock.now()
    try:
        with keystone.db.writing() as session:
            change = Change(session, now)
            yield change
            session.flush()
    except IntegrityError as error:
        raise Taken(kind=kind, what=what) from error
    except DBAPIError as error:
        if not transient(error):
            raise
        raise Unavailable(reason="The database was busy with the same rows; try again.") from error
    if change.rows:
        announce(keystone, ctx, change.rows)


def announce(keystone: "Keystone", ctx: Context, rows: list[Revoked]) -> None:
    """Tell everybody. A login that read the state before the commit may have been given a token
    since: so the moment that counts is now, not that of the rows."""
    now = keystone.clock.now()
    with keystone.db.writing() as session:
        session.execute(
            update(Revoked).where(Revoked.id.in_([row.id for row in rows]))
            .values(issued_before=now).execution_options(synchronize_session=False)
        )
    events = [Revocation(now, **{name: getattr(row, name) for name in FIELDS}) for row in rows]
    keystone.verifier.revoke(*events)
    keystone.revocations.revoked(ctx, signed=keystone.signer.revocations(*events))


def since(session: Session, moment: float, after: int, limit: int) -> Sequence[Any]:
    """The rows that count from `moment` on, of those after that number: in the order of their
    numbers, which do not change."""
    return session.execute(
        _SINCE.where(Revoked.__table__.c.id > after).limit(limit), {"moment": moment}).all()


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
            rows = session.execute(_SINCE, {"moment": self._from or now - self.lifetime}).all()
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


def iso(seconds: float) -> str:
    """Unix seconds as the API writes moments."""
    moment = dt.datetime.fromtimestamp(seconds, dt.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
