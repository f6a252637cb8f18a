"""Logins that fail: how often they may, what the log says, and what many at once do."""

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from cairn.keystone.providers import passwords

from .conftest import Caller, asking


def login(client, name="alice", password="alice's", address="203.0.113.7", **headers):
    return client.post("/v3/auth/tokens", json=asking(name, password),
                       headers={"X-Forwarded-For": address, **headers})


def test_who_guesses_waits(client):
    codes = [login(client, password=f"guess {n}").status_code for n in range(12)]
    assert codes == [401] * 10 + [429] * 2
    reply = login(client, password="another")
    assert reply.json["error"]["code"] == 429
    assert 0 < int(reply.headers["Retry-After"]) <= 60


def test_who_is_somewhere_else_does_not(client):
    for n in range(12):
        login(client, password=f"guess {n}")
    assert login(client, address="198.51.100.1").status_code == 201
    assert login(client, name="nova", password="nova's").status_code == 201


def test_what_is_remembered_is_no_attempt(client):
    assert login(client).status_code == 201
    for n in range(12):
        login(client, password=f"guess {n}")
    assert login(client).status_code == 201


def test_the_name_does_not_help_who_guesses(client, admin):
    alice, = admin.ok("GET", "/users?name=alice")["users"]
    for n in range(10):
        login(client, password=f"guess {n}")
    body = {"auth": {"identity": {"methods": ["password"], "password": {
        "user": {"id": alice["id"], "password": "guess"}}}}}
    reply = client.post("/v3/auth/tokens", json=body, headers={"X-Forwarded-For": "203.0.113.7"})
    assert reply.status_code == 429


def test_nobody_is_slowed_as_somebody_is(client):
    codes = [login(client, "nobody", f"guess {n}").status_code for n in range(12)]
    assert codes == [401] * 10 + [429] * 2


@pytest.mark.parametrize("what", ["passcode", "credential", "original"])
def test_every_secret_that_can_be_guessed(client, admin, what):
    alice, = admin.ok("GET", "/users?name=alice")["users"]

    def guess(n):
        if what == "original":
            body = {"user": {"original_password": f"guess {n}", "password": "new"}}
            return client.post(f"/v3/users/{alice['id']}/password", json=body).status_code
        given = {"totp": {"user": {"id": alice["id"], "passcode": f"{n:06}"}}}
        if what == "credential":
            given = {"application_credential": {"id": "any", "secret": f"guess {n}"}}
        body = {"auth": {"identity": {"methods": list(given), **given}}}
        return client.post("/v3/auth/tokens", json=body).status_code

    assert [guess(n) for n in range(12)] == [401] * 10 + [429] * 2


class TestLog:
    @pytest.fixture
    def lines(self, caplog):
        caplog.set_level(logging.INFO)

        def lines():
            return [r.getMessage() for r in caplog.records if "login refused" in r.getMessage()]
        return lines

    def test_it_says_who_from_where_and_why(self, client, admin, lines):
        alice, = admin.ok("GET", "/users?name=alice")["users"]
        login(client, password="wrong")
        line, = lines()
        assert "address=203.0.113.7" in line
        assert f"wrong password for {alice['id']}" in line

    def test_what_the_proxy_saw_counts(self, client, lines):
        login(client, password="wrong", address="1.1.1.1, 203.0.113.7")
        assert "address=203.0.113.7" in lines()[0]

    @pytest.mark.parametrize("name", ["a\nlogin refused: address=1.1.1.1", "a\r\n\x1b[2J", "a\0"])
    def test_nobody_writes_lines_of_it(self, client, lines, name):
        login(client, name, "wrong", address="not\tan address")
        line, = lines()
        assert line.isprintable()
        assert "address=unknown" in line

    def test_no_password_is_in_it(self, client, lines):
        login(client, password="s3cret guess")
        assert "s3cret" not in lines()[0]


class TestStorm:
    @pytest.fixture
    def slow(self, monkeypatch):
        """A hash that takes until it is let go."""
        class Slow:
            going = threading.Event()
            verified = 0

            def verify(self, stored, password):
                self.verified += 1
                assert self.going.wait(30)
                return password.endswith("'s")

            def hash(self, password):
                return "any"

        slow = Slow()
        monkeypatch.setattr(passwords, "HASHER", slow)
        yield slow
        slow.going.set()

    def test_who_is_known_does_not_wait_for_strangers(self, client, keystone, slow, monkeypatch):
        slow.going.set()
        assert login(client).status_code == 201
        slow.going.clear()
        with ThreadPoolExecutor(48) as pool:
            storm = [pool.submit(login, client, f"stranger {n}", "guess", f"10.0.0.{n}")
                     for n in range(48)]
            # Those who find the queue full are told at once, and the one remembered does not queue.
            end = time.monotonic() + 30
            while sum(each.done() for each in storm) < 30:
                assert time.monotonic() < end
                time.sleep(0.01)
            assert login(client).status_code == 201
            slow.going.set()
            replies = [each.result() for each in storm]
        codes = [reply.status_code for reply in replies]
        assert set(codes) == {401, 503}
        assert all(r.headers["Retry-After"] == "1" for r in replies if r.status_code == 503)

    def test_the_same_login_many_times_is_hashed_once(self, client, slow):
        with ThreadPoolExecutor(24) as pool:
            same = [pool.submit(login, client) for _ in range(24)]
            while not slow.verified:
                time.sleep(0.01)
            slow.going.set()
            assert {each.result().status_code for each in same} == {201}
        assert slow.verified == 1


def test_a_token_is_no_attempt(client, alice):
    caller = alice
    body = {"auth": {"identity": {"methods": ["token"], "token": {"id": caller.token}}}}
    assert {client.post("/v3/auth/tokens", json=body).status_code for _ in range(30)} == {201}
    assert Caller(client, caller.token)("GET", "/auth/projects").status_code == 200
