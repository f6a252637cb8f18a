"""Trusts and application credentials: what they let somebody do, and what they never do."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from cairn.keystone.settings import AuthenticationSettings

from .conftest import Caller, asking, client_of, process, project

LATER = (dt.datetime.now(dt.UTC) + dt.timedelta(days=1)).isoformat()


@pytest.fixture
def at(admin):
    """Ids by kind and name."""
    return {kind: {each["name"]: each["id"] for each in admin.ok("GET", f"/{kind}")[kind]}
            for kind in ("users", "projects", "roles")}


def said(caller):
    return caller.ok("GET", "/auth/tokens", X_Subject_Token=caller.token)["token"]


class TestTrusts:
    @pytest.fixture
    def trust(self, alice, at):
        def trust(**more):
            return alice.ok("POST", "/OS-TRUST/trusts", {"trust": {
                "trustor_user_id": at["users"]["alice"], "trustee_user_id": at["users"]["nova"],
                "project_id": at["projects"]["red"], "impersonation": True,
                "roles": [{"name": "reader"}], **more,
            }})["trust"]
        return trust

    @pytest.fixture
    def use(self, client):
        def use(trust):
            scope = {"OS-TRUST:trust": {"id": trust["id"]}}
            reply = client.post("/v3/auth/tokens", json=asking("nova", "nova's", scope))
            if reply.status_code != 201:
                return reply.status_code
            return Caller(client, reply.headers["X-Subject-Token"])
        return use

    def test_the_trustee_acts_as_the_trustor_with_the_roles_that_were_given(self, trust, use, at):
        token = said(use(trust()))
        assert token["user"]["name"] == "alice"
        assert token["project"]["name"] == "red"
        assert [role["name"] for role in token["roles"]] == ["reader"]
        assert token["OS-TRUST:trust"]["trustee_user"]["id"] == at["users"]["nova"]

    def test_or_as_oneself(self, trust, use):
        assert said(use(trust(impersonation=False)))["user"]["name"] == "nova"

    def test_nobody_else_may_use_it(self, trust, client):
        body = asking("alice", "alice's", {"OS-TRUST:trust": {"id": trust()["id"]}})
        assert client.post("/v3/auth/tokens", json=body).status_code == 403

    def test_shown_listed_and_gone(self, trust, alice, login, use, at):
        made = trust()
        where = f"/OS-TRUST/trusts/{made['id']}"
        assert alice.ok("GET", where)["trust"] == made
        nova = login("nova", scope=project("service"))
        for who, side in ((alice, "trustor"), (nova, "trustee")):
            query = f"{side}_user_id={made[f'{side}_user_id']}"
            listed = who.ok("GET", f"/OS-TRUST/trusts?{query}")["trusts"]
            assert [each["id"] for each in listed] == [made["id"]]
        assert alice("GET", "/OS-TRUST/trusts").status_code == 403
        reader = at["roles"]["reader"]
        assert alice.ok("GET", f"{where}/roles")["roles"][0]["id"] == reader
        assert alice("HEAD", f"{where}/roles/{reader}").status_code == 200
        assert alice("GET", f"{where}/roles/{at['roles']['member']}").status_code == 404
        user = use(made)
        assert nova("DELETE", where).status_code == 403
        assert alice("DELETE", where).status_code == 204
        assert alice("GET", where).status_code == 404
        assert user("GET", "/auth/projects").status_code == 401
        assert use(made) == 401

    def test_it_is_used_up(self, trust, use):
        made = trust(remaining_uses=1)
        assert use(made) != 401
        assert use(made) == 401

    def test_it_ends(self, trust, use, db):
        end = (dt.datetime.now(dt.UTC) + dt.timedelta(minutes=5)).isoformat()
        made = trust(expires_at=end)
        assert said(use(made))["expires_at"] == made["expires_at"]
        with db.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE trusts SET expires_at = '2020-01-01 00:00:00'")
        assert use(made) == 401

    @pytest.mark.parametrize(("more", "code"), [
        ({"roles": []}, 403), ({"roles": [{"name": "admin"}]}, 404),
        ({"roles": [{"id": "gone"}]}, 404), ({"expires_at": "bad.123Z"}, 400),
        ({"expires_at": "2020-01-01T00:00:00Z"}, 400), ({"trustee_user_id": "gone"}, 404),
        ({"trustor_user_id": "other"}, 403), ({"impersonation": "yes"}, 400),
        ({"remaining_uses": 0}, 400),
    ])
    def test_what_is_refused(self, alice, at, more, code):
        body = {"trustor_user_id": at["users"]["alice"], "trustee_user_id": at["users"]["nova"],
                "project_id": at["projects"]["red"], "impersonation": True,
                "roles": [{"name": "reader"}], **more}
        assert alice("POST", "/OS-TRUST/trusts", {"trust": body}).status_code == code

    def test_its_token_gets_no_other(self, trust, use, client, at):
        user = use(trust())
        for scope in (project("service"), {"system": {"all": True}}, "unscoped"):
            body = {"auth": {"identity": {"methods": ["token"], "token": {"id": user.token}},
                             "scope": scope}}
            assert client.post("/v3/auth/tokens", json=body).status_code == 403
        where = f"/users/{at['users']['alice']}"
        wanted = {"application_credential": {"name": "x"}}
        assert user("POST", f"{where}/application_credentials", wanted).status_code == 403
        pair = {"tenant_id": at["projects"]["red"]}
        assert user("POST", f"{where}/credentials/OS-EC2", pair).status_code == 403

    def test_it_is_passed_on_only_where_that_was_allowed(self, trust, use, at):
        wanted = {"trust": {
            "trustor_user_id": at["users"]["alice"], "trustee_user_id": at["users"]["admin"],
            "project_id": at["projects"]["red"], "impersonation": True,
            "roles": [{"name": "reader"}],
        }}
        assert use(trust())("POST", "/OS-TRUST/trusts", wanted).status_code == 403
        user = use(trust(allow_redelegation=True, redelegation_count=1))
        assert user.ok("POST", "/OS-TRUST/trusts", wanted)["trust"]["redelegation_count"] == 0
        wanted["trust"]["roles"] = [{"name": "member"}]
        assert user("POST", "/OS-TRUST/trusts", wanted).status_code == 403

    def test_the_last_use_is_one(self, trust, client):
        made = trust(remaining_uses=3)
        body = asking("nova", "nova's", {"OS-TRUST:trust": {"id": made["id"]}})
        with ThreadPoolExecutor(8) as pool:
            codes = list(pool.map(
                lambda _: client.post("/v3/auth/tokens", json=body).status_code, range(12)
            ))
        assert codes.count(201) == 3
        assert codes.count(401) == 9

    class TestPassedOn:
        @pytest.fixture
        def first(self, trust):
            return trust(allow_redelegation=True, redelegation_count=2, expires_at=LATER)

        @pytest.fixture
        def pass_on(self, use, first, at):
            def pass_on(**more):
                return use(first)("POST", "/OS-TRUST/trusts", {"trust": {
                    "trustor_user_id": at["users"]["alice"],
                    "trustee_user_id": at["users"]["admin"],
                    "project_id": at["projects"]["red"], "impersonation": True,
                    "roles": [{"name": "reader"}], **more,
                }})
            return pass_on

        @pytest.fixture
        def by_admin(self, client):
            def by_admin(trust):
                scope = {"OS-TRUST:trust": {"id": trust["id"]}}
                body = asking("admin", "root's", scope)
                return client.post("/v3/auth/tokens", json=body).status_code
            return by_admin

        def test_it_is_at_most_what_the_first_is(self, pass_on, first):
            made = pass_on(allow_redelegation=True).json["trust"]
            assert made["redelegated_trust_id"] == first["id"]
            assert made["redelegation_count"] == 1
            assert made["expires_at"] == first["expires_at"]

        @pytest.mark.parametrize("more", [
            {"expires_at": "2999-01-01T00:00:00Z"}, {"remaining_uses": 1},
            {"allow_redelegation": True, "redelegation_count": 2},
            {"roles": [{"name": "member"}]},
        ])
        def test_or_it_is_refused(self, pass_on, more):
            assert pass_on(**more).status_code == 403

        def test_it_works_until_one_between_is_gone(self, pass_on, by_admin, admin, at):
            made = pass_on().json["trust"]
            assert by_admin(made) == 201
            admin.ok("PATCH", f"/users/{at['users']['nova']}", {"user": {"enabled": False}})
            assert by_admin(made) == 403

        def test_it_goes_with_the_first(self, pass_on, by_admin, alice, first):
            made = pass_on().json["trust"]
            assert alice("DELETE", f"/OS-TRUST/trusts/{first['id']}").status_code == 204
            assert by_admin(made) == 401
            assert alice("GET", f"/OS-TRUST/trusts/{made['id']}").status_code == 404

    @pytest.mark.parametrize("impersonation", [True, False])
    def test_it_ends_with_what_it_stands_on(self, admin, trust, use, at, impersonation):
        user = use(trust(impersonation=impersonation))
        admin.ok("DELETE", f"/projects/{at['projects']['red']}/users/{at['users']['alice']}"
                           f"/roles/{at['roles']['member']}")
        assert user("GET", "/auth/projects").status_code == 401


class TestApplicationCredentials:
    @pytest.fixture
    def where(self, at):
        return f"/users/{at['users']['alice']}/application_credentials"

    @pytest.fixture
    def make(self, alice, where):
        def make(**more):
            body = {"application_credential": {"name": "ci", **more}}
            return alice.ok("POST", where, body)["application_credential"]
        return make

    @pytest.fixture
    def use(self, client):
        def use(credential, **more):
            given = {"id": credential["id"], "secret": credential["secret"], **more}
            body = {"auth": {"identity": {"methods": ["application_credential"],
                                          "application_credential": given}}}
            reply = client.post("/v3/auth/tokens", json=body)
            if reply.status_code != 201:
                return reply.status_code
            return Caller(client, reply.headers["X-Subject-Token"])
        return use

    def test_it_logs_in_to_its_project_with_its_roles(self, make, use):
        made = make(roles=[{"name": "reader"}])
        token = said(use(made))
        assert token["project"]["name"] == "red"
        assert [role["name"] for role in token["roles"]] == ["reader"]
        assert token["application_credential"] == {
            "id": made["id"], "name": "ci", "restricted": True,
        }

    def test_by_name(self, make, client, at):
        given = {"name": "ci", "user": {"id": at["users"]["alice"]}, "secret": make()["secret"]}
        body = {"auth": {"identity": {"methods": ["application_credential"],
                                      "application_credential": given}}}
        assert client.post("/v3/auth/tokens", json=body).status_code == 201

    def test_the_secret_is_told_once(self, alice, make, where):
        made = make(description="for CI")
        shown = alice.ok("GET", f"{where}/{made['id']}")["application_credential"]
        assert {**shown, "secret": made["secret"]} == made
        assert alice.ok("GET", where)["application_credentials"] == [shown]
        assert alice.ok("GET", f"{where}?name=other")["application_credentials"] == []

    def test_it_is_not_for_others(self, admin, login, make, where, at):
        made = make()
        nova = login("nova", scope=project("service"))
        assert nova("GET", f"{where}/{made['id']}").status_code == 403
        assert nova("DELETE", f"{where}/{made['id']}").status_code == 403
        own = f"/users/{at['users']['nova']}/application_credentials"
        for method in ("GET", "DELETE"):
            assert nova(method, f"{own}/{made['id']}").status_code == 403
            assert nova(method, f"{own}/gone").status_code == 404
        body = {"application_credential": {"name": "x"}}
        assert admin("POST", where, body).status_code == 403

    def test_wrong_ended_or_gone(self, alice, make, use, where, db):
        made = make(expires_at="2999-01-01T00:00:00")
        user = use(made)
        assert use(made, secret="wrong") == 401
        assert use(made, id="gone") == 401
        with db.engine.begin() as connection:
            connection.exec_driver_sql(
                "UPDATE application_credentials SET expires_at = '2020-01-01 00:00:00'"
            )
        assert use(made) == 401
        assert alice("DELETE", f"{where}/{made['id']}").status_code == 204
        assert user("GET", "/auth/projects").status_code == 401

    @pytest.mark.parametrize(("wanted", "code"), [
        ({}, 400), ({"name": "a", "roles": [{"name": "admin"}]}, 400),
        ({"name": "a", "roles": [{"name": "gone"}]}, 404),
        ({"name": "a", "expires_at": "2020-01-01T00:00:00"}, 400),
        ({"name": "a", "access_rules": [{"path": "/"}]}, 400), ({"name": "ci"}, 409),
    ])
    def test_what_is_refused(self, alice, make, where, wanted, code):
        make()
        assert alice("POST", where, {"application_credential": wanted}).status_code == code

    def test_it_makes_no_other_unless_it_may(self, make, use, where):
        body = {"application_credential": {"name": "more"}}
        assert use(make())("POST", where, body).status_code == 403
        free = use(make(name="free", unrestricted=True))
        assert free("POST", where, body).status_code == 201

    def test_one_with_access_rules_makes_none_with_more(self, make, use, where):
        rules = [{"service": "identity", "method": "POST", "path": "/v3/users/**"},
                 {"service": "image", "method": "GET", "path": "/v2/images"}]
        user = use(make(unrestricted=True, access_rules=rules))
        for more in ({}, {"access_rules": None}, {"access_rules": [
                {"service": "identity", "method": "POST", "path": "/**"}]}):
            body = {"application_credential": {"name": "more", **more}}
            assert user("POST", where, body).status_code == 403
        body = {"application_credential": {"name": "less", "access_rules": rules[1:]}}
        assert user("POST", where, body).status_code == 201

    def test_it_has_no_role_its_user_lost(self, admin, make, use, at):
        made = make()
        user = use(made)
        admin.ok("DELETE", f"/projects/{at['projects']['red']}/users/{at['users']['alice']}"
                           f"/roles/{at['roles']['member']}")
        assert user("GET", "/auth/projects").status_code == 401
        assert use(made) == 401

    def test_it_goes_with_its_user_being_disabled(self, admin, make, use, where, at):
        made = make()
        user = use(made)
        for enabled in (False, True):
            admin.ok("PATCH", f"/users/{at['users']['alice']}", {"user": {"enabled": enabled}})
        assert user("GET", "/auth/projects").status_code == 401
        assert use(made) == 401
        assert admin.ok("GET", where)["application_credentials"] == []

    def test_a_role_brings_all_it_implies(self, make, use):
        made = make(roles=[{"name": "member"}])
        assert {role["name"] for role in made["roles"]} == {"member", "reader"}

    def test_there_are_as_many_as_may_be(self, keystone, db, keys, alice, where):
        few = replace(process(db, keys), authentication=AuthenticationSettings(
            application_credentials=1))
        caller = Caller(client_of(few), alice.token)
        body = {"application_credential": {"name": "one"}}
        assert caller("POST", where, body).status_code == 201
        body["application_credential"]["name"] = "two"
        assert caller("POST", where, body).status_code == 403

    def test_its_token_gets_no_other_and_sees_no_trust(self, make, use, client, at):
        for made in (make(), make(name="free", unrestricted=True)):
            user = use(made)
            body = {"auth": {"identity": {"methods": ["token"], "token": {"id": user.token}}}}
            assert client.post("/v3/auth/tokens", json=body).status_code == 403
            wanted = f"/OS-TRUST/trusts?trustor_user_id={at['users']['alice']}"
            assert user("GET", wanted).status_code == 403
            assert user("GET", f"/users/{at['users']['alice']}/credentials/OS-EC2"
                        ).status_code == 403

    def test_a_token_with_rules_is_shown_to_those_who_mind_them(self, make, use, login):
        rules = [{"service": "identity", "method": "GET", "path": "/v3/auth/*"}]
        user = use(make(access_rules=rules))
        nova = login("nova", scope=project("service"))
        asked = {"X_Subject_Token": user.token}
        assert nova("GET", "/auth/tokens", **asked).status_code == 404
        minded = nova.ok("GET", "/auth/tokens", OpenStack_Identity_Access_Rules="1.0", **asked)
        told = minded["token"]["application_credential"]["access_rules"]
        assert told[0]["path"] == "/v3/auth/*"

    def test_rules_are_found_by_what_they_say(self, alice, make, at):
        make(access_rules=[{"service": "identity", "method": "GET", "path": "/v3/auth/*"},
                           {"service": "image", "method": "GET", "path": "/v2/images"}])
        kept = f"/users/{at['users']['alice']}/access_rules"
        for query in ("service=image", "path=/v2/images"):
            rule, = alice.ok("GET", f"{kept}?{query}")["access_rules"]
            assert rule["service"] == "image"
        assert len(alice.ok("GET", f"{kept}?method=GET")["access_rules"]) == 2

    def test_access_rules_say_what_it_may_ask(self, alice, make, use, where, at):
        rules = [{"service": "identity", "method": "GET", "path": "/v3/auth/*"}]
        made = make(access_rules=rules)
        user = use(made)
        assert user("GET", "/auth/projects").status_code == 200
        assert user("DELETE", "/auth/tokens").status_code == 401
        assert user("GET", where).status_code == 401
        kept = f"/users/{at['users']['alice']}/access_rules"
        rule, = alice.ok("GET", kept)["access_rules"]
        assert alice.ok("GET", f"{kept}/{rule['id']}")["access_rule"] == rule
        assert alice("DELETE", f"{kept}/{rule['id']}").status_code == 403
        alice.ok("DELETE", f"{where}/{made['id']}")
        assert alice("DELETE", f"{kept}/{rule['id']}").status_code == 204
        assert alice("GET", f"{kept}/{rule['id']}").status_code == 404


def test_a_credential_has_so_many_access_rules(alice):
    me = alice.ok("GET", "/auth/tokens", X_Subject_Token=alice.token)["token"]["user"]["id"]

    def create(count, path="/"):
        rules = [{"service": "compute", "method": "GET", "path": f"{path}{n}"}
                 for n in range(count)]
        body = {"application_credential": {"name": "many", "access_rules": rules}}
        reply = alice("POST", f"/users/{me}/application_credentials", body)
        assert reply.status_code == 201 or "access_rules" in reply.json["error"]["message"]
        return reply.status_code

    assert create(65) == 400
    assert create(40, "/" + "x" * 200) == 400
    assert create(40) == 201


def test_a_token_without_a_scope_gives_nothing_away(login, at):
    me, nova = at["users"]["alice"], at["users"]["nova"]
    for scope in ("unscoped", None):
        alice = login("alice", scope=scope)
        body = {"application_credential": {"name": "x", "unrestricted": True}}
        assert alice("POST", f"/users/{me}/application_credentials", body).status_code == 403
        trust = {"trust": {"trustor_user_id": me, "trustee_user_id": nova, "impersonation": True,
                           "project_id": at["projects"]["red"], "roles": [{"name": "reader"}]}}
        assert alice("POST", "/OS-TRUST/trusts", trust).status_code == 403
        pair = {"tenant_id": at["projects"]["red"]}
        assert alice("POST", f"/users/{me}/credentials/OS-EC2", pair).status_code == 403
        ec2 = {"credential": {"type": "ec2", "project_id": at["projects"]["red"],
                              "blob": '{"access": "a", "secret": "s"}'}}
        assert alice("POST", "/credentials", ec2).status_code == 403
