"""Tokens: who gets one, for what, and when it ends."""

import time
from dataclasses import replace
from types import SimpleNamespace

import pytest

from cairn.common.auth import Listener
from cairn.common.errors import Unauthorized
from cairn.common.rpc import Bus
from cairn.common.settings import MessagingSettings
from cairn.common.tokens import Verifier
from cairn.keystone.db.models import Revoked

from .conftest import SYSTEM, Caller, asking, client_of, process, project


def ids(admin, kind):
    return {each["name"]: each["id"] for each in admin.ok("GET", f"/{kind}")[kind]}


def test_versions_are_found_by_anyone(client):
    root = client.get("/")
    assert root.status_code == 300
    assert root.json["versions"]["values"][0]["id"] == "v3.14"
    assert client.get("/v3").json["version"]["links"][0]["href"] == "http://localhost/v3/"


def test_a_project_token_says_who_where_and_what(client):
    reply = client.post("/v3/auth/tokens", json=asking("alice", "alice's", project("red")))
    token = reply.json["token"]
    assert reply.status_code == 201
    assert token["user"]["name"] == "alice"
    assert token["project"]["name"] == "red"
    assert {role["name"] for role in token["roles"]} == {"member", "reader"}
    assert token["is_domain"] is False
    assert len(token["audit_ids"]) == 1


def test_the_catalog_has_the_callers_project_in_it(admin, alice):
    red = ids(admin, "projects")["red"]
    catalog = alice.ok("GET", "/auth/catalog")["catalog"]
    assert {s["type"]: s["endpoints"][0]["url"] for s in catalog} == {
        "identity": "https://cloud/identity/v3", "volume": f"https://cloud/{red}",
    }


def test_an_unscoped_token_has_neither_roles_nor_catalog(client):
    token = client.post("/v3/auth/tokens", json=asking("alice", "alice's")).json["token"]
    assert "roles" not in token and "catalog" not in token and "project" not in token


def test_without_a_project_there_is_none(login):
    assert login("alice")("GET", "/auth/catalog").status_code == 403
    assert login("admin", "root's", SYSTEM)("GET", "/auth/catalog").status_code == 403


def test_nocatalog(client):
    body = asking("alice", "alice's", project("red"))
    assert "catalog" not in client.post("/v3/auth/tokens?nocatalog", json=body).json["token"]


def test_a_new_endpoint_is_in_the_next_catalog(admin, alice):
    service = admin.make("services", type="dns", name="names")
    admin.make("endpoints", service_id=service["id"], interface="public", url="https://dns",
               region_id="RegionOne")
    found = {s["type"] for s in alice.ok("GET", "/auth/catalog")["catalog"]}
    assert "dns" in found


@pytest.mark.parametrize("scope", [
    {"project": {"name": "red", "domain": {"name": "Default"}}}, project("red"),
])
def test_the_ways_to_name_a_scope(login, scope):
    assert login("alice", scope=scope).ok("GET", "/auth/projects")["projects"][0]["name"] == "red"


def test_system_and_domain_scope(client, admin):
    token = client.post("/v3/auth/tokens", json=asking("admin", "root's", SYSTEM)).json["token"]
    assert token["system"] == {"all": True}
    admin_id, role = token["user"]["id"], ids(admin, "roles")["member"]
    admin.ok("PUT", f"/domains/default/users/{admin_id}/roles/{role}")
    for domain in ({"id": "default"}, {"name": "Default"}):
        body = asking("admin", "root's", {"domain": domain})
        token = client.post("/v3/auth/tokens", json=body).json["token"]
        assert token["domain"] == {"id": "default", "name": "Default"}


@pytest.mark.parametrize("body", [
    asking("alice", "wrong"), asking("nobody", "alice's"),
    asking("alice", "alice's", project("admin")), asking("alice", "alice's", SYSTEM),
    asking("alice", "alice's", {"domain": {"id": "default"}}),
    asking("alice", "alice's", project("nowhere")),
    {"auth": {"identity": {"methods": ["magic"], "magic": {}}}},
    {"auth": {"identity": {"methods": []}}},
])
def test_whatever_is_wrong_the_stranger_hears_the_same(client, body):
    reply = client.post("/v3/auth/tokens", json=body)
    assert reply.status_code == 401
    assert reply.json == {"error": {
        "code": 401, "title": "Unauthorized",
        "message": "The request you have made requires authentication.",
    }}


