"""Of all processes that could do a thing, one does it, when it is time by the database's clock."""

import threading

import pytest
from sqlalchemy import update
from sqlalchemy.orm import DeclarativeBase

from cairn.common import periodic
from cairn.common.db import new_metadata, server_now
from cairn.common.periodic import Elected, PeriodicRow
from cairn.common.process import Host


class Base(DeclarativeBase):
    metadata = new_metadata()


class Periodic(PeriodicRow, Base):
    pass


@pytest.fixture(params=["sqlite", "mariadb"])
def db(request):
    return request.getfixturevalue(request.param)(Base)


def elected(db, func, holder="a", interval=3600.0):
    return Elected(db, Periodic, "purge", interval, func, holder)


def until(db, seconds):
    with db.writing() as session:
        session.execute(update(Periodic).values(until=server_now(seconds)))


def test_one_does_it_and_again_when_it_is_time(db):
    done = []
    first, second = (elected(db, lambda n=n: done.append(n), n) for n in "ab")
    assert (first.turn(), second.turn(), first.turn()) == (True, False, False)
    until(db, -1)
    assert (second.turn(), first.turn()) == (True, False)
    assert done == ["a", "b"]


def test_who_died_at_it_is_followed_after_a_while(db):
    class Dead(BaseException):
        pass

    def die():
        raise Dead

    dying = elected(db, die)
    dying._release = lambda token: None
    with pytest.raises(Dead):
        dying.turn()
    other = elected(db, lambda: None, "b")
    assert not other.turn()
    until(db, -1)
    assert other.turn()


def test_what_fails_is_left_until_its_time(db):
    def fail():
        raise RuntimeError("no")

    failing = elected(db, fail)
    with pytest.raises(RuntimeError):
        failing.turn()
    assert not failing.turn()


def test_a_clock_that_was_set_back_keeps_nobody_from_it(db):
    assert elected(db, lambda: None).turn()
    until(db, 5 * 3600)
    assert elected(db, lambda: None).turn()


def test_who_comes_late_does_not_move_what_another_has(db):
    slow = elected(db, lambda: until(db, -1) or fast.turn())
    fast = elected(db, lambda: None, "b", interval=7200)
    assert slow.turn()
    with db.reading() as session:
        row = session.get(Periodic, "purge")
        assert row.holder == "b"
        assert (row.until - db.now()).total_seconds() > 3600


def test_many_at_once_elect_one(mariadb):
    db = mariadb(Base, pool_size=24)
    done, gate = [], threading.Barrier(16)

    def run(n):
        mine = elected(db, lambda: done.append(n), str(n))
        gate.wait()
        mine.turn()

    for _ in range(5):
        threads = [threading.Thread(target=run, args=(n,)) for n in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(done) == 1
        done.clear()
        until(db, -1)


def test_a_process_has_one_thread_for_all_it_may_be_elected_for(sqlite, monkeypatch):
    monkeypatch.setattr(periodic, "FIRST", (0.01, 0.02))
    monkeypatch.setattr(periodic, "SHORTEST", 0.05)
    db, rung = sqlite(Base), {name: threading.Event() for name in ("one", "two", "never")}
    host = Host("here")
    assert host.periodic() is host.periodic()

    def fail():
        rung["one"].set()
        raise RuntimeError("the thread goes on")

    host.periodic().every(0.05, db, Periodic, "one", fail)
    host.periodic().every(0.05, db, Periodic, "two", rung["two"].set)
    host.periodic().every(0, db, Periodic, "never", rung["never"].set)
    host.start()
    try:
        assert rung["one"].wait(5) and rung["two"].wait(5)
        rung["one"].clear()
        assert rung["one"].wait(5)
    finally:
        host.stop()
    assert not rung["never"].is_set()
