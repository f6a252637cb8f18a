"""How users, projects and domains are found by their names (ADR 0009)."""

import pytest

from .conftest import asking, project


def named(name="alice", password="alice's", user_domain="Default", project_domain=None):
    user = {"name": name, "domain": {"name": user_domain}, "password": password}
    auth = {"identity": {"methods": ["password"], "password": {"user": user}}}
    if project_domain is not None:
        auth["scope"] = {"project": {"name": "red", "domain": {"name": project_domain}}}
    return {"auth": auth}


@pytest.mark.parametrize("name", ["Default", "default", "DEFAULT"])
def test_the_default_domain_is_found_in_any_case(client, admin, name):
    body = named(user_domain=name, project_domain=name)
    assert client.post("/v3/auth/tokens", json=body).status_code == 201
    scope = {"domain": {"name": name}}
    roles = {role["name"]: role["id"] for role in admin.ok("GET", "/roles")["roles"]}
    me = admin.ok("GET", "/users?name=alice")["users"][0]["id"]
    admin.ok("PUT", f"/domains/default/users/{me}/roles/{roles['reader']}")
    assert client.post("/v3/auth/tokens", json=asking("alice", "alice's", scope)).status_code == 201


def test_a_domain_that_is_named_exactly_so_is_that_one(client, admin):
    admin.make("domains", name="default")
    assert client.post("/v3/auth/tokens", json=named(user_domain="default")).status_code == 401
    body = named(user_domain="Default", project_domain="default")
    assert client.post("/v3/auth/tokens", json=body).status_code == 401
    assert client.post("/v3/auth/tokens", json=named(user_domain="DEFAULT")).status_code == 201


@pytest.mark.parametrize("body", [
    named("Alice"), named("alice "), named(user_domain="Default "),
    named(user_domain="default", project_domain=" default"),
])
def test_nothing_else_is_taken_for_another(client, body):
    assert client.post("/v3/auth/tokens", json=body).status_code == 401


def test_no_other_domain_is_found_in_another_case(client, world):
    body = named("member", "member's", "Blue")
    assert client.post("/v3/auth/tokens", json=body).status_code == 401


def test_an_application_credential_with_a_scope_is_told_why_it_is_refused(client, alice):
    me = alice.ok("GET", "/auth/tokens", X_Subject_Token=alice.token)["token"]["user"]["id"]
    made = alice.ok("POST", f"/users/{me}/application_credentials",
                    {"application_credential": {"name": "ci"}})["application_credential"]
    identity = {"methods": ["application_credential"],
                "application_credential": {"id": made["id"], "secret": made["secret"]}}
    reply = client.post("/v3/auth/tokens", json={
        "auth": {"identity": identity, "scope": project("red")}})
    assert reply.status_code == 401
    assert reply.json["error"]["message"] == (
        "Error authenticating with application credential: Application credentials cannot request "
        "a scope.")
    identity["application_credential"]["secret"] = "guessed"
    reply = client.post("/v3/auth/tokens", json={
        "auth": {"identity": identity, "scope": project("red")}})
    assert "scope" not in reply.json["error"]["message"]