def test_a_token_that_is_none_gets_none(client, alice):
    alice.ok("DELETE", "/auth/tokens", X_Subject_Token=alice.token)
    for text in ("forged", alice.token):
        body = {"auth": {"identity": {"methods": ["token"], "token": {"id": text}}}}
        assert client.post("/v3/auth/tokens", json=body).status_code == 404


@pytest.mark.parametrize(("body", "field"), [
    ({}, "auth"), ({"auth": {}}, "identity"),
    ({"auth": {"identity": {"methods": "password"}}}, "auth.identity.methods"),
    ({"auth": {"identity": {"methods": ["password"]}}}, "password"),
    (asking("alice", 7), "auth.identity.password.user.password"),
    (asking("alice", "alice's", {"project": {"name": "red"}}), "auth.scope.project"),
    (asking("alice", "alice's", {}), "auth.scope"),
])
def test_a_request_that_is_not_one_is_told_which_field(client, body, field):
    reply = client.post("/v3/auth/tokens", json=body)
    assert reply.status_code == 400
    assert field in reply.json["error"]["message"]


def test_rescoping_keeps_the_chain_and_the_end(client, login):
    first = login("alice")
    was = first.ok("GET", "/auth/tokens", X_Subject_Token=first.token)["token"]
    body = {"auth": {"identity": {"methods": ["token"], "token": {"id": first.token}},
                     "scope": project("red")}}
    token = client.post("/v3/auth/tokens", json=body).json["token"]
    assert token["methods"] == ["token", "password"]
    assert token["audit_ids"][1:] == was["audit_ids"]
    assert token["expires_at"] == was["expires_at"]


def test_the_default_project_is_the_scope_unless_told_otherwise(client, admin):
    red = ids(admin, "projects")["red"]
    alice = ids(admin, "users")["alice"]
    admin.ok("PATCH", f"/users/{alice}", {"user": {"default_project_id": red}})
    body = asking("alice", "alice's")
    assert client.post("/v3/auth/tokens", json=body).json["token"]["project"]["id"] == red
    body = asking("alice", "alice's", "unscoped")
    assert "project" not in client.post("/v3/auth/tokens", json=body).json["token"]


def test_validation_is_for_services_and_for_oneself(login, admin, alice, anyone):
    nova = login("nova", scope=project("service"))
    for caller in (nova, admin, alice):
        reply = caller("GET", "/auth/tokens", X_Subject_Token=alice.token)
        assert reply.status_code == 200
        assert reply.headers["X-Subject-Token"] == alice.token
    assert alice("HEAD", "/auth/tokens", X_Subject_Token=alice.token).status_code == 200
    assert alice("GET", "/auth/tokens", X_Subject_Token=nova.token).status_code == 403
    assert nova("GET", "/auth/tokens", X_Subject_Token="forged").status_code == 404
    assert anyone("GET", "/auth/tokens", X_Subject_Token=alice.token).status_code == 401
    assert alice("GET", "/auth/tokens").status_code == 404


def test_a_deleted_token_is_refused_and_others_are_told(keystone, login, admin, alice):
    other = login("alice", scope=project("red"))
    assert alice("DELETE", "/auth/tokens", X_Subject_Token=alice.token).status_code == 204
    assert alice("GET", "/auth/projects").status_code == 401
    assert admin("GET", "/auth/tokens", X_Subject_Token=alice.token).status_code == 404
    assert other("GET", "/auth/projects").status_code == 200
    (signed,) = keystone.revocations.events
    elsewhere = Verifier(str(keystone.verifier.folder))
    elsewhere.verify(alice.token)
    elsewhere.hear(signed)
    with pytest.raises(Unauthorized):
        elsewhere.verify(alice.token)


def test_another_process_refuses_at_its_next_request(db, keys, alice):
    elsewhere = Caller(client_of(process(db, keys)), alice.token)
    assert elsewhere("GET", "/auth/projects").status_code == 200
    alice.ok("DELETE", "/auth/tokens", X_Subject_Token=alice.token)
    assert elsewhere("GET", "/auth/projects").status_code == 401


