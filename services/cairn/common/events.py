"""Events: what changed, told to whoever must know, each of them once (docs/adr/0020).

Who changes a resource records one row in the transaction that changes it. Readers go through the
rows by number, each at its own pace. A component declares two tables with the mixins here:

    class Event(EventRow, Base): ...                # __tablename__ = "events"
    class EventReader(EventReaderRow, Base): ...    # __tablename__ = "event_readers"

A transaction that begins first may end last, so a row's own key says nothing of the order in which
rows become visible: a reader that went by it would pass rows which are not there yet. Rows get
their `sequence` once they are there, from one reader at a time.
"""

import contextlib
import datetime as dt
import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import (
    BigInteger,
    Insert,
    Integer,
    String,
    Table,
    case,
    exists,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from cairn.common.context import Context
from cairn.common.db import Database, Json, Moment, changed, server_now, utcnow
from cairn.common.purge import DAY, Age, drop
from cairn.common.rpc import Bus, Stub
from cairn.common.settings import PurgeSettings

log = logging.getLogger(__name__)

# The row of event_readers that says which number was given last. Who has it gives the next.
PUBLISHED = ""
BATCH = 500  # Events that one transaction gives numbers to.
# Whether a request that did not record what its endpoint declares fails: in tests, which set it.
STRICT = False
_UNCHANGED = "-"
_NUMBER = BigInteger().with_variant(Integer, "sqlite")


class EventRow:
    """One change of one resource."""

    __tablename__ = "events"

    id: Mapped[int] = mapped_column(_NUMBER, primary_key=True, autoincrement=True)
    # Its place among all, NULL until a reader finds it.
    sequence: Mapped[int | None] = mapped_column(BigInteger, index=True)
    at: Mapped[dt.datetime] = mapped_column(Moment)
    type: Mapped[str] = mapped_column(String(128))
    request_id: Mapped[str] = mapped_column(String(64))
    # Whose the resource is, and who changed it. Empty where there is none.
    project_id: Mapped[str] = mapped_column(String(255))
    user_id: Mapped[str] = mapped_column(String(255))
    resource_type: Mapped[str] = mapped_column(String(64))
    resource_id: Mapped[str] = mapped_column(String(255))
    payload: Mapped[Json]

    @classmethod
    def record(
        cls, session: Session, ctx: Context, type_: str, resource_type: str, resource_id: str,
        payload: Mapping[str, Any] | None = None, *, project_id: str | None = None,
    ) -> None:
        """Record a change in the transaction that makes it: both come, or neither.

        `type_` is upstream's name (port.create.end, compute.instance.delete.start), `project_id`
        whose the resource is where that is not the caller's own project, `payload` upstream's
        documented fields as far as they are known here."""
        session.execute(_insert(cls), {
            "type": type_, "request_id": ctx.request_id[:64],
            "project_id": ctx.project if project_id is None else project_id,
            "user_id": ctx.user_id, "resource_type": resource_type, "resource_id": resource_id,
            "payload": dict(payload or {}),
        })
        session.info["events"] = True
        if _RECORDING.types is not None:
            _RECORDING.types.append(type_)


class EventReaderRow:
    """How far a reader has come."""

    __tablename__ = "event_readers"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    # The sequence of the last event that it is done with.
    position: Mapped[int] = mapped_column(BigInteger)
    seen_at: Mapped[dt.datetime] = mapped_column(Moment)


Events = type[EventRow]
Readers = type[EventReaderRow]
_INSERTS: dict[Events, Insert] = {}


def _table(events: Events) -> Table:
    return cast(Table, events.__table__)  # type: ignore[attr-defined]


def _insert(events: Events) -> Insert:
    statement = _INSERTS.get(events)
    if statement is None:
        statement = _INSERTS[events] = _table(events).insert().values(at=server_now()).inline()
    return statement


# --- What a request recorded ---

class _Recording(threading.local):
    types: list[str] | None = None


_RECORDING = _Recording()


@contextmanager
def recording() -> Iterator[list[str]]:
    """The types of the events that are recorded by this thread meanwhile."""
    types: list[str] = []
    before, _RECORDING.types = _RECORDING.types, types
    try:
        yield types
    finally:
        _RECORDING.types = before


def unchanged() -> None:
    """Say that this request, though it succeeded, had nothing to change."""
    if _RECORDING.types is not None:
        _RECORDING.types.append(_UNCHANGED)


def check(declared: str, recorded: list[str], request: str) -> None:
    """Hold what a request recorded against what its endpoint declares: that type, or one that goes
    on from it (.start, .end, .error). What misses is logged, as it has happened already; in tests
    it raises RuntimeError."""
    if any(type_ == _UNCHANGED or type_ == declared or type_.startswith(f"{declared}.")
           for type_ in recorded):
        return
    if STRICT:
        raise RuntimeError(f"{request} promised a {declared} event and recorded {recorded}")
    log.error("%s promised a %s event and recorded %s", request, declared, recorded)


# --- The bell ---

class EventBells(Stub):
    """What all who wait for events hear. Who hears nothing looks from time to time."""

    topic = "events"
    to_all = True

    def recorded(self, ctx: Context, component: str) -> None:
        self.cast_all(ctx, "recorded", component=component)


class Bell:
    """Rung by a Database after each transaction that recorded an event: `db.bell = Bell(...)`."""

    def __init__(self, bus: Bus, component: str) -> None:
        self.bells, self.component = EventBells(bus), component

    def __call__(self) -> None:
        self.bells.recorded(Context(), self.component)


# --- Reading ---

@dataclass(frozen=True)
class Recorded:
    """An event as it is read."""

    sequence: int
    at: dt.datetime
    type: str
    request_id: str
    project_id: str
    user_id: str
    resource_type: str
    resource_id: str
    payload: dict[str, Any]


FIELDS = tuple(Recorded.__dataclass_fields__)


def read_after(
    db: Database, events: Events, readers: Readers, sequence: int, limit: int = 100
) -> list[Recorded]:
    """At most so many of the events after that one, in their order. Who goes on from the last of
    them misses none and gets none twice, however many others write and read meanwhile."""
    columns = [_table(events).c[name] for name in FIELDS]
    query = select(*columns).where(columns[0] > sequence).order_by(columns[0]).limit(limit)
    while True:
        with db.reading() as session:
            rows = session.execute(query).all()
            if len(rows) == limit or not session.scalar(
                    select(exists().where(events.sequence.is_(None)))):
                return [Recorded(*row) for row in rows]
        publish(db, events, readers)


def publish(db: Database, events: Events, readers: Readers) -> int:
    """Give numbers to events that have none yet, in the order in which they were recorded; to how
    many. Whose transaction has not ended is not seen, and gets a later number."""
    def work(session: Session) -> int | None:
        # The row is the lock: the numbers of one who gave some are there before another's begin.
        if not changed(session.execute(
                update(readers).where(readers.name == PUBLISHED).values(seen_at=server_now()))):
            return None
        last = session.scalars(
            select(readers.position).where(readers.name == PUBLISHED)).one()
        ids = session.scalars(select(events.id).where(events.sequence.is_(None))
                              .order_by(events.id).limit(BATCH)).all()
        if ids:
            numbers = {id_: number for number, id_ in enumerate(ids, last + 1)}
            table = _table(events)
            session.execute(update(table).where(table.c.id.in_(ids)).values(
                sequence=case(numbers, value=table.c.id)))
            session.execute(update(readers).where(readers.name == PUBLISHED).values(
                position=last + len(ids)))
        return len(ids)

    while (many := db.write(work)) is None:
        _enter(db, readers, PUBLISHED)
    return many


def _enter(db: Database, readers: Readers, name: str) -> None:
    with contextlib.suppress(IntegrityError), db.writing() as session:  # Another was first.
        session.execute(insert(readers).values(name=name, position=0, seen_at=server_now()))


class Reader:
    """One who goes through all events of a component, and whose place is remembered."""

    def __init__(self, db: Database, events: Events, readers: Readers, name: str) -> None:
        """`name` is its alone. A new one begins with the oldest event that there still is."""
        self.db, self.events, self.readers, self.name = db, events, readers, name

    def read(self, limit: int = 100) -> list[Recorded]:
        """The next events, the same again until they are `passed`."""
        with self.db.reading() as session:
            row = session.get(self.readers, self.name)
        if row is None:
            _enter(self.db, self.readers, self.name)
        elif row.seen_at < utcnow() - dt.timedelta(seconds=DAY):
            self._write(self.readers.name == self.name, seen_at=server_now())
        return read_after(
            self.db, self.events, self.readers, row.position if row else 0, limit)

    def passed(self, sequence: int) -> None:
        """It is done with all events up to that one."""
        self._write(self.readers.name == self.name, self.readers.position < sequence,
                    position=sequence, seen_at=server_now())

    def _write(self, *which: Any, **values: Any) -> None:
        with self.db.writing() as session:
            session.execute(update(self.readers).where(*which).values(**values))


# --- Ageing ---

def age(events: Events, readers: Readers, settings: PurgeSettings) -> Age:
    """What a component's core/purge.py says of both tables: an event goes when it is old and every
    reader has passed it, a reader when it was not seen for long."""
    table = _table(events)

    def remove(session: Session, before: dt.datetime, limit: int) -> int:
        lost = before - dt.timedelta(days=settings.reader_days - settings.event_days)
        drop(session, readers, readers.name != PUBLISHED, readers.seen_at < lost)
        slowest = session.scalar(
            select(func.min(readers.position)).where(readers.name != PUBLISHED))
        # The oldest have the lowest keys: no index of their times is needed.
        oldest = session.execute(select(table.c.id, table.c.at, table.c.sequence)
                                 .order_by(table.c.id).limit(limit)).all()
        keys = [row.id for row in oldest if row.at < before and (
            slowest is None or (row.sequence is not None and row.sequence <= slowest))]
        return drop(session, events, events.id.in_(keys)) if keys else 0

    return Age("events", (events.__tablename__, readers.__tablename__),
               settings.event_days * DAY, remove)
