import threading

import pytest

from cairn.common.context import Context
from cairn.common.errors import Conflict, Remote, Unavailable
from cairn.common.rpc import Bus, Server, Stub
from cairn.common.settings import MessagingSettings

CTX = Context("alice", project_id="red", roles=frozenset({"member"}), request_id="req-1")


class Greeter(Stub):
    topic = "greeter"

    def greet(self, ctx, *, host=None, name):
        return self.call(ctx, "greet", host=host, name=name)

    def note(self, ctx, *, host=None, name):
        self.cast(ctx, "note", host=host, name=name)

    def note_all(self, ctx, *, name):
        self.cast_all(ctx, "note", name=name)


class Manager:
    def __init__(self):
        self.noted, self.came = [], threading.Event()

    def greet(self, ctx, name):
        if name == "nobody":
            raise Conflict(reason="who is that?")
        return f"{ctx.user_id} greets {name}"

    def note(self, ctx, name):
        self.noted.append(name)
        self.came.set()


@pytest.fixture
def bus():
    bus = Bus(MessagingSettings("memory://"), timeout=3)
    yield bus
    bus.close()


@pytest.fixture
def manager():
    return Manager()


@pytest.fixture
def server(bus, manager):
    server = Server(bus, "greeter", "node1", manager)
    server.start()
    assert server.ready(3)
    yield server
    server.stop()


def test_a_call_comes_back_with_what_was_said(bus, server):
    assert Greeter(bus).greet(CTX, name="bob") == "alice greets bob"
    assert Greeter(bus).greet(CTX, host="node1", name="bob") == "alice greets bob"


def test_a_failure_there_is_named_here(bus, server):
    with pytest.raises(Remote, match="who is that") as failed:
        Greeter(bus).greet(CTX, name="nobody")
    assert (failed.value.kind, failed.value.code) == ("Conflict", 409)


def test_a_cast_reaches_one_and_a_cast_to_all_reaches_everybody(bus, server, manager):
    Greeter(bus).note(CTX, host="node1", name="one")
    assert manager.came.wait(3)
    manager.came.clear()
    Greeter(bus).note_all(CTX, name="all")
    assert manager.came.wait(3)
    assert manager.noted == ["one", "all"]


def test_silence_is_an_error_and_says_whose(bus):
    bus.timeout = 0.1
    with pytest.raises(Unavailable, match="greeter.node9"):
        Greeter(bus).greet(CTX, host="node9", name="bob")


def test_health_is_a_message_that_comes_back(server):
    assert server.round_trip(timeout=3)


def test_a_broker_that_is_away_loses_a_doorbell_quietly():
    bus = Bus(MessagingSettings("amqp://guest:guest@127.0.0.1:1/none"), timeout=0.2)
    Greeter(bus).note(CTX, name="lost")
    with pytest.raises(Unavailable):
        Greeter(bus).greet(CTX, name="lost")
    bus.close()
