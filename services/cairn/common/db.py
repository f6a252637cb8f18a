"""One engine, explicit transactions, and the columns every table shares."""

import datetime as dt
import importlib
import random
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, TypeVar

import orjson
from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    CursorResult,
    DateTime,
    Engine,
    MetaData,
    String,
    create_engine,
    event,
    literal,
    select,
)
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker
from sqlalchemy.pool import NullPool, StaticPool
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from cairn.common import held
from cairn.common.connections import OVERFLOW, POOL_PATIENCE, RECYCLE, Connections, ask_idle

Uuid = Annotated[str, mapped_column(String(36))]
Id = Annotated[str, mapped_column(String(64))]
Name = Annotated[str, mapped_column(String(255))]
Json = Annotated[dict[str, Any], mapped_column(JSON)]
JsonList = Annotated[list[Any], mapped_column(JSON)]
# Microseconds, so that rows made in one second keep their order.
Moment = DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")

T = TypeVar("T")

# MariaDB's "deadlock found" and "lock wait timeout": the transaction was rolled back, try again.
TRANSIENT = {1213, 1205, 1020}
# Its "too many connections", "shutdown in progress", and the client's "cannot connect", "gone",
# "lost during query": the database is away.
AWAY = {1040, 1053, 1203, 1927, 2002, 2003, 2006, 2013}
# Seconds that `write` goes on trying.
WRITE_PATIENCE = 10.0


def utcnow() -> dt.datetime:
    """Now in UTC, without a zone: what is written to a DATETIME column."""
    return dt.datetime.now(dt.UTC).replace(tzinfo=None)


class _ServerNow(FunctionElement[dt.datetime]):
    type = DateTime()
    inherit_cache = True


