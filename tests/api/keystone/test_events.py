"""What events tell: each change of a resource once, in the transaction that makes it."""

import pytest
from sqlalchemy import event

from cairn.keystone.db.models import Event, EventReader


@pytest.fixture
def told(keystone, follow):
    """told() -> the events since the last time."""
    return follow(keystone.db, Event, EventReader)


def types(events):
    return [event.type for event in events]


def test_a_user_from_its_making_to_its_end(admin, told):
    user = admin.make("users", name="bob", password="bob's")
    made, = told()
    assert (made.type, made.resource_type, made.resource_id) == (
        "identity.user.created", "user", user["id"])
    assert made.payload == {"resource_info": user["id"]} and made.project_id == ""
    assert made.user_id
    one = f"/users/{user['id']}"
    admin.ok("PATCH", one, {"user": {"description": "x"}})
    assert admin("DELETE", one).status_code == 204
    assert types(told()) == ["identity.user.updated", "identity.user.deleted"]


def test_who_comes_to_a_group_is_told_once(admin, told):
    user, group = admin.make("users", name="bob"), admin.make("groups", name="some")
    told()
    member = f"/groups/{group['id']}/users/{user['id']}"
    for method in ("PUT", "PUT", "DELETE"):
        assert admin(method, member).status_code == 204
    added, removed = told()
    assert {added.type, removed.type} == {"identity.group.updated"}
    assert added.resource_id == group["id"]
    assert added.payload == {"resource_info": group["id"], "actor_id": user["id"],
                             "actor_type": "user", "actor_operation": "added"}
    assert removed.payload["actor_operation"] == "removed"


def test_a_grant_is_told_once(admin, told):
    user, project = admin.make("users", name="bob"), admin.make("projects", name="sea")
    role = admin.make("roles", name="sailor")
    told()
    grant = f"/projects/{project['id']}/users/{user['id']}/roles/{role['id']}"
    for method in ("PUT", "PUT", "DELETE"):
        assert admin(method, grant).status_code == 204
    events = told()
    assert types(events) == [
        "identity.role_assignment.created", "identity.role_assignment.deleted"]
    assert events[0].project_id == project["id"]
    assert events[0].payload == {
        "resource_info": role["id"], "role": role["id"], "user": user["id"],
        "project": project["id"], "inherited_to_projects": False}


def test_what_goes_along_with_a_domain_is_told_too(admin, told):
    domain = admin.make("domains", name="blue")
    for kind in ("projects", "users", "groups"):
        admin.make(kind, name="sea", domain_id=domain["id"])
    one = f"/domains/{domain['id']}"
    admin.ok("PATCH", one, {"domain": {"enabled": False}})
    told()
    assert admin("DELETE", one).status_code == 204
    assert types(told()) == [f"identity.{kind}.deleted" for kind in (
        "project", "user", "group", "project", "domain")]


def test_a_trust_is_told_with_upstreams_type(alice, admin, told):
    red = admin.ok("GET", "/projects?name=red")["projects"][0]["id"]
    users = {u["name"]: u["id"] for u in admin.ok("GET", "/users")["users"]}
    told()
    trust = alice.ok("POST", "/OS-TRUST/trusts", {"trust": {
        "trustor_user_id": users["alice"], "trustee_user_id": users["nova"],
        "impersonation": False, "project_id": red, "roles": [{"name": "member"}]}})["trust"]
    assert alice("DELETE", f"/OS-TRUST/trusts/{trust['id']}").status_code == 204
    made, gone = told()
    assert (made.type, gone.type) == (
        "identity.OS-TRUST:trust.created", "identity.OS-TRUST:trust.deleted")
    assert made.project_id == gone.project_id == red


def test_neither_a_login_nor_what_is_refused_is_told(admin, login, told):
    told()
    login("alice")
    assert admin("POST", "/users", {"user": {"name": "alice"}}).status_code == 409
    assert told() == []


def test_an_event_costs_one_statement(keystone, admin):
    statements = []

    def count(connection, cursor, statement, *_):
        statements.append(statement)

    event.listen(keystone.db.engine, "before_cursor_execute", count)
    try:
        admin.make("users", name="bob", password="bob's")
    finally:
        event.remove(keystone.db.engine, "before_cursor_execute", count)
    recording = [s for s in statements if "events" in s]
    assert len(recording) == 1 and recording[0].startswith("INSERT INTO events")
