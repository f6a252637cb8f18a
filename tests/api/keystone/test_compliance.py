"""security_compliance: what passwords and accounts must be, and what becomes of the rest."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from cairn.common.settings import BadSetting
from cairn.keystone.core.compliance import check_settings
from cairn.keystone.providers.throttle import Throttle
from cairn.keystone.settings import ComplianceSettings, ThrottleSettings

from .conftest import asking, client_of, process


@pytest.fixture
def under(db, keys):
    """under(**settings): a client of a process with these."""
    def under(**settings):
        off = Throttle(ThrottleSettings(0, 0, 0, 0, 0, 0))
        return client_of(replace(
            process(db, keys), compliance=ComplianceSettings(**settings), throttle=off
        ))
    return under


@pytest.fixture
def alice_id(alice):
    return alice.ok("GET", "/auth/tokens", X_Subject_Token=alice.token)["token"]["user"]["id"]


def login(client, password="alice's", name="alice"):
    return client.post("/v3/auth/tokens", json=asking(name, password)).status_code


def change(client, user_id, original, password):
    body = {"user": {"original_password": original, "password": password}}
    return client.post(f"/v3/users/{user_id}/password", json=body)


def sql(db, statement):
    with db.engine.begin() as connection:
        connection.exec_driver_sql(statement)


class TestLockout:
    def test_after_some_failures_not_even_the_right_password_is_good(self, under):
        client = under(lockout_failure_attempts=3)
        assert login(client) == 201
        for _ in range(3):
            assert login(client, "wrong") == 401
        assert login(client) == 401

    def test_a_success_forgets_the_failures(self, under):
        client = under(lockout_failure_attempts=2)
        for _ in range(3):
            assert login(client, "wrong") == 401
            assert login(client) == 201

    def test_it_ends(self, under, db):
        client = under(lockout_failure_attempts=2, lockout_duration=60)
        for _ in range(2):
            login(client, "wrong")
        sql(db, "UPDATE users SET failed_at = '2020-01-01 00:00:00.000000'")
        assert login(client, "wrong") == 401
        assert login(client) == 201

    def test_what_is_tried_meanwhile_does_not_prolong_it(self, under, db):
        client = under(lockout_failure_attempts=1)
        login(client, "wrong")
        sql(db, "UPDATE users SET failed_at = '2020-01-01 00:00:00.000000'")
        assert login(client) == 201

    def test_or_an_admin_ends_it(self, under, admin, alice_id):
        client = under(lockout_failure_attempts=1, lockout_duration=0)
        login(client, "wrong")
        assert login(client) == 401
        admin.ok("PATCH", f"/users/{alice_id}", {"user": {"enabled": True}})
        assert login(client) == 201

    def test_who_is_exempt_is_never_locked(self, under, admin, alice_id):
        client = under(lockout_failure_attempts=1)
        options = {"ignore_lockout_failure_attempts": True}
        admin.ok("PATCH", f"/users/{alice_id}", {"user": {"options": options}})
        login(client, "wrong")
        assert login(client) == 201

    def test_many_at_once_are_all_counted(self, under, db):
        client = under(lockout_failure_attempts=100)
        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(lambda _: login(client, "wrong"), range(24))) == {401}
        with db.engine.connect() as connection:
            found = connection.exec_driver_sql("SELECT failures FROM users WHERE name = 'alice'")
            assert found.scalar() == 24

    def test_off_nothing_is_written(self, under, db):
        login(under(), "wrong")
        with db.engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT sum(failures) FROM users").scalar() == 0


class TestPasswords:
    def test_one_that_is_too_weak_is_refused_in_words(self, under, alice_id, admin):
        client = under(password_regex=r"^(?=.*\d).{7,}$", password_regex_description="7, a digit")
        reply = change(client, alice_id, "alice's", "short")
        assert reply.status_code == 400
        assert "7, a digit" in reply.json["error"]["message"]
        headers = {"X-Auth-Token": admin.token}
        weak = {"user": {"name": "bob", "password": "weak"}}
        assert client.post("/v3/users", json=weak, headers=headers).status_code == 400
        weak = {"user": {"password": "weak"}}
        assert client.patch(f"/v3/users/{alice_id}", json=weak, headers=headers).status_code == 400
        assert change(client, alice_id, "alice's", "long enough 1").status_code == 204

    def test_the_last_ones_are_not_chosen_again(self, under, alice_id, db):
        client = under(unique_last_password_count=3)
        assert change(client, alice_id, "alice's", "one").status_code == 204
        assert change(client, alice_id, "one", "two").status_code == 204
        for old in ("alice's", "one", "two"):
            reply = change(client, alice_id, "two", old)
            assert reply.status_code == 400
            assert "unique" in reply.json["error"]["message"]
        assert change(client, alice_id, "two", "three").status_code == 204
        assert change(client, alice_id, "three", "alice's").status_code == 204
        with db.engine.connect() as connection:
            kept = connection.exec_driver_sql("SELECT count(*) FROM past_passwords").scalar()
        assert kept == 2

    def test_an_admin_may_give_an_old_one(self, under, alice_id, admin):
        client = under(unique_last_password_count=3)
        change(client, alice_id, "alice's", "one")
        admin.ok("PATCH", f"/users/{alice_id}", {"user": {"password": "alice's"}})
        assert login(client) == 201

    def test_one_that_was_chosen_is_kept_for_some_days(self, under, alice_id, db):
        client = under(minimum_password_age=1)
        assert change(client, alice_id, "alice's", "one").status_code == 204
        assert change(client, alice_id, "one", "two").status_code == 400
        sql(db, "UPDATE users SET password_set_at = '2020-01-01 00:00:00.000000'")
        assert change(client, alice_id, "one", "two").status_code == 204

    def test_who_may_not_change_it(self, under, alice_id, admin):
        admin.ok("PATCH", f"/users/{alice_id}", {"user": {"options": {"lock_password": True}}})
        assert change(under(), alice_id, "alice's", "one").status_code == 400
        assert change(under(), alice_id, "wrong", "one").status_code == 401

    def test_it_expires_and_is_then_good_for_one_thing(self, under, alice_id, admin, db):
        client = under(password_expires_days=1)
        assert change(client, alice_id, "alice's", "one").status_code == 204
        token = client.post("/v3/auth/tokens", json=asking("alice", "one")).json["token"]
        expires = dt.datetime.fromisoformat(token["user"]["password_expires_at"])
        left = expires - dt.datetime.now(dt.UTC).replace(tzinfo=None)
        assert dt.timedelta(hours=23) < left <= dt.timedelta(days=1)
        shown = admin.ok("GET", f"/users/{alice_id}")["user"]
        assert shown["password_expires_at"] == token["user"]["password_expires_at"]
        sql(db, "UPDATE users SET password_expires_at = '2020-01-01 00:00:00.000000' "
                "WHERE name = 'alice'")
        reply = client.post("/v3/auth/tokens", json=asking("alice", "one"))
        assert reply.status_code == 401
        assert f"needs to be changed for user: {alice_id}." in reply.json["error"]["message"]
        assert change(client, alice_id, "wrong", "two").status_code == 401
        assert change(client, alice_id, "one", "two").status_code == 204
        assert login(client, "two") == 201

    def test_one_that_never_expires(self, under, alice_id, admin, db):
        options = {"ignore_password_expiry": True}
        admin.ok("PATCH", f"/users/{alice_id}", {"user": {"options": options}})
        client = under(password_expires_days=1)
        assert change(client, alice_id, "alice's", "one").status_code == 204
        assert admin.ok("GET", f"/users/{alice_id}")["user"]["password_expires_at"] is None

    def test_one_that_an_admin_gave_is_changed_first(self, under, admin):
        client = under(change_password_upon_first_use=True)
        headers = {"X-Auth-Token": admin.token}
        made = client.post("/v3/users", json={"user": {"name": "bob", "password": "one"}},
                           headers=headers).json["user"]
        assert login(client, "one", "bob") == 401
        assert change(client, made["id"], "one", "two").status_code == 204
        assert login(client, "two", "bob") == 201
        options = {"ignore_change_password_upon_first_use": True}
        client.patch(f"/v3/users/{made['id']}", headers=headers,
                     json={"user": {"password": "three", "options": options}})
        assert login(client, "three", "bob") == 201

    def test_users_are_found_by_when_theirs_expires(self, admin, alice_id, db):
        sql(db, "UPDATE users SET password_expires_at = '2020-01-01 00:00:00.000000' "
                "WHERE name = 'alice'")

        def found(query):
            users = admin.ok("GET", f"/users?password_expires_at={query}")["users"]
            return [user["name"] for user in users]

        assert found("lt:2020-01-02T00:00:00Z") == ["alice"]
        assert found("2020-01-01T00:00:00Z") == ["alice"]
        assert found("gt:2020-01-02T00:00:00Z") == []
        for bad in ("xx:2020-01-02T00:00:00Z", "lt:tomorrow"):
            reply = admin("GET", f"/users?password_expires_at={bad}")
            assert reply.status_code == 400
            assert "password_expires_at" in reply.json["error"]["message"]


class TestInactivity:
    def test_who_does_not_come_for_days_is_disabled(self, under, db, admin, alice_id):
        client = under(disable_user_account_days_inactive=5)
        assert login(client) == 201
        sql(db, "UPDATE users SET last_active_at = '2020-01-01' WHERE name = 'alice'")
        assert login(client) == 401
        headers = {"X-Auth-Token": admin.token}
        shown = client.get(f"/v3/users/{alice_id}", headers=headers).json["user"]
        assert shown["enabled"] is False
        client.patch(f"/v3/users/{alice_id}", json={"user": {"enabled": True}}, headers=headers)
        assert login(client) == 201

    def test_unless_exempt(self, under, db, admin, alice_id):
        options = {"ignore_user_inactivity": True}
        admin.ok("PATCH", f"/users/{alice_id}", {"user": {"options": options}})
        sql(db, "UPDATE users SET last_active_at = '2020-01-01' WHERE name = 'alice'")
        assert login(under(disable_user_account_days_inactive=5)) == 201


def test_a_pattern_that_is_none_is_refused_at_the_start():
    with pytest.raises(BadSetting, match="password_regex"):
        check_settings(ComplianceSettings(password_regex="("))


def test_negative_numbers_are_off(under, alice_id):
    client = under(lockout_failure_attempts=-1, lockout_duration=-1, password_expires_days=-1,
                   unique_last_password_count=-1, minimum_password_age=-1,
                   disable_user_account_days_inactive=-1)
    assert login(client, "wrong") == 401
    assert login(client) == 201
    assert change(client, alice_id, "alice's", "one").status_code == 204
    assert change(client, alice_id, "one", "one").status_code == 204
    assert login(client, "one") == 201


def test_a_changed_password_ends_the_tokens_had_with_the_old(under, alice_id, alice):
    assert change(under(), alice_id, "alice's", "one").status_code == 204
    assert alice("GET", "/auth/projects").status_code == 401


def test_nobodys_hash_is_ever_told(admin, alice, db):
    for path in ("/users", "/auth/tokens"):
        text = admin("GET", path, X_Subject_Token=alice.token).text
        assert "argon2" not in text
        assert "password_hash" not in text


def test_two_changes_at_once_are_one(under, alice_id):
    client = under()
    with ThreadPoolExecutor(4) as pool:
        codes = list(pool.map(
            lambda n: change(client, alice_id, "alice's", f"new{n}").status_code, range(4)
        ))
    assert codes.count(204) == 1
    assert set(codes) <= {204, 401, 503}
