"""Domains, projects, users, groups, roles, the catalog: made, found, changed, gone."""

import pytest

from .conftest import Caller, project

MAKE = {
    "domains": {"name": "green"},
    "projects": {"name": "lake", "tags": ["wet"], "colour": "blue"},
    "users": {"name": "bob", "email": "bob@example.org"},
    "groups": {"name": "crew", "description": "all hands"},
    "roles": {"name": "cook"},
    "regions": {"id": "North"},
    "services": {"type": "dns", "name": "names", "description": "Names"},
    "policies": {"type": "text/plain", "blob": "all"},
    "credentials": {"type": "note", "blob": "hush"},
}
KINDS = {"policies": "policy"}


def kind(path):
    return KINDS.get(path, path.rstrip("s"))


def make(admin, path):
    return admin.ok("POST", f"/{path}", {kind(path): MAKE[path]})[kind(path)]


@pytest.mark.parametrize("path", MAKE)
def test_made_shown_listed_changed_and_gone(admin, path):
    made = make(admin, path)
    assert MAKE[path].items() <= made.items()
    assert made["links"]["self"] == f"http://localhost/v3/{path}/{made['id']}"
    where = f"/{path}/{made['id']}"
    assert admin.ok("GET", where)[kind(path)] == made
    assert made["id"] in [each["id"] for each in admin.ok("GET", f"/{path}")[path]]
    wanted = {"blob": "other"} if "blob" in made else {"description": "other"}
    changed = admin.ok("PATCH", where, {kind(path): wanted})[kind(path)]
    assert wanted.items() <= changed.items()
    assert admin.ok("GET", where)[kind(path)] == changed
    if path == "domains":
        assert admin("DELETE", where).status_code == 403
        admin.ok("PATCH", where, {"domain": {"enabled": False}})
    assert admin("DELETE", where).status_code == 204
    reply = admin("GET", where)
    assert reply.status_code == 404
    assert f"Could not find {kind(path)}: {made['id']}" in reply.json["error"]["message"]


@pytest.mark.parametrize("path", MAKE)
def test_who_may_not(alice, anyone, path):
    if path != "credentials":  # One's own are.
        assert alice("POST", f"/{path}", {kind(path): MAKE[path]}).status_code == 403
    assert anyone("POST", f"/{path}", {kind(path): MAKE[path]}).status_code == 401
    if path not in ("regions", "credentials"):
        reply = alice("GET", f"/{path}")
        assert reply.status_code == 403
        assert "You are not authorized" in reply.json["error"]["message"]


@pytest.mark.parametrize(("path", "wanted", "field"), [
    ("domains", {}, "name"), ("domains", {"name": "x" * 65}, "domain.name"),
    ("projects", {"name": " "}, "project.name"), ("projects", {"name": "a", "enabled": "yes"},
                                                  "project.enabled"),
    ("projects", {"name": "a", "tags": ["a,b"]}, "project.tags"),
    ("projects", {"name": "a", "options": {"magic": True}}, "options.magic"),
    ("users", {"name": ""}, "user.name"), ("users", {"name": "a", "password": 1}, "user.password"),
    ("groups", {"name": 3}, "group.name"), ("roles", {}, "name"),
    ("services", {"name": "a"}, "type"),
    ("endpoints", {"interface": "side", "url": "http://x", "service_id": "y"}, "interface"),
    ("endpoints", {"interface": "public", "url": "http://x", "service_id": "y"}, "service_id"),
    ("credentials", {"type": "ec2", "blob": "no JSON", "project_id": "p"}, "blob"),
])
def test_a_wrong_body_is_told_which_field(admin, path, wanted, field):
    reply = admin("POST", f"/{path}", {kind(path): wanted})
    assert reply.status_code == 400
    assert field in reply.json["error"]["message"]


@pytest.mark.parametrize("path", ["domains", "projects", "users", "groups", "roles", "regions"])
def test_a_name_is_had_once(admin, path):
    make(admin, path)
    reply = admin("POST", f"/{path}", {kind(path): MAKE[path]})
    assert reply.status_code == 409
    assert "Duplicate" in reply.json["error"]["message"]


def test_names_are_compared_exactly_but_roles_are_not(admin):
    admin.make("users", name="Bob")
    admin.make("users", name="bob")
    admin.make("roles", name="cook")
    assert admin("POST", "/roles", {"role": {"name": "Cook"}}).status_code == 409


