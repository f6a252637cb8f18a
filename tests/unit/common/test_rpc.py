import logging
import socket
import threading
import time

import pytest

from cairn.common import outbox
from cairn.common.context import Context
from cairn.common.errors import Conflict, Remote, Unavailable
from cairn.common.process import Host
from cairn.common.rpc import Bus, Server, Stub
from cairn.common.settings import MessagingSettings

CTX = Context("alice", project_id="red", roles=frozenset({"member"}), request_id="req-1")


class Greeter(Stub):
    topic = "greeter"
    to_all = True
    from_hosts = {"greet": "name", "note": ""}

    def greet(self, ctx, *, host=None, name):
        return self.call(ctx, "greet", host=host, name=name)

    def note(self, ctx, *, host=None, name):
        self.cast(ctx, "note", host=host, name=name)

    def note_all(self, ctx, *, name):
        self.cast_all(ctx, "note", name=name)

    def secret(self, ctx, *, host=None):
        return self.call(ctx, "secret", host=host)


class Manager:
    def __init__(self):
        self.noted, self.came, self.ctx = [], threading.Event(), None

    def greet(self, ctx, name):
        self.ctx = ctx
        if name == "nobody":
            raise Conflict(reason="who is that?")
        return f"{ctx.user_id} greets {name}"

    def note(self, ctx, name):
        self.noted.append(name)
        self.came.set()

    def secret(self, ctx):
        return "the database's password"


@pytest.fixture
def enter():
    """enter(account) -> a bus of that account's. All share one broker."""
    made = []

    def enter(account="controller"):
        made.append(Bus(MessagingSettings(f"memory://{account}@localhost/"), timeout=3))
        return made[-1]

    yield enter
    for bus in made:
        bus.close()


@pytest.fixture
def bus(enter):
    return enter()


@pytest.fixture
def serve():
    made = []

    def serve(bus, name):
        manager = Manager()
        made.append(Server(bus, Greeter, name, manager))
        made[-1].start()
        assert made[-1].ready(3)
        return manager

    yield serve
    for server in made:
        server.stop()


@pytest.fixture
def manager(bus, serve):
    return serve(bus, "ctl1")


@pytest.fixture
def node1(enter, serve):
    return serve(enter("host.node1"), "node1")


def test_a_call_comes_back_with_what_was_said(bus, manager, node1):
    assert Greeter(bus).greet(CTX, name="bob") == "alice greets bob"
    assert Greeter(bus).greet(CTX, host="node1", name="bob") == "alice greets bob"


def test_a_failure_there_is_named_here(bus, manager):
    with pytest.raises(Remote, match="who is that") as failed:
        Greeter(bus).greet(CTX, name="nobody")
    assert (failed.value.kind, failed.value.code) == ("Conflict", 409)


def test_a_cast_reaches_one_and_a_cast_to_all_reaches_everybody(bus, manager, node1):
    Greeter(bus).note(CTX, host="node1", name="one")
    assert node1.came.wait(3)
    assert manager.noted == []
    node1.came.clear()
    Greeter(bus).note_all(CTX, name="all")
    assert node1.came.wait(3) and manager.came.wait(3)
    assert (manager.noted, node1.noted) == (["all"], ["one", "all"])


def test_silence_is_an_error_and_says_whose(bus):
    bus.timeout = 0.5
    with pytest.raises(Unavailable, match="greeter of host.node9"):
        Greeter(bus).greet(CTX, host="node9", name="bob")


def test_health_is_a_message_that_comes_back(bus, enter):
    for account, name in (("controller", "ctl1"), ("host.node1", "node1")):
        server = Server(enter(account), Greeter, name, Manager())
        server.start()
        assert server.ready(3) and server.round_trip(timeout=3)
        server.stop()


# --- Who may say what ---


def test_a_host_says_what_the_contract_has_for_hosts_under_its_own_name(enter, manager, caplog):
    own = Greeter(enter("host.node1"))
    assert own.greet(CTX, name="node1") == " greets node1"
    assert manager.ctx == Context(host="node1", request_id="req-1")
    for refused in (lambda: own.greet(CTX, name="node2"), lambda: own.secret(CTX)):
        with pytest.raises(Remote) as error:
            refused()
        assert error.value.code == 403
    assert "host.node1 sent greeter.'secret'" in caplog.text
    with pytest.raises(Remote):
        own.call(CTX, "x\nnode1 is well" + "x" * 1000)
    assert all(len(line) < 400 and not line.startswith("node1") for line in
               caplog.text.splitlines())


@pytest.mark.parametrize("account", ["host.node2", "nova", "host.", "controllers"])
def test_a_host_hears_nobody_but_controllers(enter, node1, account):
    with pytest.raises(Remote) as error:
        Greeter(enter(account)).secret(CTX, host="node1")
    assert error.value.code == 403


