"""The database's clock, and what a request is told of a database that is busy or away."""

import contextlib
import datetime as dt
import threading
import time
from dataclasses import dataclass

import pytest
from sqlalchemy import String, select, text, update
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from cairn.common import connections
from cairn.common import db as databases
from cairn.common.api import PUBLIC, Api
from cairn.common.db import Moment, busy, new_metadata, server_now, utcnow
from cairn.common.policy import Policy
from cairn.common.wsgi import Mount, serve


class Base(DeclarativeBase):
    metadata = new_metadata()


class Thing(Base):
    __tablename__ = "things"

    name: Mapped[str] = mapped_column(String(16), primary_key=True)
    at: Mapped[dt.datetime | None] = mapped_column(Moment)


@pytest.fixture(params=["sqlite", "mariadb"])
def db(request):
    db = request.getfixturevalue(request.param)(Base)
    with db.writing() as session:
        session.add(Thing(name="one", at=None))
    return db


@pytest.mark.parametrize("seconds", [0, 20, -0.5, -86400 * 90])
def test_its_clock_is_utc_and_can_be_counted_from(db, seconds):
    assert abs(db.now(seconds) - utcnow() - dt.timedelta(seconds=seconds)) < dt.timedelta(seconds=2)


def test_what_it_wrote_it_compares(db):
    with db.writing() as session:
        session.execute(update(Thing).values(at=server_now(20)))
    with db.reading() as session:
        def when(condition):
            return session.scalar(select(Thing.name).where(condition))

        assert when(Thing.at > server_now()) and not when(Thing.at < server_now())
        assert when(Thing.at < server_now(30)) and when(Thing.at > server_now(10))
        at = session.scalar(select(Thing.at))
        assert when(Thing.at == at)


def test_a_row_that_another_holds_is_waited_for_but_not_for_ever(mariadb, monkeypatch):
    db = mariadb(Base)
    monkeypatch.setattr(databases, "WRITE_PATIENCE", 3.0)
    with db.writing() as session:
        session.add(Thing(name="one"))
    with db.writing() as holder:
        holder.execute(update(Thing).values(at=utcnow()))
        begun = time.monotonic()
        with pytest.raises(OperationalError) as waited:
            db.write(lambda session: session.execute(update(Thing).values(at=None)))
        assert busy(waited.value)
        assert time.monotonic() - begun < 9


