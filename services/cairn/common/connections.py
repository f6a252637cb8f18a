"""Connections kept open: those that are only read by, and whether an idle one is still alive."""

import collections
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout

# Seconds a request waits for a connection.
POOL_PATIENCE = 5.0
# Connections beyond a pool's size that a moment may need, and seconds after which one is renewed.
OVERFLOW, RECYCLE = 16, 1800
# Seconds that a connection may have been idle and still be taken for alive.
FRESH = 1.0


def ask_idle(engine: Engine) -> None:
    """Ask a connection of the engine's pool whether it is alive before it is used again: not one
    that was used a moment ago, which most are."""
    def given(driver: Any, record: Any) -> None:
        record.info["used"] = time.monotonic()

    def taken(driver: Any, record: Any, proxy: Any) -> None:
        if "used" in record.info and not _alive(engine, driver, record.info["used"]):
            raise DisconnectionError  # The pool opens another.

    event.listen(engine, "checkin", given)
    event.listen(engine, "checkout", taken)


def _alive(engine: Engine, driver: Any, used: float) -> bool:
    """Whether a connection is, as far as can be told, that was last used at that moment."""
    if time.monotonic() - used < FRESH:
        return True
    try:
        driver.ping()
    except engine.dialect.loaded_dbapi.Error:
        return False
    return True


class Connections:
    """Open connections to read by, the last used first. To take one from here costs a twentieth of
    what it costs from a pool that resets and asks each."""

    def __init__(self, engine: Engine, size: int) -> None:
        self._engine, self._size = engine, size
        self._free = threading.Semaphore(size + OVERFLOW)
        # Each with when it was opened and when it was last used, in seconds.
        self._idle: collections.deque[tuple[Connection, float, float]] = collections.deque()

    @contextmanager
    def one(self) -> Iterator[Connection]:
        """One for as long as the context lasts. Raises sqlalchemy's TimeoutError where none is to
        be had for too long."""
        if not self._free.acquire(timeout=POOL_PATIENCE):
            raise PoolTimeout("no connection to read by became free in time")
        try:
            connection, opened = self._take()
            try:
                yield connection
            finally:
                self._give(connection, opened)
        finally:
            self._free.release()

    def _take(self) -> tuple[Connection, float]:
        while self._idle:
            try:
                connection, opened, used = self._idle.pop()
            except IndexError:
                break
            driver = connection.connection.dbapi_connection
            if time.monotonic() - opened < RECYCLE and _alive(self._engine, driver, used):
                return connection, opened
            connection.invalidate()
            connection.close()
        return self._engine.connect(), time.monotonic()

    def _give(self, connection: Connection, opened: float) -> None:
        if connection.invalidated or len(self._idle) >= self._size:
            connection.close()
            return
        connection.rollback()  # Of what SQLAlchemy calls a transaction; the server knows of none.
        self._idle.append((connection, opened, time.monotonic()))

    def close(self) -> None:
        """Close those that are not in use."""
        while self._idle:
            self._idle.pop()[0].close()