@compiles(_ServerNow)
def _server_now(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    seconds = compiler.process(element.clauses, **options)
    # As SQLAlchemy writes a DateTime into SQLite, which compares them as texts.
    return f"strftime('%Y-%m-%d %H:%M:%f000', 'now', ({seconds}) || ' seconds')"


@compiles(_ServerNow, "mysql", "mariadb")
def _mariadb_now(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    seconds = compiler.process(element.clauses, **options)
    return f"TIMESTAMPADD(MICROSECOND, ({seconds}) * 1000000, UTC_TIMESTAMP(6))"


def server_now(seconds: float = 0.0) -> ColumnElement[dt.datetime]:
    """So many seconds from now by the clock of the database: the one clock that all hosts share.
    Of a lease, an election, an age; never of what a host's own clock says."""
    return _ServerNow(literal(seconds))


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
    """When a row was made, and last changed (NULL until it is), in UTC."""

    created_at: Mapped[dt.datetime] = mapped_column(Moment, default=utcnow)
    updated_at: Mapped[dt.datetime | None] = mapped_column(Moment, onupdate=utcnow)


class Resource(Timestamps):
    """A row a user owns: it has an id, a project, and two timestamps."""

    id: Mapped[Uuid] = mapped_column(primary_key=True, default=new_id)
    project_id: Mapped[str] = mapped_column(String(64), index=True)


class Statements(Session):
    """A session whose statements of tables go straight to its connection: what the ORM does around
    each takes longer than the statement. Those of mapped classes are the ORM's as ever."""

    _straight: Connection | None = None

    def execute(self, statement: Any, params: Any = None, **options: Any) -> Any:
        # As the ORM marks what is its own (and would flush for nothing else).
        if options or getattr(statement, "_propagate_attrs", True):
            return super().execute(statement, params, **options)
        if self._straight is None:
            self._straight = self.bind if isinstance(self.bind, Connection) else self.connection()
        return self._straight.execute(statement, params)

    def scalars(self, statement: Any, params: Any = None, **options: Any) -> Any:
        return self.execute(statement, params, **options).scalars()

    def scalar(self, statement: Any, params: Any = None, **options: Any) -> Any:
        return self.execute(statement, params, **options).scalar()

    def close(self) -> None:
        self._straight = None
        super().close()


class Database:
    """Sessions on one schema. `reading` never opens a transaction; `writing` is exactly one.
    Nobody asks another process anything while one is open (held.py)."""

    def __init__(self, url: str, pool_size: int = 8) -> None:
        self.engine = _engine(url, pool_size)
        # Rung after a transaction that recorded an event (events.py).
        self.bell: Callable[[], None] | None = None
        reads = self.engine
        self._connections: Connections | None = None
        if self.engine.dialect.name != "sqlite":
            # Connections of their own: to switch one between the two ways of using it takes more
            # round trips than most reads.
            reads = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool,
                                  skip_autocommit_rollback=True, **_server())
            self._connections = Connections(reads, pool_size)
        self._reading = sessionmaker(reads, class_=Statements, expire_on_commit=False,
                                     autoflush=False)
        self._writing = sessionmaker(self.engine, class_=Statements, expire_on_commit=False)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        with held.session():
            if self._connections is None:
                with self._reading() as session:
                    yield session
            else:
                with self._connections.one() as connection, \
                        self._reading(bind=connection) as session:
                    yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        with held.session(), self._writing.begin() as session:
            yield session
        if self.bell is not None and "events" in session.info:
            self.bell()

    def close(self) -> None:
        """Close every connection that is not in use."""
        if self._connections is not None:
            self._connections.close()
        self.engine.dispose()

    def now(self, seconds: float = 0.0) -> dt.datetime:
        """What `server_now` says."""
        with self.reading() as session:
            return session.scalars(select(server_now(seconds))).one()

    def write(self, func: Callable[[Session], T], attempts: int = 8) -> T:
        """`func(session)` in one transaction, again from the start when the database chose it to
        lose a deadlock or let it wait for a lock in vain, for a few seconds in all. `func` must
        have no effect outside of the session."""
        end = time.monotonic() + WRITE_PATIENCE
        for attempt in range(attempts):
            try:
                with self.writing() as session:
                    return func(session)
            except DBAPIError as error:
                late = attempt == attempts - 1 or time.monotonic() > end
                if late or not transient(error):
                    raise
                time.sleep(random.uniform(0, 0.01 * 2**attempt))
        raise AssertionError("unreachable")


def claim_row(session: Session, table: type[DeclarativeBase], key: dict[str, Any],
              touched: dict[str, Any], first: dict[str, Any]) -> None:
    """Hold the row of that key until the transaction ends: as it is but for what is `touched`, or
    made now, with what it has `first`. One statement, since two that insert and then update wait
    for each other."""
    if session.get_bind().dialect.name == "sqlite":
        session.execute(sqlite.insert(table).values(**key, **first).on_conflict_do_update(
            index_elements=list(key), set_=touched))
    else:
        session.execute(
            mysql.insert(table).values(**key, **first).on_duplicate_key_update(**touched))


def changed(result: Any) -> bool:
    """Whether a compare-and-set took: its UPDATE or DELETE met the one row that it was for."""
    assert isinstance(result, CursorResult)
    return result.rowcount == 1


def transient(error: DBAPIError) -> bool:
    """Whether the same transaction may succeed when it is tried again."""
    args: tuple[Any, ...] = getattr(error.orig, "args", ())
    return (len(args) > 0 and args[0] in TRANSIENT) or "database is locked" in str(error.orig)


def busy(error: SQLAlchemyError) -> bool:
    """Whether not the request is at fault but the database: it is away, it has no connection to
    spare, or others held the same rows for too long."""
    if isinstance(error, PoolTimeout):
        return True
    if not isinstance(error, DBAPIError):
        return False
    args: tuple[Any, ...] = getattr(error.orig, "args", ())
    away = len(args) > 0 and args[0] in AWAY
    return away or error.connection_invalidated or transient(error)


def _to_json(value: Any) -> str:
    return orjson.dumps(value).decode()


JSON_CODEC: dict[str, Any] = {"json_serializer": _to_json, "json_deserializer": orjson.loads}


def _server() -> dict[str, Any]:
    """How MariaDB is spoken to."""
    converters: Any = importlib.import_module("MySQLdb.converters")
    types: Any = importlib.import_module("MySQLdb.constants.FIELD_TYPE")
    # Its own way of reading a time takes four times as long.
    times = dict.fromkeys((types.TIMESTAMP, types.DATETIME), dt.datetime.fromisoformat)
    return {"connect_args": {"connect_timeout": 5, "conv": converters.conversions | times},
            **JSON_CODEC}


def _engine(url: str, pool_size: int) -> Engine:
    if url == "sqlite://":
        engine = create_engine(
            url, poolclass=StaticPool, connect_args={"check_same_thread": False}, **JSON_CODEC
        )
    elif url.startswith("sqlite"):
        engine = create_engine(url, connect_args={"timeout": 30}, **JSON_CODEC)
    else:
        # To be given back resets nothing: a session has ended its transaction by then.
        engine = create_engine(url, pool_size=pool_size, max_overflow=OVERFLOW,
                               pool_recycle=RECYCLE, pool_timeout=POOL_PATIENCE,
                               pool_reset_on_return=None, isolation_level="READ COMMITTED",
                               **_server())
        ask_idle(engine)
        return engine

    @event.listens_for(engine, "connect")
    def _foreign_keys(connection: Any, record: object) -> None:
        connection.execute("PRAGMA foreign_keys=ON")

    return engine