def test_a_lost_deadlock_is_fought_again(mariadb):
    db = mariadb(Base)
    with db.writing() as session:
        session.add_all([Thing(name="a"), Thing(name="b")])
    gate = threading.Barrier(2)

    def cross(first, second):
        tried = []

        def run(session):
            session.execute(update(Thing).where(Thing.name == first).values(at=utcnow()))
            if not tried:
                gate.wait(10)
            tried.append(1)
            session.execute(update(Thing).where(Thing.name == second).values(at=utcnow()))

        db.write(run)
        many.append(len(tried))

    many = []
    threads = [threading.Thread(target=cross, args=pair) for pair in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(many) == [1, 2]


def test_a_pool_without_a_connection_left_says_so_soon(mariadb, monkeypatch):
    db = mariadb(Base)
    pool = db.engine.pool
    assert pool._timeout == connections.POOL_PATIENCE <= 5
    pool._timeout = 0.2
    held = [db.engine.connect() for _ in range(pool.size() + pool._max_overflow)]
    try:
        with pytest.raises(PoolTimeout) as full, db.writing() as session:
            session.execute(text("SELECT 1"))
        assert busy(full.value)
    finally:
        for connection in held:
            connection.close()


def test_readers_find_no_connection_for_ever(mariadb, monkeypatch):
    db = mariadb(Base, pool_size=1)
    monkeypatch.setattr(connections, "POOL_PATIENCE", 0.2)
    with contextlib.ExitStack() as held:
        for _ in range(1 + connections.OVERFLOW):
            held.enter_context(db.reading())
        with pytest.raises(PoolTimeout) as full, db.reading():
            pass
        assert busy(full.value)
    with db.reading() as session:
        assert session.scalar(text("SELECT 1")) == 1


def _number(session):
    return session.scalar(text("SELECT CONNECTION_ID()"))


@pytest.mark.parametrize(("way", "other"), [("reading", "writing"), ("writing", "reading")])
def test_a_connection_is_kept_until_the_server_ends_it(mariadb, monkeypatch, way, other):
    monkeypatch.setattr(connections, "FRESH", 0.0)
    db = mariadb(Base)
    with getattr(db, way)() as session:
        first = _number(session)
    with getattr(db, way)() as session:
        assert _number(session) == first
    with getattr(db, other)() as session:
        session.execute(text(f"KILL {first}"))
    with getattr(db, way)() as session:
        assert _number(session) != first


def test_a_writer_that_fails_leaves_no_transaction_open(mariadb):
    db = mariadb(Base, pool_size=1)
    with db.writing() as session:
        session.add(Thing(name="one"))
    with pytest.raises(KeyError), db.writing() as session:
        session.execute(update(Thing).values(at=utcnow()))
        raise KeyError
    with db.writing() as session:  # On the same connection: what it sees is not what was undone.
        assert session.scalars(select(Thing.at)).all() == [None]
        session.execute(text("SET SESSION innodb_lock_wait_timeout = 1"))
    with contextlib.suppress(KeyError), db.writing() as session:
        session.execute(update(Thing).values(at=utcnow()))
        raise KeyError
    with db.engine.connect() as other:  # Of the pool's overflow, or it waited for a lock in vain.
        other.execute(text("SET SESSION innodb_lock_wait_timeout = 1"))
        assert other.execute(update(Thing).values(at=utcnow())).rowcount == 1


@pytest.mark.parametrize("moment", [
    dt.datetime(2026, 2, 28, 23, 59, 59, 999999), dt.datetime(1970, 1, 1), None,
    dt.datetime(2026, 1, 1, 0, 0, 0, 5)])
def test_times_are_read_as_they_were_written(db, moment):
    with db.writing() as session:
        session.execute(update(Thing).values(at=moment))
    with db.reading() as session:
        assert session.scalars(select(Thing.at)).all() == [moment]


def test_a_connection_that_dies_in_use_is_not_kept(mariadb):
    db = mariadb(Base)
    with db.reading() as session:
        first = _number(session)
        with db.writing() as other:
            other.execute(text(f"KILL {first}"))
        with pytest.raises(OperationalError) as dead:
            _number(session)
        assert busy(dead.value)
    with db.reading() as session:
        assert _number(session) != first


@pytest.mark.parametrize("there", [False, True], ids=["new", "there"])
def test_a_row_is_claimed_by_one_after_the_other(mariadb, there):
    db, done = mariadb(Base, pool_size=8), []
    if there:
        with db.writing() as session:
            session.add(Thing(name="row"))

    def claim():
        with db.writing() as session:  # Nobody tries again: who lost a deadlock would raise.
            databases.claim_row(session, Thing, {"name": "row"}, {"at": utcnow()}, {"at": None})
            done.append(session.scalars(select(Thing.at)).one())

    with db.writing() as session:
        databases.claim_row(session, Thing, {"name": "row"}, {"at": None}, {"at": None})
        others = [threading.Thread(target=claim) for _ in range(6)]
        for other in others:
            other.start()
        time.sleep(0.5)  # All of them wait by now, or they come later.
        assert done == []
    for other in others:
        other.join()
    assert len(done) == 6
    assert None not in done


def test_a_claimed_row_is_made_once_and_then_touched(db):
    for touched in (None, dt.datetime(2026, 1, 1)):
        with db.writing() as session:
            databases.claim_row(
                session, Thing, {"name": "row"}, {"at": touched}, {"at": dt.datetime(2025, 1, 1)})
            assert session.scalars(select(Thing.at).where(Thing.name == "row")).one() == (
                dt.datetime(2025, 1, 1) if touched is None else touched)


def test_statements_of_tables_and_of_classes_see_the_same(db):
    with db.writing() as session:
        session.add(Thing(name="two"))
        session.flush()
        assert session.scalars(select(Thing.__table__.c.name)).all() == ["one", "two"]
        session.execute(update(Thing.__table__).values(at=utcnow()))
        assert session.scalars(select(Thing)).all()[1].at is not None
    with db.reading() as session:
        assert len(session.scalars(select(Thing)).all()) == 2
        assert session.scalar(select(Thing.__table__.c.name).limit(1)) == "one"
        assert session.get(Thing, "two").name == "two"


class Said(Exception):
    """What the driver says: a number and a sentence."""


@dataclass
class Component:
    policy: Policy


@pytest.mark.parametrize(("error", "code"), [
    (PoolTimeout("QueuePool limit"), 503),
    (OperationalError("UPDATE", {}, Said(1205, "Lock wait timeout exceeded")), 503),
    (OperationalError("UPDATE", {}, Said(1213, "Deadlock found")), 503),
    (OperationalError(None, None, Said(2002, "Can't connect")), 503),
    (DBAPIError("SELECT", {}, Said(2013, "Lost connection"), connection_invalidated=True), 503),
    (ProgrammingError("SELEKT", {}, Said(1064, "You have an error in your SQL")), 500),
])
def test_a_request_is_told_to_come_again(error, code):
    api = Api({})

    @api.get("/things", policy=PUBLIC)
    def things(component, ctx):
        raise error

    app = serve("thing", Component(Policy({})), [Mount("/v2", [api], None)],
                authenticate=lambda headers: None,
                envelope=lambda p, r: {"error": {"code": p.code, "message": str(p)}})
    answer = app.test_client().get("/v2/things")
    assert answer.status_code == code
    assert ("try again" in answer.text) is (code == 503)