def test_lists_are_narrowed_and_paged(admin):
    for name in ("ann", "anna", "bea"):
        admin.make("users", name=name, enabled=name != "bea")
    def names(query):
        return {u["name"] for u in admin.ok("GET", f"/users?{query}")["users"]}
    assert names("name=ann") == {"ann"}
    assert names("name__contains=nn") == {"ann", "anna"}
    assert names("name__startswith=b") == {"bea"}
    assert names("enabled=false") == {"bea"}
    seen, page = [], admin.ok("GET", "/users?limit=2")
    while True:
        seen += [user["name"] for user in page["users"]]
        if page["links"]["next"] is None:
            break
        page = admin.ok("GET", page["links"]["next"].removeprefix("http://localhost/v3"))
    assert sorted(seen) == ["admin", "alice", "ann", "anna", "bea", "nova"]


def test_a_tree_of_projects(admin):
    top = admin.make("projects", name="top")
    mid = admin.make("projects", name="mid", parent_id=top["id"])
    low = admin.make("projects", name="low", parent_id=mid["id"])
    assert admin("DELETE", f"/projects/{mid['id']}").status_code == 403
    off = {"project": {"enabled": False}}
    assert admin("PATCH", f"/projects/{top['id']}", off).status_code == 403
    for each in (low, mid, top):
        admin.ok("PATCH", f"/projects/{each['id']}", off)
    on = admin("PATCH", f"/projects/{low['id']}", {"project": {"enabled": True}})
    assert on.status_code == 403
    shown = admin.ok("GET", f"/projects/{low['id']}?parents_as_ids")["project"]
    assert shown["parents"] == {mid["id"]: {top["id"]: {"default": None}}}
    shown = admin.ok("GET", f"/projects/{top['id']}?subtree_as_ids")["project"]
    assert shown["subtree"] == {mid["id"]: {low["id"]: None}}
    fixed = admin("PATCH", f"/projects/{low['id']}", {"project": {"parent_id": top["id"]}})
    assert fixed.status_code == 403
    both = admin("GET", f"/projects/{low['id']}?parents_as_ids&parents_as_list")
    assert both.status_code == 400


def test_of_a_branch_one_sees_the_projects_one_has_a_role_on(admin):
    top = admin.make("projects", name="top")
    low = admin.make("projects", name="low", parent_id=top["id"])
    where = f"/projects/{top['id']}?subtree_as_list"
    assert admin.ok("GET", where)["project"]["subtree"] == []
    roles = {role["name"]: role["id"] for role in admin.ok("GET", "/roles")["roles"]}
    user = admin.ok("GET", "/users?name=admin")["users"][0]["id"]
    admin.ok("PUT", f"/projects/{low['id']}/users/{user}/roles/{roles['reader']}")
    found = admin.ok("GET", where)["project"]["subtree"]
    assert [each["project"]["id"] for each in found] == [low["id"]]


def test_projects_nest_five_deep(admin):
    above = {}
    for number in range(5):
        made = admin.make("projects", name=f"p{number}", **above)
        above = {"parent_id": made["id"]}
    reply = admin("POST", "/projects", {"project": {"name": "deep", **above}})
    assert reply.status_code == 403


def test_what_is_immutable_stays_until_it_is_freed(admin):
    made = admin.make("projects", name="rock", options={"immutable": True})
    where = f"/projects/{made['id']}"
    free = {"immutable": False}
    for wanted in ({"name": "sand"}, {"name": "sand", "options": free}, {"tags": ["soft"]}):
        assert admin("PATCH", where, {"project": wanted}).status_code == 403
    for method, path in (("PUT", "/tags/soft"), ("DELETE", "/tags"), ("DELETE", "")):
        assert admin(method, where + path).status_code == 403
    admin.ok("PATCH", where, {"project": {"options": free}})
    assert admin("DELETE", where).status_code == 204


def test_a_page_begins_after_something_that_is_there(admin):
    assert admin("GET", "/users?marker=nobody").status_code == 404


@pytest.mark.parametrize("path", ["projects", "groups", "services", "policies"])
def test_an_id_never_changes(admin, path):
    made = make(admin, path)
    reply = admin("PATCH", f"/{path}/{made['id']}", {kind(path): {"id": "other"}})
    assert reply.status_code == 400


def test_tags(admin):
    lake, hill = (admin.make("projects", name=n)["id"] for n in ("lake", "hill"))
    admin.ok("PUT", f"/projects/{lake}/tags", {"tags": ["wet", "cold"]})
    assert admin("PUT", f"/projects/{hill}/tags/cold").status_code == 201
    assert admin.ok("GET", f"/projects/{lake}/tags")["tags"] == ["cold", "wet"]
    assert admin("GET", f"/projects/{hill}/tags/cold").status_code == 204
    def found(query):
        return {p["name"] for p in admin.ok("GET", f"/projects?{query}")["projects"]}
    assert found("tags=wet,cold") == {"lake"}
    assert found("tags-any=wet,cold") == {"lake", "hill"}
    assert "lake" not in found("not-tags=wet")
    admin.ok("DELETE", f"/projects/{lake}/tags/wet")
    assert admin("DELETE", f"/projects/{lake}/tags/wet").status_code == 404
    admin.ok("DELETE", f"/projects/{lake}/tags")
    assert admin.ok("GET", f"/projects/{lake}/tags")["tags"] == []


