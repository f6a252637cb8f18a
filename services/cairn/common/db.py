"""One engine, explicit transactions, and the columns every table shares."""

import datetime as dt
import random
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, TypeVar

import orjson
from sqlalchemy import (
    JSON,
    CursorResult,
    DateTime,
    Engine,
    MetaData,
    String,
    create_engine,
    event,
)
from sqlalchemy.dialects.mysql import DATETIME
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.orm import Mapped, Session, mapped_column, sessionmaker
from sqlalchemy.pool import StaticPool

from cairn.common import held

Uuid = Annotated[str, mapped_column(String(36))]
Id = Annotated[str, mapped_column(String(64))]
Name = Annotated[str, mapped_column(String(255))]
Json = Annotated[dict[str, Any], mapped_column(JSON)]
JsonList = Annotated[list[Any], mapped_column(JSON)]
# Microseconds, so that rows made in one second keep their order.
Moment = DateTime().with_variant(DATETIME(fsp=6), "mysql", "mariadb")

T = TypeVar("T")

# MariaDB's "deadlock found" and "lock wait timeout": the transaction was rolled back, try again.
TRANSIENT = {1213, 1205, 1020}
# Too many connections; the server is away, going down, or was lost in the middle.
AWAY = {1040, 1053, 1203, 2002, 2003, 2006, 2013}
# Seconds a statement waits for another's lock, and a transaction is tried again.
LOCK_WAIT, PATIENCE = 10, 20.0


def utcnow() -> dt.datetime:
    """Now in UTC, without a zone: what is written to a DATETIME column."""
    return dt.datetime.now(dt.UTC).replace(tzinfo=None)


def new_id() -> str:
    """A UUID with dashes, as Nova, Neutron, Glance and Cinder write theirs."""
    return str(uuid.uuid4())


def new_hex_id() -> str:
    """A UUID without dashes, as Keystone writes its ids."""
    return uuid.uuid4().hex


def new_metadata() -> MetaData:
    """A component's own metadata: `class Base(DeclarativeBase): metadata = new_metadata()`."""
    return MetaData(naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    })


class Timestamps:
    created_at: Mapped[dt.datetime] = mapped_column(Moment, default=utcnow)
    updated_at: Mapped[dt.datetime | None] = mapped_column(Moment, onupdate=utcnow)


class Resource(Timestamps):
    """A row a user owns: it has an id, a project, and two timestamps."""

    id: Mapped[Uuid] = mapped_column(primary_key=True, default=new_id)
    project_id: Mapped[str] = mapped_column(String(64), index=True)


class Database:
    """Sessions on one schema. `reading` never opens a transaction; `writing` is exactly one.
    Nobody asks another process anything while one is open (held.py)."""

    def __init__(self, url: str, pool_size: int = 8) -> None:
        self.engine = _engine(url, pool_size)
        reads = self.engine
        if self.engine.dialect.name != "sqlite":
            # Connections of their own: to switch one between the two ways of using it takes more
            # round trips than most reads.
            reads = _server(url, pool_size, isolation_level="AUTOCOMMIT",
                            pool_reset_on_return=None, skip_autocommit_rollback=True)
        self._reading = sessionmaker(reads, expire_on_commit=False, autoflush=False)
        self._writing = sessionmaker(self.engine, expire_on_commit=False)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        with held.session(), self._reading() as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        with held.session(), self._writing.begin() as session:
            yield session

    def write(self, func: Callable[[Session], T], attempts: int = 8) -> T:
        """`func(session)` in one transaction, again from the start when the database chose it to
        lose a deadlock. `func` must have no effect outside of the session."""
        end = time.monotonic() + PATIENCE
        for attempt in range(attempts):
            try:
                with self.writing() as session:
                    return func(session)
            except DBAPIError as error:
                late = time.monotonic() > end
                if not transient(error) or attempt == attempts - 1 or late:
                    raise
                time.sleep(random.uniform(0, 0.01 * 2**attempt))
        raise AssertionError("unreachable")


def changed(result: Any) -> bool:
    """Whether a compare-and-set took: its UPDATE or DELETE met the one row that it was for."""
    assert isinstance(result, CursorResult)
    return result.rowcount == 1


def transient(error: DBAPIError) -> bool:
    """Whether the same transaction may succeed when it is tried again."""
    return _number(error) in TRANSIENT or "database is locked" in str(error.orig)


def busy(error: SQLAlchemyError) -> bool:
    """Whether it is only now that the database cannot: a caller may ask again in a moment."""
    if isinstance(error, DBAPIError):
        return transient(error) or _number(error) in AWAY
    return isinstance(error, NoConnection)


def _number(error: DBAPIError) -> Any:
    args: tuple[Any, ...] = getattr(error.orig, "args", ())
    return args[0] if args else None


def _to_json(value: Any) -> str:
    return orjson.dumps(value).decode()


JSON_CODEC: dict[str, Any] = {"json_serializer": _to_json, "json_deserializer": orjson.loads}


def _server(url: str, pool_size: int, **options: Any) -> Engine:
    limits = {"init_command": f"SET SESSION innodb_lock_wait_timeout={LOCK_WAIT}"}
    return create_engine(url, pool_size=pool_size, max_overflow=16, pool_recycle=1800,
                         pool_pre_ping=True, connect_args=limits, **JSON_CODEC, **options)


def _engine(url: str, pool_size: int) -> Engine:
    if url == "sqlite://":
        engine = create_engine(
            url, poolclass=StaticPool, connect_args={"check_same_thread": False}, **JSON_CODEC
        )
    elif url.startswith("sqlite"):
        engine = create_engine(url, connect_args={"timeout": 30}, **JSON_CODEC)
    else:
        return _server(url, pool_size, isolation_level="READ COMMITTED")

    @event.listens_for(engine, "connect")
    def _foreign_keys(connection: Any, record: object) -> None:
        connection.execute("PRAGMA foreign_keys=ON")

    return engine