def _user_disabled(admin, at):
    admin.ok("PATCH", f"/users/{at['alice']}", {"user": {"enabled": False}})


def _password_given(admin, at):
    admin.ok("PATCH", f"/users/{at['alice']}", {"user": {"password": "new"}})


def _user_deleted(admin, at):
    admin.ok("DELETE", f"/users/{at['alice']}")


def _role_taken(admin, at):
    admin.ok("DELETE", f"/projects/{at['red']}/users/{at['alice']}/roles/{at['member']}")


def _project_disabled(admin, at):
    admin.ok("PATCH", f"/projects/{at['red']}", {"project": {"enabled": False}})


def _project_deleted(admin, at):
    admin.ok("DELETE", f"/projects/{at['red']}")


def _password_changed(admin, at):
    body = {"user": {"original_password": "alice's", "password": "new"}}
    Caller(admin.client).ok("POST", f"/users/{at['alice']}/password", body)


@pytest.mark.parametrize("happens", [
    _user_disabled, _password_given, _password_changed, _user_deleted, _role_taken,
    _project_disabled, _project_deleted,
], ids=lambda f: f.__name__)
def test_what_ends_a_token(admin, alice, happens):
    at = ids(admin, "users") | ids(admin, "projects") | ids(admin, "roles")
    happens(admin, at)
    assert alice("GET", "/auth/projects").status_code == 401


def _role_deleted(admin, at):
    admin.ok("PATCH", f"/roles/{at['member']}", {"role": {"options": {"immutable": False}}})
    admin.ok("DELETE", f"/roles/{at['member']}")


def _implication_deleted(admin, at):
    admin.ok("DELETE", f"/roles/{at['member']}/implies/{at['reader']}")


@pytest.mark.parametrize("happens", [_role_deleted, _implication_deleted],
                         ids=lambda f: f.__name__)
def test_a_token_does_not_outlive_its_roles(admin, alice, happens):
    happens(admin, ids(admin, "users") | ids(admin, "roles"))
    assert alice("GET", "/auth/projects").status_code == 401


class TestChains:
    @pytest.fixture
    def rescoped(self, client):
        def rescoped(first, scope):
            body = {"auth": {"identity": {"methods": ["token"], "token": {"id": first.token}},
                             "scope": scope}}
            reply = client.post("/v3/auth/tokens", json=body)
            if reply.status_code != 201:
                return reply.status_code
            return Caller(client, reply.headers["X-Subject-Token"])
        return rescoped

    def test_those_of_a_token_end_with_it(self, login, rescoped):
        first = login("alice")
        second = rescoped(first, project("red"))
        other = login("alice")
        first.ok("DELETE", "/auth/tokens", X_Subject_Token=first.token)
        assert second("GET", "/auth/projects").status_code == 401
        assert other("GET", "/auth/projects").status_code == 200

    def test_unless_told_otherwise(self, login, rescoped):
        first = login("alice")
        second = rescoped(first, project("red"))
        first.ok("DELETE", "/auth/tokens?cascade=false", X_Subject_Token=first.token)
        assert first("GET", "/auth/projects").status_code == 401
        assert second("GET", "/auth/projects").status_code == 200

    def test_the_first_does_not_end_with_them(self, login, rescoped):
        first = login("alice")
        second = rescoped(first, project("red"))
        third = rescoped(second, "unscoped")
        second.ok("DELETE", "/auth/tokens", X_Subject_Token=second.token)
        assert first("GET", "/auth/projects").status_code == 200
        assert third("GET", "/auth/projects").status_code == 200

    def test_a_token_of_the_system_stays_there(self, login, rescoped):
        first = login("admin", "root's", SYSTEM)
        assert rescoped(first, project("admin")) == 403
        assert rescoped(first, {"domain": {"id": "default"}}) == 403
        assert rescoped(first, SYSTEM)("GET", "/auth/system").status_code == 200


