"""OAuth 1.0a: a program asks, a user says yes, the program acts for the user until told not to."""

import time

import pytest
from oauthlib.oauth1 import Client

from .conftest import Caller

BASE = "http://localhost/v3"
LOGIN = {"auth": {"identity": {"methods": ["oauth1"], "oauth1": {}}}}


@pytest.fixture
def at(admin):
    token = admin.ok("GET", "/auth/tokens", X_Subject_Token=admin.token)["token"]
    return {"user": token["user"]["id"], "project": token["project"]["id"],
            "roles": {role["name"]: role["id"] for role in admin.ok("GET", "/roles")["roles"]}}


class Program:
    """A consumer and what it was given."""

    def __init__(self, anyone, consumer):
        self.anyone, self.id, self.secret = anyone, consumer["id"], consumer["secret"]

    def post(self, path, json=None, secret=None, **signed):
        more = {}
        if "project_id" in signed:
            more["Requested-Project-Id"] = signed.pop("project_id")
            signed["callback_uri"] = "oob"
        client = Client(self.id, client_secret=secret or self.secret, **signed)
        _, headers, _ = client.sign(BASE + path, "POST", headers=more)
        return self.anyone("POST", path, json, **headers)

    def ask(self, project_id):
        return self.token(self.post("/OS-OAUTH1/request_token", project_id=project_id))

    def exchange(self, token, verifier):
        return self.post("/OS-OAUTH1/access_token", verifier=verifier, **token)

    def token(self, reply):
        assert reply.status_code == 201, reply.text
        assert reply.mimetype == "application/x-www-form-urlencoded"
        given = dict(pair.split("=") for pair in reply.text.split("&"))
        assert given["oauth_expires_at"]
        return {"resource_owner_key": given["oauth_token"],
                "resource_owner_secret": given["oauth_token_secret"]}

    def login(self, token, **more):
        return self.post("/auth/tokens", LOGIN, **{**token, **more})


@pytest.fixture
def program(admin, anyone):
    body = {"consumer": {"description": "a program", "colour": "red"}}
    consumer = admin.ok("POST", "/OS-OAUTH1/consumers", body)["consumer"]
    return Program(anyone, consumer)


def authorize(caller, token, *names):
    body = {"roles": [{"name": name} for name in names]}
    reply = caller("PUT", f"/OS-OAUTH1/authorize/{token['resource_owner_key']}", body)
    return reply.json["token"]["oauth_verifier"] if reply.status_code == 200 else reply.status_code


@pytest.fixture
def access(admin, program, at):
    asked = program.ask(at["project"])
    return program.token(program.exchange(asked, authorize(admin, asked, "member")))


def test_a_program_acts_for_a_user_with_the_roles_it_was_given(admin, program, access, at):
    reply = program.login(access)
    token = reply.json["token"]
    assert token["user"]["id"] == at["user"] and token["project"]["id"] == at["project"]
    assert {role["name"] for role in token["roles"]} == {"member", "reader"}
    assert token["OS-OAUTH1"] == {"access_token_id": access["resource_owner_key"],
                                  "consumer_id": program.id}
    mine = Caller(admin.client, reply.headers["X-Subject-Token"])
    assert mine("GET", "/auth/projects").status_code == 200
    body = {"auth": {"identity": {"methods": ["token"], "token": {"id": mine.token}},
                     "scope": {"system": {"all": True}}}}
    assert mine("POST", "/auth/tokens", body).status_code in (401, 403)


def test_a_token_ends_with_what_it_was_got_by(admin, program, access, at):
    mine = Caller(admin.client, program.login(access).headers["X-Subject-Token"])
    given = f"/users/{at['user']}/OS-OAUTH1/access_tokens"
    one, = admin.ok("GET", given)["access_tokens"]
    assert one["consumer_id"] == program.id and one["project_id"] == at["project"]
    where = f"{given}/{one['id']}"
    assert admin.ok("GET", where)["access_token"] == one
    assert [r["name"] for r in admin.ok("GET", f"{where}/roles")["roles"]] == ["member"]
    role = admin.ok("GET", f"{where}/roles/{at['roles']['member']}")["role"]
    assert role["name"] == "member"
    assert admin("GET", f"{where}/roles/{at['roles']['admin']}").status_code == 404
    assert admin("GET", f"/users/somebody/OS-OAUTH1/access_tokens/{one['id']}").status_code == 404
    assert admin("DELETE", where).status_code == 204
    assert mine("GET", "/auth/projects").status_code == 401
    assert program.login(access).status_code == 401


