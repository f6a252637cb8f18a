"""When the agent asks what its host shall be, and what it tells of it."""

import copy

import pytest

from cairn.neutron.agent.loop import PATIENCE, Loop
from cairn.neutron.settings import HostSettings

PORT, FLOATING = "port", "floating"


class Server:
    """Answers as neutron-rpc-server does; breaks when it is told to."""

    def __init__(self):
        self.asked, self.told, self.broken = 0, [], False
        self.state = {
            "networks": {}, "ports": {PORT: {"status": "DOWN"}}, "dhcp": {}, "routers": {
                "r": {"interfaces": [], "gateway": None,
                      "floating_ips": [{"id": FLOATING, "status": "DOWN"}]}}}

    def wanted(self, ctx, *, node, known):
        self.asked += 1
        if self.broken:
            raise OSError("gone")
        revision = repr(self.state)
        return {"revision": revision,
                "state": None if known == revision else copy.deepcopy(self.state)}

    def ports_up(self, ctx, *, node, ports):
        self.told.append(("up", *ports))
        for port in ports:
            self.state["ports"][port]["status"] = "ACTIVE"

    def ports_down(self, ctx, *, node, ports):
        self.told.append(("down", *ports))

    def floating_ips_set(self, ctx, *, node, statuses):
        self.told.append(statuses)
        for floating in self.state["routers"]["r"]["floating_ips"]:
            floating["status"] = statuses[floating["id"]]


@pytest.fixture
def server():
    return Server()


@pytest.fixture
def loop(server):
    """One on whose host everything is as it should be."""
    loop = Loop(server, HostSettings(interval=10), "here")
    loop.applied = []

    def apply(state):
        loop.applied.append(state)
        return [PORT], {FLOATING: "ACTIVE"}

    loop.apply = apply
    return loop


def asks(server, loop, moments):
    """At which of these moments, none of them with a bell, the server was asked."""
    found = []
    for now in moments:
        before = server.asked
        loop.turn(False, now)
        found += [now] if server.asked > before else []
    return found


def test_the_host_is_looked_at_each_time_and_the_server_asked_ever_more_seldom(server, loop):
    loop.turn(True, 0.0)
    moments = [10.0 * number for number in range(1, 31)]
    asked = asks(server, loop, moments)
    assert len(loop.applied) == 31
    gaps = [b - a for a, b in zip([0.0, *asked], asked, strict=False)]
    assert gaps[0] == 10 and gaps == sorted(gaps) and gaps[-1] == PATIENCE * 10


def test_a_bell_is_answered_at_once_and_news_keep_one_awake(server, loop):
    loop.turn(True, 0.0)
    asks(server, loop, [10.0 * number for number in range(1, 31)])
    before = server.asked
    loop.turn(True, 301.0)
    assert server.asked == before + 1
    server.state["networks"]["new"] = {}
    assert asks(server, loop, [305.0, 311.0]) == [311.0]
    assert asks(server, loop, [315.0, 321.0]) == [321.0]


def test_what_went_wrong_is_tried_again_at_the_next_turn(server, loop):
    loop.turn(True, 0.0)
    server.broken = True
    for now in (10.0, 11.0):
        with pytest.raises(OSError):
            loop.turn(False, now)
    server.broken = False
    assert asks(server, loop, [12.0, 13.0]) == [12.0]


def test_what_was_told_is_neither_told_again_nor_news(server, loop):
    loop.turn(True, 0.0)
    assert server.told == [("up", PORT), {FLOATING: "ACTIVE"}]
    loop.turn(False, 1.0)
    loop.turn(True, 2.0)
    assert len(server.told) == 2
    first, *others = loop.applied
    assert all(state is first for state in others)


def test_what_the_server_does_not_believe_is_told_again(server, loop):
    loop.turn(True, 0.0)
    server.state["ports"][PORT]["status"] = "DOWN"
    loop.turn(True, 1.0)
    assert server.told.count(("up", PORT)) == 2