def test_a_domain_goes_with_all_that_is_in_it(admin, world):
    admin.ok("PATCH", f"/domains/{world.domain_id}", {"domain": {"enabled": False}})
    assert admin("DELETE", f"/domains/{world.domain_id}").status_code == 204
    assert admin("GET", f"/projects/{world.project_id}").status_code == 404
    assert admin("GET", f"/users/{world.user['member']}").status_code == 404


def test_what_is_immutable(admin):
    role = next(r for r in admin.ok("GET", "/roles")["roles"] if r["name"] == "member")
    assert admin("DELETE", f"/roles/{role['id']}").status_code == 403
    renamed = admin("PATCH", f"/roles/{role['id']}", {"role": {"name": "limb"}})
    assert renamed.status_code == 403
    admin.ok("PATCH", f"/roles/{role['id']}", {"role": {"options": {"immutable": None}}})
    assert admin("DELETE", f"/roles/{role['id']}").status_code == 204


def test_a_user_changes_the_password_with_the_password(admin, anyone, login):
    alice = admin.ok("GET", "/users?name=alice")["users"][0]["id"]
    def change(original, wanted="new"):
        body = {"user": {"original_password": original, "password": wanted}}
        return anyone("POST", f"/users/{alice}/password", body).status_code
    assert change("wrong") == 401
    assert change("alice's") == 204
    assert change("alice's") == 401
    login("alice", "new", project("red"))


def test_a_user_sees_oneself_and_no_other(admin, alice):
    me, nova = (admin.ok("GET", f"/users?name={n}")["users"][0]["id"] for n in ("alice", "nova"))
    assert alice.ok("GET", f"/users/{me}")["user"]["name"] == "alice"
    assert [p["name"] for p in alice.ok("GET", f"/users/{me}/projects")["projects"]] == ["red"]
    assert alice("GET", f"/users/{nova}").status_code == 403
    assert alice("GET", "/users/nobody").status_code == 403


def test_members_of_a_group(admin):
    group = admin.make("groups", name="crew")["id"]
    bob = admin.make("users", name="bob")["id"]
    where = f"/groups/{group}/users/{bob}"
    assert admin("GET", where).status_code == 404
    for _ in range(2):
        assert admin("PUT", where).status_code == 204
    assert admin("HEAD", where).status_code == 204
    assert [u["name"] for u in admin.ok("GET", f"/groups/{group}/users")["users"]] == ["bob"]
    assert [g["name"] for g in admin.ok("GET", f"/users/{bob}/groups")["groups"]] == ["crew"]
    assert admin("DELETE", where).status_code == 204
    assert admin("DELETE", where).status_code == 404


def test_regions_are_a_tree(admin):
    admin.ok("PUT", "/regions/North", {"region": {}})
    east = admin.make("regions", id="East", parent_region_id="North")
    assert east["parent_region_id"] == "North"
    around = admin("PATCH", "/regions/North", {"region": {"parent_region_id": "East"}})
    assert around.status_code == 400
    service = admin.make("services", type="dns")["id"]
    endpoint = admin.make("endpoints", service_id=service, interface="public", url="http://x",
                          region_id="East")["id"]
    assert admin("DELETE", "/regions/North").status_code == 403
    admin.ok("DELETE", f"/endpoints/{endpoint}")
    admin.ok("DELETE", "/regions/North")
    assert admin("GET", "/regions/East").status_code == 404


def test_a_service_takes_its_endpoints_along(admin):
    service = admin.make("services", type="dns")["id"]
    endpoint = admin.make("endpoints", service_id=service, interface="public", url="http://x")["id"]
    admin.ok("DELETE", f"/services/{service}")
    assert admin("GET", f"/endpoints/{endpoint}").status_code == 404


def test_credentials_are_encrypted_and_ones_own(admin, alice, db):
    made = alice.make("credentials", type="note", blob="hush")
    assert made["blob"] == "hush"
    with db.engine.connect() as connection:
        (stored,) = connection.exec_driver_sql("SELECT blob FROM credentials").fetchone()
    assert "hush" not in stored
    mine = admin.make("credentials", type="note", blob="other")
    assert [c["id"] for c in alice.ok("GET", "/credentials")["credentials"]] == [made["id"]]
    assert alice("GET", f"/credentials/{mine['id']}").status_code == 403
    for given in ({"user_id": mine["user_id"]}, {"type": "cert"}, {"project_id": "x"}):
        moved = alice("PATCH", f"/credentials/{made['id']}", {"credential": given})
        assert moved.status_code == 400


