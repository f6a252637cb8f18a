"""Roles: granted directly, by a group, by inheritance, by implication; and listed."""

import pytest

from .conftest import project


@pytest.fixture
def at(admin):
    """Ids by kind and name."""
    return {kind: {each["name"]: each["id"] for each in admin.ok("GET", f"/{kind}")[kind]}
            for kind in ("users", "projects", "roles")}


def roles(login, *, scope, name="alice"):
    caller = login(name, scope=scope)
    token = caller.ok("GET", "/auth/tokens", X_Subject_Token=caller.token)["token"]
    return {role["name"] for role in token["roles"]}


@pytest.mark.parametrize("place", ["projects", "domains", "system"])
@pytest.mark.parametrize("who", ["users", "groups"])
def test_granted_checked_listed_and_taken(admin, at, place, who):
    actor = at["users"]["alice"] if who == "users" else admin.make("groups", name="g")["id"]
    ids = {"projects": "projects/" + at["projects"]["service"], "domains": "domains/default",
           "system": "system"}
    where = f"/{ids[place]}/{who}/{actor}/roles"
    one = f"{where}/{at['roles']['reader']}"
    assert admin("GET", one).status_code == 404
    for _ in range(2):
        assert admin("PUT", one).status_code == 204
    assert admin("HEAD", one).status_code == 204
    assert [role["name"] for role in admin.ok("GET", where)["roles"]] == ["reader"]
    assert admin("DELETE", one).status_code == 204
    assert admin("DELETE", one).status_code == 404


def test_nobody_grants_without_right(alice, at):
    where = f"/projects/{at['projects']['red']}/users/{at['users']['alice']}/roles"
    assert alice("PUT", f"{where}/{at['roles']['admin']}").status_code == 403
    assert alice("GET", where).status_code == 403
    where = f"/system/users/{at['users']['alice']}/roles/{at['roles']['admin']}"
    assert alice("PUT", where).status_code == 403


@pytest.mark.parametrize("missing", ["projects", "users", "roles"])
def test_what_is_not_there_is_named(admin, at, missing):
    ids = {"projects": at["projects"]["red"], "users": at["users"]["alice"],
           "roles": at["roles"]["member"], missing: "gone"}
    reply = admin(
        "PUT", f"/projects/{ids['projects']}/users/{ids['users']}/roles/{ids['roles']}"
    )
    assert reply.status_code == 404
    assert f"Could not find {missing.rstrip('s')}: gone" in reply.json["error"]["message"]


def test_a_role_comes_by_a_group(admin, at, login):
    group = admin.make("groups", name="crew")["id"]
    admin.ok("PUT", f"/groups/{group}/users/{at['users']['alice']}")
    role, service = at["roles"]["manager"], at["projects"]["service"]
    admin.ok("PUT", f"/projects/{service}/groups/{group}/roles/{role}")
    assert roles(login, scope=project("service")) == {"manager", "member", "reader"}


def test_a_role_comes_from_above(admin, at, login):
    top = admin.make("projects", name="top")["id"]
    admin.make("projects", name="low", parent_id=top)
    alice, reader = at["users"]["alice"], at["roles"]["reader"]
    admin.ok("PUT", f"/OS-INHERIT/projects/{top}/users/{alice}/roles/{reader}"
                    "/inherited_to_projects")
    assert roles(login, scope=project("low")) == {"reader"}
    admin.ok("PUT", f"/OS-INHERIT/domains/default/users/{alice}/roles/{at['roles']['manager']}"
                    "/inherited_to_projects")
    assert "manager" in roles(login, scope=project("top"))
    assert {"top", "low", "red"} <= {
        p["name"] for p in login("alice").ok("GET", "/auth/projects")["projects"]
    }


def test_a_domains_role_is_what_it_implies(admin, at, login):
    own = admin.make("roles", name="own", domain_id="default")["id"]
    assert admin("PUT", f"/roles/{own}/implies/{at['roles']['reader']}").status_code == 201
    where = f"/projects/{at['projects']['service']}/users/{at['users']['alice']}/roles/{own}"
    admin.ok("PUT", where)
    assert roles(login, scope=project("service")) == {"reader"}
    back = admin("PUT", f"/roles/{at['roles']['reader']}/implies/{own}")
    assert back.status_code == 403


