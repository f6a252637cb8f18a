"""Events: recorded with the change, read by everybody once, forgotten when nobody needs them."""

import datetime as dt
import logging
import threading

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import DeclarativeBase

from cairn.common import events
from cairn.common.api import ANYONE, Api, Reply
from cairn.common.bus import Bus
from cairn.common.context import Context
from cairn.common.db import new_metadata, utcnow
from cairn.common.events import Bell, EventBells, EventReaderRow, EventRow, Reader, read_after
from cairn.common.policy import Policy
from cairn.common.purge import Purge
from cairn.common.rpc import Server
from cairn.common.settings import MessagingSettings, PurgeSettings
from cairn.common.wsgi import Mount, serve

CTX = Context(user_id="alice", project_id="red", request_id="req-1")
WAIT = 20


class Base(DeclarativeBase):
    metadata = new_metadata()


class Event(EventRow, Base):
    pass


class EventReader(EventReaderRow, Base):
    pass


@pytest.fixture(params=["sqlite", "mariadb"])
def db(request):
    return request.getfixturevalue(request.param)(Base)


def record(db, *ids):
    with db.writing() as session:
        for id_ in ids:
            Event.record(session, CTX, "port.create.end", "port", str(id_), {"port": {"id": id_}})


def read(db, after=0, limit=100):
    return read_after(db, Event, EventReader, after, limit)


def ids(rows):
    return [row.resource_id for row in rows]


def test_an_event_says_what_changed_whose_it_is_and_who_did_it(db):
    before = utcnow() - dt.timedelta(minutes=1)
    with db.writing() as session:
        Event.record(session, CTX, "port.delete.end", "port", "p", project_id="blue")
    (row,) = read(db)
    assert (row.sequence, row.type, row.resource_type, row.resource_id) == (
        1, "port.delete.end", "port", "p")
    assert (row.project_id, row.user_id, row.request_id) == ("blue", "alice", "req-1")
    assert row.payload == {} and before < row.at < before + dt.timedelta(minutes=2)


def test_it_comes_with_the_change_or_not_at_all(db):
    with pytest.raises(ZeroDivisionError), db.writing() as session:
        Event.record(session, CTX, "port.create.end", "port", "p")
        1 / 0  # noqa: B018
    assert read(db) == []


def test_a_page_goes_on_where_the_last_ended(db):
    record(db, *range(7))
    first = read(db, 0, 3)
    assert ids(first) == ["0", "1", "2"]
    assert ids(read(db, first[-1].sequence, 3)) == ["3", "4", "5"]
    assert ids(read(db, 6)) == ["6"] and read(db, 7) == []


def test_more_than_one_transaction_gives_numbers_to(db, monkeypatch):
    monkeypatch.setattr(events, "BATCH", 2)
    record(db, *range(5))
    assert [row.sequence for row in read(db)] == [1, 2, 3, 4, 5]


def test_who_began_first_and_ends_last_is_not_passed(mariadb):
    """The lower key becomes visible after the higher one was read."""
    db = mariadb(Base)
    with db.writing() as slow:
        Event.record(slow, CTX, "port.create.end", "port", "slow")
        record(db, "quick")
        first = read(db)
        assert ids(first) == ["quick"]
    with db.reading() as session:
        keys = dict(session.execute(select(Event.resource_id, Event.id)).all())
    assert keys["slow"] < keys["quick"]
    assert ids(read(db, first[-1].sequence)) == ["slow"]