def test_a_message_of_nobodys_or_that_was_led_elsewhere_is_not_heard(bus, manager, caplog):
    send = bus._outbox.put
    letter = bus._letter(CTX, bus.exchange("controller"), "greeter", "note", {"name": "x"})
    letter.properties = {}
    send(letter)
    letter = bus._letter(CTX, bus.exchange("host.node1"), "greeter", "note", {"name": "x"})
    letter.exchange = bus.exchange("controller")
    send(letter)
    Greeter(bus).note(CTX, name="last")
    assert manager.came.wait(3)
    deadline = time.monotonic() + 10  # Other threads refused them, and may still be saying so.
    while caplog.text.count("refused") < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert caplog.text.count("refused") == 2
    assert manager.noted == ["last"]


def test_an_answer_of_somebody_else_is_none(enter, bus, manager, node1):
    bus.timeout = 0.5
    other = enter("host.node2")

    def forge():
        while not bus._asked:
            time.sleep(0.001)
        other.respond("controller", bus._reply_key, next(iter(bus._asked)), {"result": "forged"})

    threading.Thread(target=forge).start()
    with pytest.raises(Unavailable):
        Greeter(bus).greet(CTX, host="node9", name="bob")


def test_the_host_of_a_context_does_not_travel():
    assert "host" not in Context(host="node1").to_wire()
    assert Context.from_wire({"host": "node1"}).host is None


# --- A broker that is away, or hangs ---


def test_a_broker_that_is_away_loses_a_doorbell_quietly():
    bus = Bus(MessagingSettings("amqp://guest:guest@127.0.0.1:1/none"), timeout=0.2)
    Greeter(bus).note(CTX, name="lost")
    with pytest.raises(Unavailable):
        Greeter(bus).greet(CTX, name="lost")
    bus.close()


@pytest.fixture
def hung():
    """A broker that lets everybody in and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as door:
        yield f"127.0.0.1:{door.getsockname()[1]}"


@pytest.mark.parametrize("scheme", ["amqp", "amqps"])
def test_nobody_waits_for_a_broker_that_hangs(hung, scheme):
    bus = Bus(MessagingSettings(f"{scheme}://controller:x@{hung}/cairn"), timeout=0.5)
    # Each would wait half a second for an answer if any did: 200 in all.
    started = time.monotonic()
    for number in range(200):
        Greeter(bus).note(CTX, name=str(number))
        Greeter(bus).note_all(CTX, name=str(number))
    assert time.monotonic() - started < 20
    started = time.monotonic()
    with pytest.raises(Unavailable):
        Greeter(bus).greet(CTX, name="bob")
    assert 0.4 < time.monotonic() - started < 20
    started = time.monotonic()
    bus.close()
    assert time.monotonic() - started < 30


def test_bells_that_wait_are_rung_once_each_and_only_so_many(hung, monkeypatch, caplog):
    monkeypatch.setattr(outbox, "SIZE", 5)
    bus = Bus(MessagingSettings(f"amqp://controller:x@{hung}/cairn"), timeout=0.2)
    caplog.set_level(logging.WARNING)
    for _ in range(100):
        Greeter(bus).note(CTX, name="same")
    assert len(bus._outbox._letters) <= 2  # One may be on its way.
    for number in range(10):
        Greeter(bus).note(CTX, name=str(number))
    assert len(bus._outbox._letters) == 5
    assert "too much waits" in caplog.text
    bus.close()


class Flaky:
    """Connects when `up`; what a broker's outage looks like to an outbox."""

    def __init__(self, bus):
        self.bus, self.up, self.tried = bus, False, threading.Event()

    def __call__(self, *callbacks):
        self.tried.set()
        if not self.up:
            raise ConnectionRefusedError("no broker")
        return self.bus.connect(*callbacks)


def test_a_bell_is_late_when_the_broker_was_away_and_in_order(bus, manager, monkeypatch):
    monkeypatch.setattr(outbox, "PAUSE", 0.05)
    away = bus._outbox.connect = Flaky(bus)
    for name in ("one", "two", "three"):
        Greeter(bus).note(CTX, name=name)
    assert away.tried.wait(3)
    with pytest.raises(Unavailable, match="no broker"):
        Greeter(bus).greet(CTX, name="bob")
    away.up = True
    deadline = time.monotonic() + 3
    while len(manager.noted) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert sorted(manager.noted) == ["one", "three", "two"]


def test_what_was_said_last_is_said_before_the_end(enter, manager):
    bus = enter()
    for number in range(20):
        Greeter(bus).note(CTX, name=number)
    bus.close()
    deadline = time.monotonic() + 3
    while len(manager.noted) < 20 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert sorted(manager.noted) == list(range(20))


def test_a_host_is_called_what_the_broker_knows_it_by():
    for account, name in (("host.node1.example", "node1.example"), ("controller", "ctl1")):
        host = Host("ctl1")
        host.bus(MessagingSettings(f"memory://{account}@localhost/"))
        assert host.name == name
        host.stop()