def test_implied_roles(admin, at):
    cook = admin.make("roles", name="cook")["id"]
    where = f"/roles/{cook}/implies/{at['roles']['reader']}"
    assert admin("GET", where).status_code == 404
    rule = admin.ok("PUT", where)["role_inference"]
    assert (rule["prior_role"]["name"], rule["implies"]["name"]) == ("cook", "reader")
    assert admin("HEAD", where).status_code == 204
    assert len(admin.ok("GET", f"/roles/{cook}/implies")["role_inference"]["implies"]) == 1
    assert len(admin.ok("GET", "/role_inferences")["role_inferences"]) == 4
    assert admin("PUT", f"/roles/{at['roles']['reader']}/implies/{cook}").status_code == 400
    assert admin("PUT", f"/roles/{cook}/implies/{at['roles']['admin']}").status_code == 403
    assert admin("DELETE", where).status_code == 204
    assert admin("DELETE", where).status_code == 404


class TestTheList:
    def found(self, admin, query):
        listed = admin.ok("GET", f"/role_assignments?{query}")["role_assignments"]
        return [(each["role"].get("name"), each.get("user", each.get("group"))["id"],
                 next(iter(each["scope"]))) for each in listed]

    def test_is_narrowed(self, admin, at):
        alice = at["users"]["alice"]
        assert self.found(admin, f"user.id={alice}&include_names") == [("member", alice, "project")]
        assert len(self.found(admin, f"role.id={at['roles']['admin']}")) == 2
        assert len(self.found(admin, "scope.system=all")) == 1
        assert len(self.found(admin, f"scope.project.id={at['projects']['red']}")) == 1
        assert self.found(admin, "scope.domain.id=default") == []

    def test_says_what_comes_of_groups_implication_and_inheritance(self, admin, at):
        alice, red = at["users"]["alice"], at["projects"]["red"]
        group = admin.make("groups", name="crew")["id"]
        admin.ok("PUT", f"/groups/{group}/users/{alice}")
        admin.ok("PUT", f"/OS-INHERIT/domains/default/groups/{group}/roles"
                        f"/{at['roles']['manager']}/inherited_to_projects")
        query = f"effective&user.id={alice}&scope.project.id={red}&include_names"
        every = admin.ok("GET", f"/role_assignments?{query}")["role_assignments"]
        assert {e["role"]["name"] for e in every} == {"manager", "member", "reader"}
        by_group = [e for e in every if "membership" in e["links"]]
        assert by_group and all(group in e["links"]["membership"] for e in by_group)
        assert any("prior_role" in e["links"] for e in every)

    def test_of_a_subtree(self, admin, at):
        low = admin.make("projects", name="low", parent_id=at["projects"]["red"])["id"]
        where = f"/projects/{low}/users/{at['users']['nova']}/roles/{at['roles']['reader']}"
        admin.ok("PUT", where)
        query = f"scope.project.id={at['projects']['red']}&include_subtree"
        assert len(self.found(admin, query)) == 2
        assert admin("GET", "/role_assignments?include_subtree").status_code == 400

    def test_refuses_contradictions(self, admin, at):
        both = "scope.system=all&scope.domain.id=default"
        assert admin("GET", f"/role_assignments?{both}").status_code == 400
        assert admin("GET", "/role_assignments?user.id=a&group.id=b").status_code == 400

    def test_is_not_for_everybody(self, alice):
        assert alice("GET", "/role_assignments").status_code == 403


def test_a_domains_role_is_for_its_own_projects(admin, at, world):
    own = admin.make("roles", name="own", domain_id=world.domain_id)["id"]
    user = world.user["member"]
    assert admin("PUT", f"/projects/{world.project_id}/users/{user}/roles/{own}").status_code == 204
    red = at["projects"]["red"]
    assert admin("PUT", f"/projects/{red}/users/{user}/roles/{own}").status_code == 403
    assert admin("PUT", f"/system/users/{user}/roles/{own}").status_code == 400


def test_what_implies_twice_is_told(admin, at):
    cook = admin.make("roles", name="cook")["id"]
    where = f"/roles/{cook}/implies/{at['roles']['reader']}"
    assert [admin("PUT", where).status_code for _ in range(2)] == [201, 409]
