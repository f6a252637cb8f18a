"""Tokens that may do less than what they were got with."""

import time

import pytest

from cairn.keystone.core.narrowing import NARROW

from .conftest import Caller, asking, project

RULE = {"service": "identity", "method": "GET", "path": "/v3/auth/projects"}


@pytest.fixture
def narrowed(client, alice):
    def narrowed(seconds=60, rules=(RULE,), token=None, scope=None):
        auth = {"identity": {"methods": ["token"], "token": {"id": token or alice.token}},
                "scope": scope or project("red"),
                NARROW: {"access_rules": list(rules), "seconds": seconds}}
        return client.post("/v3/auth/tokens", json={"auth": auth})

    return narrowed


def test_it_opens_what_its_rules_say_and_nothing_else(narrowed, client):
    made = narrowed()
    assert made.status_code == 201
    told = made.json["token"]
    assert told["application_credential"]["access_rules"] == [RULE]
    user = Caller(client, made.headers["X-Subject-Token"])
    assert user("GET", "/auth/projects").status_code == 200
    assert user("GET", "/auth/catalog").status_code == 401
    assert user("GET", f"/users/{told['user']['id']}").status_code == 401


def test_it_gets_no_other_token(narrowed, client):
    token = narrowed().headers["X-Subject-Token"]
    assert narrowed(token=token).status_code == 403
    body = {"auth": {"identity": {"methods": ["token"], "token": {"id": token}}}}
    assert client.post("/v3/auth/tokens", json=body).status_code == 403


def test_its_life_is_only_ever_shorter(narrowed, keystone):
    verify = keystone.verifier.verify
    short = verify(narrowed(seconds=60).headers["X-Subject-Token"])
    assert short.expires_at - time.time() <= 60
    long = verify(narrowed(seconds=86400).headers["X-Subject-Token"])
    assert long.expires_at <= time.time() + keystone.tokens.expiration


def test_it_ends_with_the_token_it_was_got_with(narrowed, alice, client):
    user = Caller(client, narrowed().headers["X-Subject-Token"])
    alice.ok("DELETE", "/auth/tokens", X_Subject_Token=alice.token)
    assert user("GET", "/auth/projects").status_code == 401


def test_no_rule_opens_nothing(narrowed, client):
    user = Caller(client, narrowed(rules=()).headers["X-Subject-Token"])
    assert user("GET", "/auth/projects").status_code == 401


@pytest.mark.parametrize("wrong", [
    {"access_rules": [RULE]}, {"seconds": 5}, {"access_rules": [RULE], "seconds": 0},
    {"access_rules": [{"path": "/"}], "seconds": 5}, {"access_rules": None, "seconds": 5},
    {"access_rules": [RULE], "seconds": 5, "roles": []},
])
def test_a_bad_wish_is_refused(client, wrong):
    body = asking("alice", "alice's", project("red"))
    body["auth"][NARROW] = wrong
    assert client.post("/v3/auth/tokens", json=body).status_code == 400


def test_a_password_gets_a_narrow_token_at_once(client):
    body = asking("alice", "alice's", project("red"))
    body["auth"][NARROW] = {"access_rules": [RULE], "seconds": 5}
    user = Caller(client, client.post("/v3/auth/tokens", json=body).headers["X-Subject-Token"])
    assert user("GET", "/auth/projects").status_code == 200
    assert user("GET", "/auth/catalog").status_code == 401