def test_many_writers_and_readers_lose_nothing_and_double_nothing(mariadb):
    db = mariadb(Base, pool_size=16)
    writers, each = 6, 30
    done = threading.Event()
    failures = []

    def write(number):
        try:
            for turn in range(each):
                def work(session, turn=turn):
                    # Two events of one transaction, and one that comes to nothing.
                    Event.record(session, CTX, "port.update.end", "port", f"{number}.{turn}.a")
                    Event.record(session, CTX, "port.update.end", "port", f"{number}.{turn}.b")
                db.write(work)
                try:
                    with db.writing() as session:
                        Event.record(session, CTX, "port.update.end", "port", "never")
                        raise KeyError
                except KeyError:
                    pass
        except Exception as error:
            failures.append(error)

    seen = {name: [] for name in ("metering", "audit", "dashboard")}

    def follow(name):
        try:
            reader = Reader(db, Event, EventReader, name)
            while True:
                last = done.is_set()
                rows = reader.read(limit=7)
                seen[name] += rows
                if rows:
                    reader.passed(rows[-1].sequence)
                elif last:
                    return
        except Exception as error:
            failures.append(error)

    writing = [threading.Thread(target=write, args=(n,)) for n in range(writers)]
    reading = [threading.Thread(target=follow, args=(name,)) for name in seen]
    for thread in (*writing, *reading):
        thread.start()
    for thread in writing:
        thread.join(WAIT)
    done.set()
    for thread in reading:
        thread.join(WAIT)
    assert failures == []
    expected = sorted(f"{n}.{t}.{x}" for n in range(writers) for t in range(each) for x in "ab")
    for rows in seen.values():
        assert [row.sequence for row in rows] == list(range(1, len(expected) + 1))
        assert sorted(ids(rows)) == expected
        # And what one writer did one after another is read one after another.
        for number in range(writers):
            mine = [id_ for id_ in ids(rows) if id_.startswith(f"{number}.")]
            assert mine == [f"{number}.{t}.{x}" for t in range(each) for x in "ab"]


def test_a_reader_gets_the_same_again_until_it_is_done_with_it(db):
    record(db, 1, 2)
    reader = Reader(db, Event, EventReader, "metering")
    assert ids(reader.read()) == ids(reader.read()) == ["1", "2"]
    reader.passed(1)
    again = Reader(db, Event, EventReader, "metering")
    assert ids(again.read()) == ["2"]
    again.passed(2)
    reader.passed(1)  # An older word does not take it back.
    assert again.read() == []


class Ages:
    def __init__(self, db, **settings):
        self.db = db
        own = PurgeSettings(**settings)
        self.purge = Purge(db, own, (events.age(Event, EventReader, own),))

    def forget(self):
        return self.purge.run()["events"]

    def later(self, days):
        """That many days go by."""
        past = utcnow() - dt.timedelta(days=days)
        with self.db.writing() as session:
            session.execute(update(Event).values(at=past))


@pytest.fixture
def ages(db):
    return Ages(db)


def test_events_go_when_they_are_old_and_nobody_waits_for_them(db, ages):
    record(db, 1, 2)
    assert ages.forget() == 0
    ages.later(days=8)
    record(db, 3)
    assert ages.forget() == 2
    assert ids(read(db)) == ["3"]


def test_what_a_reader_has_not_passed_stays(db, ages):
    quick, slow = (Reader(db, Event, EventReader, name) for name in ("quick", "slow"))
    record(db, 1, 2, 3)
    quick.read(), slow.read()
    quick.passed(3), slow.passed(1)
    ages.later(days=8)
    assert ages.forget() == 1
    assert ids(slow.read()) == ["2", "3"]
    slow.passed(3)
    assert ages.forget() == 2


def test_numbers_go_on_when_all_is_forgotten(db, ages):
    record(db, 1, 2)
    read(db)
    ages.later(days=8)
    assert ages.forget() == 2
    record(db, 3)
    assert [row.sequence for row in read(db, 2)] == [3]


def test_a_reader_that_does_not_come_back_holds_nothing_for_ever(db, ages):
    record(db, 1)
    Reader(db, Event, EventReader, "gone").read()
    ages.later(days=8)
    assert ages.forget() == 0
    with db.writing() as session:
        session.execute(update(EventReader).values(seen_at=utcnow() - dt.timedelta(days=31)))
    assert ages.forget() == 1
    with db.reading() as session:
        assert session.scalars(select(EventReader.name)).all() == [events.PUBLISHED]


