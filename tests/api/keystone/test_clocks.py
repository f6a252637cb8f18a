"""Controllers whose clocks are apart: what was revoked is refused, what came later is not."""

import datetime as dt
import time
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from cairn.keystone.providers import clock as module
from cairn.keystone.providers.clock import Clock

from .conftest import Caller, asking, client_of, process, project

REAL = time.time


class Shared(Clock):
    """As the database's: the same for both, whatever a host believes."""

    def _ask(self):
        return REAL()


@pytest.fixture
def hosts(db, keys):
    found = []
    for _ in range(2):
        keystone = process(db, keys)
        keystone.revoked.clock = Shared(db)
        found.append(client_of(keystone))
    return found


@pytest.fixture
def at(monkeypatch):
    """at(seconds): the block's host believes it is so much later."""
    @contextmanager
    def at(seconds):
        with monkeypatch.context() as patch:
            patch.setattr(time, "time", lambda: REAL() + seconds)
            yield
    return at


def login(client, name, password, scope):
    reply = client.post("/v3/auth/tokens", json=asking(name, password, scope))
    assert reply.status_code == 201, reply.text
    return Caller(client, reply.headers["X-Subject-Token"])


def alive(client, caller):
    return Caller(client, caller.token)("GET", "/auth/projects").status_code == 200


@pytest.mark.parametrize("skew", [-20, 20])
def test_a_right_is_taken_on_a_host_whose_clock_is_wrong(hosts, at, skew):
    here, there = hosts
    alice = login(here, "alice", "alice's", project("red"))
    with at(skew):
        admin = login(there, "admin", "root's", project("admin"))
        me, = admin.ok("GET", "/users?name=alice")["users"]
        body = {"user": {"password": "new"}}
        admin.ok("PATCH", f"/users/{me['id']}", body)
        assert not alive(there, alice)
    assert not alive(here, alice)
    # And what is given after that holds, here and there.
    new = login(here, "alice", "new", project("red"))
    with at(skew):
        other = login(there, "alice", "new", project("red"))
        assert alive(there, new)
        assert alive(there, other)
    assert alive(here, new)
    assert alive(here, other)


class Database:
    """Stands for one on a host whose clock is `ahead`."""

    engine = SimpleNamespace(dialect=SimpleNamespace(name="mysql"))

    def __init__(self):
        self.ahead, self.asked = 20, 0

    @contextmanager
    def reading(self):
        self.asked += 1
        moment = dt.datetime.fromtimestamp(REAL() + self.ahead, dt.UTC).replace(tzinfo=None)
        scalar = SimpleNamespace(scalar_one=lambda: moment)
        yield SimpleNamespace(execute=lambda _: scalar)


def test_it_is_the_databases(monkeypatch):
    db = Database()
    clock = Clock(db)
    assert abs(clock.now() - REAL() - 20) < 1
    monkeypatch.setattr(module.time, "time", lambda: 0)  # This host's may be anything.
    assert abs(clock.now() - REAL() - 20) < 1
    assert db.asked == 1


def test_it_follows_a_step(monkeypatch):
    db = Database()
    clock = Clock(db)
    clock.now()
    db.ahead = -40
    monkeypatch.setattr(clock, "patience", -1.0)
    assert abs(clock.now() - REAL() + 40) < 1