def test_ec2_pairs(admin, alice):
    me = admin.ok("GET", "/users?name=alice")["users"][0]["id"]
    red = admin.ok("GET", "/projects?name=red")["projects"][0]["id"]
    where = f"/users/{me}/credentials/OS-EC2"
    pair = alice.ok("POST", where, {"tenant_id": red})["credential"]
    assert alice.ok("GET", f"{where}/{pair['access']}")["credential"] == pair
    assert alice.ok("GET", where)["credentials"] == [pair]
    assert alice("DELETE", f"{where}/{pair['access']}").status_code == 204
    assert alice("GET", f"{where}/{pair['access']}").status_code == 404


class TestADomainsManager:
    """Manages its own domain, and sees no other domain's name."""

    @pytest.fixture
    def manager(self, world) -> Caller:
        return world.as_("manager")

    def test_makes_users_projects_and_groups_at_home(self, manager, world):
        for path, name in (("users", "bea"), ("projects", "bay"), ("groups", "bees")):
            made = manager.make(path, name=name, domain_id=world.domain_id)
            assert made["domain_id"] == world.domain_id
            assert manager("DELETE", f"/{path}/{made['id']}").status_code == 204

    def test_and_nowhere_else(self, manager):
        for path in ("users", "projects", "groups"):
            wanted = {path.rstrip("s"): {"name": "x", "domain_id": "default"}}
            assert manager("POST", f"/{path}", wanted).status_code == 403

    def test_sees_only_its_own(self, manager, world, admin):
        assert [d["name"] for d in manager.ok("GET", "/domains")["domains"]] == ["blue"]
        users = manager.ok("GET", "/users")["users"]
        assert {u["name"] for u in users} == {"manager", "member"}
        assert [p["name"] for p in manager.ok("GET", "/projects")["projects"]] == ["sea"]
        assert manager("GET", "/domains/default").status_code == 403
        alice = admin.ok("GET", "/users?name=alice")["users"][0]["id"]
        assert manager("GET", f"/users/{alice}").status_code == 403
        found = manager.ok("GET", "/role_assignments?include_names")["role_assignments"]
        assert {a["user"]["name"] for a in found} == {"manager", "member"}

    def test_grants_what_a_manager_may(self, manager, world):
        where = f"/projects/{world.project_id}/users/{world.user['member']}/roles"
        assert manager("PUT", f"{where}/{world.role['member']}").status_code == 204
        assert manager("PUT", f"{where}/{world.role['admin']}").status_code == 403

    def test_a_member_of_the_domain_changes_nothing(self, world):
        member = world.as_("member")
        assert [u["name"] for u in member.ok("GET", "/users?name=member")["users"]] == ["member"]
        wanted = {"user": {"name": "x", "domain_id": world.domain_id}}
        assert member("POST", "/users", wanted).status_code == 403


@pytest.mark.parametrize("sign", ["\0", "\n", "\r"])
@pytest.mark.parametrize(("path", "more"), [
    ("domains", {}), ("projects", {}), ("users", {}), ("groups", {}), ("roles", {}),
    ("services", {"type": "dns"}),
])
def test_names_have_no_control_characters(admin, path, more, sign):
    kind = path.rstrip("s")
    reply = admin("POST", f"/{path}", {kind: {"name": f"a{sign}b", **more}})
    assert reply.status_code == 400
    assert f"{kind}.name" in reply.json["error"]["message"]


@pytest.mark.parametrize("id_", ["a/b", "a\nb", "a\0"])
def test_a_region_can_be_addressed(admin, id_):
    reply = admin("POST", "/regions", {"region": {"id": id_}})
    assert reply.status_code == 400
    assert "region.id" in reply.json["error"]["message"]


def test_a_tag_in_a_path_is_a_name(admin):
    made = admin.make("projects", name="tagged")
    assert admin("PUT", f"/projects/{made['id']}/tags/a%0Ab").status_code == 400
    assert admin("DELETE", f"/projects/{made['id']}/tags/a%0Ab").status_code == 404
    assert admin("PUT", f"/projects/{made['id']}/tags/a%20b").status_code == 201
def test_of_a_project_that_is_gone_it_says_so_by_its_id(admin):
    """What a purge of other services goes by, which no proxy on the way would say."""
    gone = "0" * 32
    answer = admin("GET", f"/projects/{gone}")
    assert answer.status_code == 404
    assert gone in answer.json["error"]["message"]
