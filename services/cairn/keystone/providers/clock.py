"""One clock for all controllers: the database's. When a token was issued is compared with when
something was revoked, on whichever host; with clocks of their own, a token issued before could hold
and one issued after be refused, for as long as they differ."""

import datetime as dt
import threading
import time

from sqlalchemy import text

from cairn.common.db import Database

_NOW = text("SELECT UTC_TIMESTAMP(6)")


class Clock:
    """Read now and then, and counted on from there. One per process; safe from any thread."""

    patience = 5.0

    def __init__(self, db: Database) -> None:
        self.db = db
        self._lock = threading.Lock()
        # What is added to the monotonic clock, and the moment of that clock when it was found.
        self._offset = 0.0
        self._read: float | None = None

    def now(self) -> float:
        """Unix seconds."""
        with self._lock:
            if self._read is None or time.monotonic() - self._read > self.patience:
                self._look()
            return time.monotonic() + self._offset

    def _look(self) -> None:
        before = time.monotonic()
        theirs = self._ask()
        self._read = time.monotonic()
        self._offset = theirs - (before + self._read) / 2

    def _ask(self) -> float:
        if self.db.engine.dialect.name == "sqlite":  # A file has no clock but this host's.
            return time.time()
        with self.db.reading() as session:
            moment: dt.datetime = session.execute(_NOW).scalar_one()
        return moment.replace(tzinfo=dt.UTC).timestamp()