def test_a_consumers_end_is_that_of_all_it_was_given(admin, program, access):
    mine = Caller(admin.client, program.login(access).headers["X-Subject-Token"])
    assert admin("DELETE", f"/OS-OAUTH1/consumers/{program.id}").status_code == 204
    assert mine("GET", "/auth/projects").status_code == 401


def test_no_more_roles_than_the_user_has(admin, program, access, at, login):
    admin.ok("DELETE", f"/projects/{at['project']}/users/{at['user']}/roles/{at['roles']['admin']}")
    assert program.login(access).status_code == 401


def test_a_request_token_is_used_once_and_only_as_it_was_authorized(admin, program, at):
    asked = program.ask(at["project"])
    assert program.exchange(asked, "abcdefgh").status_code == 401
    assert authorize(admin, asked, "service") == 401
    assert authorize(admin, asked, "nothing") == 404
    verifier = authorize(admin, asked, "member")
    assert program.exchange(asked, "abcdefgh").status_code == 401
    wrong = {**asked, "resource_owner_secret": "wrong"}
    assert program.exchange(wrong, verifier).status_code == 401
    assert program.exchange(asked, verifier).status_code == 201
    assert program.exchange(asked, verifier).status_code == 404


def test_another_program_cannot_use_it(admin, anyone, program, at):
    other = Program(anyone, admin.ok("POST", "/OS-OAUTH1/consumers", {"consumer": {}})["consumer"])
    asked = program.ask(at["project"])
    verifier = authorize(admin, asked, "member")
    assert other.exchange(asked, verifier).status_code == 401
    given = program.token(program.exchange(asked, verifier))
    assert other.login(given).status_code == 401
    assert program.login(given, secret="wrong").status_code == 401
    assert program.login(given, signature_method="PLAINTEXT").status_code == 401


def test_what_a_request_must_have(program, anyone, at):
    assert anyone("POST", "/OS-OAUTH1/request_token").status_code == 400
    assert program.post("/OS-OAUTH1/request_token").status_code == 400
    assert program.post("/OS-OAUTH1/request_token", project_id="gone").status_code == 404
    assert program.post("/OS-OAUTH1/request_token", project_id=at["project"],
                        secret="wrong").status_code == 401
    few = {"Authorization": f'OAuth oauth_consumer_key="{program.id}"',
           "Requested-Project-Id": at["project"]}
    assert anyone("POST", "/OS-OAUTH1/request_token", **few).status_code == 400
    assert anyone("POST", "/auth/tokens", LOGIN).status_code == 400


def test_consumers(admin, program):
    where = f"/OS-OAUTH1/consumers/{program.id}"
    shown = admin.ok("GET", where)["consumer"]
    assert shown["colour"] == "red" and "secret" not in shown
    assert admin.ok("GET", "/OS-OAUTH1/consumers")["consumers"] == [shown]
    changed = admin.ok("PATCH", where, {"consumer": {"description": "other"}})["consumer"]
    assert changed["description"] == "other"
    for wrong in ({}, {"secret": "mine"}, {"id": "mine"}, {"description": 3}):
        assert admin("PATCH", where, {"consumer": wrong}).status_code == 400
    assert admin("DELETE", where).status_code == 204
    assert admin("GET", where).status_code == 404


def test_it_is_for_admins(alice, program, admin, login, at):
    assert alice("GET", "/OS-OAUTH1/consumers").status_code == 403
    assert alice("POST", "/OS-OAUTH1/consumers", {"consumer": {}}).status_code == 403
    asked = program.ask(at["project"])
    assert authorize(alice, asked, "member") == 403
    assert authorize(login("admin", "root's", {"system": {"all": True}}), asked, "member") == 403
    assert alice("GET", f"/users/{at['user']}/OS-OAUTH1/access_tokens").status_code == 403



def test_a_signed_login_works_once(program, access):
    now = str(int(time.time()))
    assert program.login(access, nonce="n1", timestamp=now).status_code == 201
    assert program.login(access, nonce="n1", timestamp=now).status_code == 401
    assert program.login(access, nonce="n2", timestamp=now).status_code == 201