def test_an_expired_token_is_shown_to_those_who_ask_for_it(keystone, login, alice, client):
    nova = login("nova", scope=project("service"))
    found = keystone.verifier.verify(alice.token)
    for ago, code in ((60, 200), (200000, 404)):
        old = replace(found, issued_at=found.issued_at - ago - 60, expires_at=time.time() - ago)
        text = keystone.signer.sign(old)
        path = "/auth/tokens?allow_expired=1"
        assert nova("GET", path, X_Subject_Token=text).status_code == code
        assert nova("GET", "/auth/tokens", X_Subject_Token=text).status_code == 404
        assert Caller(client, text)("GET", "/auth/projects").status_code == 401


def test_a_group_that_is_left_takes_its_tokens_along(admin, login, alice):
    at = ids(admin, "users") | ids(admin, "projects") | ids(admin, "roles")
    group = admin.make("groups", name="crew")
    admin.ok("PUT", f"/groups/{group['id']}/users/{at['alice']}")
    service = ids(admin, "projects")["service"]
    admin.ok("PUT", f"/projects/{service}/groups/{group['id']}/roles/{at['reader']}")
    by_group = login("alice", scope=project("service"))
    admin.ok("DELETE", f"/groups/{group['id']}/users/{at['alice']}")
    assert by_group("GET", "/auth/projects").status_code == 401
    assert alice("GET", "/auth/projects").status_code == 200


def test_a_domain_that_is_disabled_shuts_its_people_out(admin, world, client):
    manager = world.as_("manager")
    admin.ok("PATCH", f"/domains/{world.domain_id}", {"domain": {"enabled": False}})
    assert manager("GET", "/auth/domains").status_code == 401
    body = asking("manager", "manager's", None, world.domain_id)
    assert client.post("/v3/auth/tokens", json=body).status_code == 401


def test_revocations_are_for_services(admin, login, alice):
    alice.ok("DELETE", "/auth/tokens", X_Subject_Token=alice.token)
    nova = login("nova", scope=project("service"))
    (event,) = nova.ok("GET", "/OS-REVOKE/events")["events"]
    assert event["cairn"]["audit_chain_id"] == event["audit_chain_id"]
    other = login("alice", scope=project("red"))
    assert other("GET", "/OS-REVOKE/events").status_code == 403


def test_revocations_come_in_pages_and_since_a_moment(db, login):
    with db.writing() as session:
        for number in range(25):
            session.add(Revoked(issued_before=1000.0 + number, audit_id=f"a{number}"))
    nova = login("nova", scope=project("service"))
    path, seen = "/OS-REVOKE/events?limit=10", []
    while path:
        found = nova.ok("GET", path)
        assert len(found["events"]) <= 10
        seen += [event["audit_id"] for event in found["events"]]
        following = found["links"]["next"]
        path = following and "/OS-REVOKE" + following.partition("/OS-REVOKE")[2]
    assert seen == [f"a{number}" for number in range(25)]
    late = nova.ok("GET", "/OS-REVOKE/events?since=1970-01-01T00:17:00%2B00:00")["events"]
    assert [event["audit_id"] for event in late] == [f"a{number}" for number in range(20, 25)]
    for wrong in ("since=yesterday", "limit=-1", "marker=x", "marker=%D9%A1", "limit=" + "9" * 30):
        assert nova("GET", f"/OS-REVOKE/events?{wrong}").status_code == 400


def test_a_process_reads_all_once_and_then_what_is_new(db, login, keystone):
    with db.writing() as session:
        for number in range(30):
            session.add(Revoked(issued_before=time.time() - 1000 + number, audit_id=f"a{number}"))
    nova = login("nova", scope=project("service"))
    asked = []

    class Neighbours:
        def get(self, service, path):
            asked.append((path, nova("GET", path)))
            return SimpleNamespace(json=lambda: asked[-1][1].json)

    heard = []
    verifier = SimpleNamespace(revoke=lambda *events: heard.extend(e.audit_id for e in events))
    listener = Listener(verifier, Bus(MessagingSettings()), "ctl", Neighbours())
    listener.page, listener.overlap = 7, 0.5
    listener.catch_up()
    assert heard == [f"a{number}" for number in range(30)] and len(asked) == 5
    listener.catch_up()
    assert heard[30:] == ["a29"] and "since=" in asked[-1][0] and len(asked) == 6
    with db.writing() as session:
        session.add(Revoked(issued_before=time.time(), audit_id="new"))
    listener.catch_up()
    assert heard[31:] == ["a29", "new"]
