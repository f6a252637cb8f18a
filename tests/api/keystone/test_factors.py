"""Several factors: one-time passcodes, rules of users, and receipts for what was proven so far."""

import base64
import time

import pytest

from cairn.keystone.core import totp

from .conftest import Caller, asking, project

SECRET = base64.b32encode(b"alice's own telephone").decode()
RULES = {"multi_factor_auth_rules": [["password", "totp"]], "multi_factor_auth_enabled": True}


def passcode(ago=0):
    """What the telephone shows, or showed so many windows ago."""
    text = SECRET + "=" * (-len(SECRET) % 8)
    return totp.code(base64.b32decode(text), int(time.time()) // 30 - ago)


def by_passcode(code, scope=None):
    user = {"name": "alice", "domain": {"id": "default"}, "passcode": code}
    auth = {"identity": {"methods": ["totp"], "totp": {"user": user}}}
    return {"auth": auth if scope is None else {**auth, "scope": scope}}


def by_both(code, scope=None):
    body = asking("alice", "alice's", scope)
    body["auth"]["identity"] |= {
        "methods": ["password", "totp"], "totp": by_passcode(code)["auth"]["identity"]["totp"]
    }
    return body


@pytest.fixture
def alice_id(alice):
    return alice.ok("GET", "/auth/tokens", X_Subject_Token=alice.token)["token"]["user"]["id"]


@pytest.fixture
def telephone(alice):
    return alice.make("credentials", type="totp", blob=SECRET)


@pytest.fixture
def ask(client):
    def ask(body, receipt=None):
        headers = {"OpenStack-Auth-Receipt": receipt} if receipt else {}
        return client.post("/v3/auth/tokens", json=body, headers=headers)
    return ask


@pytest.fixture
def careful(admin, alice_id, telephone):
    admin.ok("PATCH", f"/users/{alice_id}", {"user": {"options": RULES}})


class TestPasscodes:
    def test_one_logs_in(self, ask, telephone):
        reply = ask(by_passcode(passcode(), project("red")))
        assert reply.status_code == 201
        assert reply.json["token"]["methods"] == ["totp"]

    def test_one_of_the_window_before_does_as_well(self, ask, telephone):
        assert ask(by_passcode(passcode(1))).status_code == 201

    def test_none_works_twice_nor_does_an_older_one(self, ask, telephone):
        code = passcode()
        assert ask(by_passcode(code)).status_code == 201
        assert ask(by_passcode(code)).status_code == 401
        assert ask(by_passcode(passcode(1))).status_code == 401

    @pytest.mark.parametrize("code", ["000000x", "", "12345"])
    def test_a_wrong_one_is_refused(self, ask, telephone, code):
        assert ask(by_passcode(code)).status_code == 401

    def test_without_a_credential_there_is_none(self, ask, alice):
        assert ask(by_passcode(passcode())).status_code == 401

    def test_a_wrong_password_beside_it_does_not_use_it_up(self, ask, telephone):
        code = passcode()
        body = by_both(code)
        body["auth"]["identity"]["password"]["user"]["password"] = "wrong"
        assert ask(body).status_code == 401
        assert ask(by_both(code)).status_code == 201


class TestRules:
    def test_one_factor_gets_a_receipt(self, ask, careful, alice_id):
        reply = ask(asking("alice", "alice's", project("red")))
        assert reply.status_code == 401
        assert reply.json["required_auth_methods"] == [["password", "totp"]]
        assert reply.json["receipt"]["methods"] == ["password"]
        assert reply.json["receipt"]["user"]["id"] == alice_id
        assert reply.headers["OpenStack-Auth-Receipt"]

    def test_with_which_the_other_is_enough(self, ask, careful):
        receipt = ask(asking("alice", "alice's")).headers["OpenStack-Auth-Receipt"]
        reply = ask(by_passcode(passcode(), project("red")), receipt)
        assert reply.status_code == 201
        assert set(reply.json["token"]["methods"]) == {"password", "totp"}

    def test_both_at_once(self, ask, careful):
        reply = ask(by_both(passcode(), project("red")))
        assert reply.status_code == 201

    def test_the_token_of_both_gets_others(self, ask, careful):
        first = ask(by_both(passcode())).headers["X-Subject-Token"]
        body = {"auth": {"identity": {"methods": ["token"], "token": {"id": first}},
                         "scope": project("red")}}
        reply = ask(body)
        assert reply.status_code == 201
        assert set(reply.json["token"]["methods"]) == {"token", "password", "totp"}

    def test_a_receipt_opens_nothing_else(self, ask, careful, client):
        receipt = ask(asking("alice", "alice's")).headers["OpenStack-Auth-Receipt"]
        assert Caller(client, receipt)("GET", "/auth/projects").status_code == 401
        body = {"auth": {"identity": {"methods": ["token"], "token": {"id": receipt}}}}
        assert ask(body).status_code == 404

    def test_nor_is_a_token_a_receipt_or_anothers_good(self, ask, careful, admin):
        assert ask(by_passcode(passcode()), admin.token).status_code == 401
        receipt = ask(asking("alice", "alice's")).headers["OpenStack-Auth-Receipt"]
        assert ask(asking("nova", "nova's"), receipt).status_code == 401

    def test_it_ends_with_the_users_password(self, ask, careful, admin, alice_id):
        receipt = ask(asking("alice", "alice's")).headers["OpenStack-Auth-Receipt"]
        admin.ok("PATCH", f"/users/{alice_id}", {"user": {"password": "new"}})
        assert ask(by_passcode(passcode()), receipt).status_code == 401

    def test_rules_that_are_off_or_name_nothing_that_exists_do_not_bind(
        self, ask, careful, admin, alice_id
    ):
        for options in ({"multi_factor_auth_enabled": False},
                        {"multi_factor_auth_enabled": True,
                         "multi_factor_auth_rules": [["palm-reading"]]}):
            admin.ok("PATCH", f"/users/{alice_id}", {"user": {"options": options}})
            assert ask(asking("alice", "alice's")).status_code == 201

    @pytest.mark.parametrize("rules", [
        [[]], ["password"], [["password", "password"]], [["totp"], ["totp"]], [[7]], "password",
    ])
    def test_rules_that_are_none(self, admin, alice_id, rules):
        body = {"user": {"options": {"multi_factor_auth_rules": rules}}}
        reply = admin("PATCH", f"/users/{alice_id}", body)
        assert reply.status_code == 400
        assert "multi_factor_auth_rules" in reply.json["error"]["message"]