def test_a_reader_of_a_quiet_component_is_seen(db, ages):
    reader = Reader(db, Event, EventReader, "metering")
    reader.read()
    with db.writing() as session:
        session.execute(update(EventReader).values(seen_at=utcnow() - dt.timedelta(days=2)))
    reader.read()
    with db.reading() as session:
        seen = session.scalar(select(EventReader.seen_at).where(EventReader.name == "metering"))
    assert seen > utcnow() - dt.timedelta(days=1)


def test_the_bell_rings_after_a_commit_with_events_and_for_nothing_else(sqlite):
    db, rung = sqlite(Base), []

    def bell():
        # Whoever hears it finds the event.
        with db.reading() as session:
            rung.append(session.scalar(select(func.count()).select_from(Event)))

    db.bell = bell
    record(db, 1, 2)
    with db.writing() as session:
        session.execute(update(Event).values(type="x"))
    with pytest.raises(KeyError), db.writing() as session:
        Event.record(session, CTX, "port.create.end", "port", "p")
        raise KeyError
    assert rung == [2]


def test_the_bell_is_heard_by_all_who_wait(sqlite):
    heard, came = [], threading.Barrier(3)

    class Waiting:
        def recorded(self, ctx, component):
            heard.append(component)
            came.wait(WAIT)

    bus = Bus(MessagingSettings("memory://events"))
    servers = [Server(bus, EventBells, name, Waiting(), shared=False) for name in ("a", "b")]
    try:
        for server in servers:
            server.start()
            assert server.ready(WAIT)
        db = sqlite(Base)
        db.bell = Bell(bus, "placement")
        record(db, 1)
        came.wait(WAIT)
        assert heard == ["placement", "placement"]
    finally:
        for server in servers:
            server.stop()
        bus.close()


# --- What an endpoint declares ---

def client_of(db, func, **declared):
    api = Api({})
    api.post("/ports", policy=ANYONE, **declared)(func)

    class Component:
        policy = Policy({})

    app = serve("test", Component(), [Mount("", (api,))], authenticate=lambda headers: CTX,
                envelope=lambda problem, id_: {"message": str(problem)})
    return app.test_client()


def recorder(db, type_):
    def func(component, ctx):
        with db.writing() as session:
            Event.record(session, ctx, type_, "port", "p")
        return {}
    return func


@pytest.mark.parametrize("type_", ["port.create", "port.create.end", "port.create.start"])
def test_a_request_that_records_its_event_is_well(sqlite, type_):
    db = sqlite(Base)
    assert client_of(db, recorder(db, type_), event="port.create").post("/ports").status_code == 200


@pytest.mark.parametrize("type_", ["port.delete.end", "port.created", "port"])
def test_another_event_is_not_the_declared_one(sqlite, type_):
    db = sqlite(Base)
    assert client_of(db, recorder(db, type_), event="port.create").post("/ports").status_code == 500


def test_a_request_that_forgets_its_event_fails_in_tests_and_is_logged_in_production(
        sqlite, monkeypatch, caplog):
    client = client_of(sqlite(Base), lambda component, ctx: {}, event="port.create")
    assert client.post("/ports").status_code == 500
    monkeypatch.setattr(events, "STRICT", False)
    caplog.set_level(logging.ERROR)
    caplog.clear()
    assert client.post("/ports").status_code == 200
    assert "POST /ports promised a port.create event" in caplog.text


def test_a_request_may_say_that_nothing_was_to_be_changed(sqlite):
    def func(component, ctx):
        events.unchanged()
        return {}

    assert client_of(sqlite(Base), func, event="port.create").post("/ports").status_code == 200


def test_a_refusal_records_nothing(sqlite):
    def func(component, ctx):
        return Reply({}, 409)

    assert client_of(sqlite(Base), func, event="port.create").post("/ports").status_code == 409


def test_an_endpoint_cannot_both_change_and_not(sqlite):
    with pytest.raises(ValueError, match="POST /ports"):
        client_of(None, None, event="port.create", changes_nothing="it reads")
