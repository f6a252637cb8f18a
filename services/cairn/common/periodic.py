"""What shall be done from time to time by one process of the cloud, no matter by which.

The database elects it, by its own clock: who moves the row of the thing on by compare-and-set does
it, and the others look again later. A component declares the table with the mixin here:

    class Periodic(PeriodicRow, Base): ...          # __tablename__ = "periodic"
"""

import datetime as dt
import logging
import random
import threading
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import String, and_, or_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from cairn.common.db import Database, Moment, changed, new_hex_id, server_now

log = logging.getLogger(__name__)

LONGEST = 600.0  # Seconds after which one who is not done is dead: another does it.
FIRST = (30.0, 90.0)  # Seconds after the start of a process until its first look: that is busy.
SHORTEST = 5.0  # Seconds between two looks of one that was not elected.


class PeriodicRow:
    """When a thing may be done again, and who did it last, or does it."""

    __tablename__ = "periodic"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    holder: Mapped[str] = mapped_column(String(255))
    token: Mapped[str] = mapped_column(String(32))
    # Nobody begins before, by the database's clock.
    until: Mapped[dt.datetime] = mapped_column(Moment)


class Elected:
    """`func()` every `interval` seconds, in one process of all that have this."""

    def __init__(
        self, db: Database, table: Any, name: str, interval: float, func: Callable[[], object],
        holder: str,
    ) -> None:
        self.db, self.table, self.name = db, table, name
        self.interval, self.func, self.holder = interval, func, holder

    def turn(self) -> bool:
        """Do it if it is time and nobody else does; whether it was done. Raises what it raises:
        then it was done, too, and comes again at its time."""
        token = new_hex_id()
        if not self._claim(token):
            return False
        try:
            self.func()
        finally:
            self._release(token)
        return True

    def _claim(self, token: str) -> bool:
        table, longest = self.table, max(self.interval, LONGEST)
        mine = {"holder": self.holder, "token": token, "until": server_now(longest)}
        # A moment too far away was written before the clock was set back.
        due = or_(table.until <= server_now(), table.until > server_now(2 * longest))
        with self.db.writing() as session:
            if changed(session.execute(
                    update(table).where(table.name == self.name, due).values(**mine))):
                return True
        with self.db.reading() as session:
            if session.get(table, self.name) is not None:
                return False
        try:
            with self.db.writing() as session:
                session.add(table(name=self.name, **mine))
        except IntegrityError:
            return False  # Another's first.
        return True

    def _release(self, token: str) -> None:
        table = self.table
        with self.db.writing() as session:
            session.execute(
                update(table).where(and_(table.name == self.name, table.token == token))
                .values(until=server_now(self.interval))
            )


class Periodic:
    """The thread in which a process does what it is elected for: one, for all its components."""

    def __init__(self, holder: str) -> None:
        self.holder = holder
        self._all: list[tuple[Elected, float]] = []
        self._ended = threading.Event()

    def every(
        self, interval: float, db: Database, table: Any, name: str, func: Callable[[], object]
    ) -> None:
        """Be a candidate for `func`; not at all with an interval of 0. Before the start."""
        if interval > 0:
            first = time.monotonic() + min(interval, random.uniform(*FIRST))
            self._all.append((Elected(db, table, name, interval, func, self.holder), first))

    def start(self) -> None:
        if self._all:
            threading.Thread(target=self._loop, daemon=True, name="periodic").start()

    def stop(self) -> None:
        self._ended.set()

    def _loop(self) -> None:
        while True:
            nearest = min(self._all, key=lambda entry: entry[1])
            if self._ended.wait(max(0.0, nearest[1] - time.monotonic())):
                return
            elected, pause = nearest[0], nearest[0].interval
            try:
                if not elected.turn():
                    pause = min(pause, max(pause / 4, SHORTEST))
            except Exception as error:  # Its time comes again.
                log.warning("%s: %s", elected.name, error)
            self._all.remove(nearest)
            self._all.append((elected, time.monotonic() + pause * random.uniform(1, 1.1)))
