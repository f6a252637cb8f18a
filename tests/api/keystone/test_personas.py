"""Who may do what: admin, manager, member and reader of the system, of a domain and of a project,
and service; a table. What each may do at all is told apart from what they may not by the answer to
something harmless: 403, or anything else."""

import shutil

import pytest

from cairn.common.db import Database

from .conftest import CLOUD, SYSTEM, Caller, asking, client_of, process, project

ROLES = ("admin", "manager", "member", "reader")
SCOPES = ("system", "domain", "project")
PERSONAS = (*(f"{scope}-{role}" for scope in SCOPES for role in ROLES), "service")


def of(scope, least):
    """The personas of a scope with that role or one that implies it."""
    return {f"{scope}-{role}" for role in ROLES[:ROLES.index(least) + 1]}


ADMINS = of("system", "admin") | of("project", "admin")
EVERY_ADMIN = ADMINS | of("domain", "admin")
CLOUD_READERS = ADMINS | of("system", "reader")
READERS = EVERY_ADMIN | of("system", "reader")
OWN_READERS = READERS | of("domain", "reader")
OWN_MANAGERS = EVERY_ADMIN | of("domain", "manager")
EVERYBODY = set(PERSONAS)


@pytest.fixture(scope="module")
def cloud(begun, keys, tmp_path_factory):
    """Two domains, blue with every persona and green with none; ids by name, and who asks."""
    place = tmp_path_factory.mktemp("personas")
    db = Database(f"sqlite:///{shutil.copy(begun, place)}")
    client = client_of(process(db, keys))

    def login(name, password, scope, domain="default"):
        reply = client.post("/v3/auth/tokens", json=asking(name, password, scope, domain))
        assert reply.status_code == 201, reply.text
        return Caller(client, reply.headers["X-Subject-Token"])

    admin = login("admin", "root's", project("admin"))
    ids = {name: admin.make("domains", name=name)["id"] for name in ("blue", "green")}
    roles = {role["name"]: role["id"] for role in admin.ok("GET", "/roles")["roles"]}
    ids |= {f"role-{name}": id_ for name, id_ in roles.items()}
    for colour in ("blue", "green"):
        domain = ids[colour]
        for kind in ("project", "user", "group"):
            made = admin.make(f"{kind}s", name=f"{colour} {kind}", domain_id=domain)
            ids[f"{colour}-{kind}"] = made["id"]
        made = admin.make("roles", name=f"{colour} role", domain_id=domain)
        ids[f"{colour}-role"] = made["id"]
    ids["service"] = admin.ok("GET", "/services?name=keystone")["services"][0]["id"]
    ids["endpoint"] = admin.ok("GET", "/endpoints")["endpoints"][0]["id"]
    ids["policy"] = admin.ok("POST", "/policies", {
        "policy": {"type": "text/plain", "blob": "all"}})["policy"]["id"]
    ids["consumer"] = admin.ok("POST", "/OS-OAUTH1/consumers", {"consumer": {}})["consumer"]["id"]
    places = {"system": "/system", "domain": f"/domains/{ids['blue']}",
              "project": f"/projects/{ids['blue-project']}"}
    scopes = {"system": SYSTEM, "domain": {"domain": {"id": ids["blue"]}},
              "project": {"project": {"id": ids["blue-project"]}}}
    who = {}
    for persona in PERSONAS[:-1]:
        scope, role = persona.split("-")
        user = admin.make("users", name=persona, password="known", domain_id=ids["blue"])
        admin.ok("PUT", f"{places[scope]}/users/{user['id']}/roles/{roles[role]}")
        who[persona] = login(persona, "known", scopes[scope], ids["blue"])
    who["service"] = login("nova", CLOUD["users"][0]["password"], project("service"))
    yield ids, who
    db.engine.dispose()


def body(kind, **wanted):
    return {kind: wanted}


GRANT = "/projects/{blue-project}/users/{blue-user}/roles"
AWAY = "/projects/{green-project}/users/{green-user}/roles"

TABLE = [
    # Domains.
    ("GET", "/domains", None, OWN_READERS),
    ("GET", "/domains/{blue}", None, OWN_READERS | of("project", "reader")),
    ("GET", "/domains/{green}", None, READERS),
    ("POST", "/domains", body("domain", name="blue"), ADMINS),
    ("PATCH", "/domains/{blue}", body("domain", description="b"), ADMINS),
    ("DELETE", "/domains/gone", None, ADMINS),
    ("GET", "/domains/{blue}/config", None, CLOUD_READERS),
    ("PUT", "/domains/gone/config", body("config", ldap={"url": "x"}), ADMINS),
    ("DELETE", "/domains/gone/config", None, ADMINS),
    ("GET", "/domains/config/default", None, CLOUD_READERS),
    ("GET", "/domains/default/config/security_compliance", None, EVERYBODY),
    # Projects.
    ("GET", "/projects", None, OWN_READERS),
    ("GET", "/projects/{blue-project}", None, OWN_READERS | of("project", "reader")),
    ("GET", "/projects/{green-project}", None, READERS),
    ("POST", "/projects", body("project", name="blue project", domain_id="{blue}"), OWN_MANAGERS),
    ("POST", "/projects", body("project", name="green project", domain_id="{green}"), EVERY_ADMIN),
    ("PATCH", "/projects/{blue-project}", body("project", description="b"), OWN_MANAGERS),
    ("PATCH", "/projects/{green-project}", body("project", description="g"), EVERY_ADMIN),
    ("PUT", "/projects/{blue-project}/tags/wet", None, OWN_MANAGERS),
    ("GET", "/projects/{blue-project}/tags", None, OWN_READERS | of("project", "reader")),
    ("PUT", "/projects/{green-project}/tags/wet", None, EVERY_ADMIN),
    # Users and groups.
    ("GET", "/users", None, OWN_READERS),
    ("GET", "/users/{blue-user}", None, OWN_READERS),
    ("GET", "/users/{green-user}", None, READERS),
    ("POST", "/users", body("user", name="blue user", domain_id="{blue}"), OWN_MANAGERS),
    ("POST", "/users", body("user", name="green user", domain_id="{green}"), EVERY_ADMIN),
    ("PATCH", "/users/{blue-user}", body("user", email="b"), OWN_MANAGERS),
    ("PATCH", "/users/{green-user}", body("user", email="g"), EVERY_ADMIN),
    ("GET", "/users/{blue-user}/projects", None, OWN_READERS),
    ("GET", "/users/{green-user}/groups", None, READERS),
    ("GET", "/groups", None, OWN_READERS),
    ("GET", "/groups/{blue-group}", None, OWN_READERS),
    ("GET", "/groups/{green-group}", None, READERS),
    ("POST", "/groups", body("group", name="blue group", domain_id="{blue}"), OWN_MANAGERS),
    ("PATCH", "/groups/{green-group}", body("group", description="g"), EVERY_ADMIN),
    ("PUT", "/groups/{blue-group}/users/{blue-user}", None, OWN_MANAGERS),
    ("PUT", "/groups/{blue-group}/users/{green-user}", None, EVERY_ADMIN),
    ("GET", "/groups/{blue-group}/users", None, OWN_READERS),
    # Roles.
    ("GET", "/roles", None, READERS | of("domain", "manager")),
    ("GET", "/roles/{role-member}", None, READERS | of("domain", "manager")
     | of("project", "manager")),
    ("GET", "/roles/{role-admin}", None, READERS),
    ("GET", "/roles/{blue-role}", None, CLOUD_READERS),
    ("GET", "/roles?domain_id={green}", None, CLOUD_READERS),
    ("POST", "/roles", body("role", name="reader"), ADMINS),
    ("PATCH", "/roles/{blue-role}", body("role", description="b"), ADMINS),
    ("GET", "/roles/{role-admin}/implies", None, CLOUD_READERS),
    ("PUT", "/roles/{role-admin}/implies/{role-manager}", None, ADMINS),
    ("GET", "/role_inferences", None, CLOUD_READERS),
    # Grants.
    ("GET", GRANT, None, OWN_READERS),
    ("GET", AWAY, None, READERS),
    ("PUT", f"{GRANT}/{{role-member}}", None, OWN_MANAGERS),
    ("PUT", f"{GRANT}/{{role-admin}}", None, EVERY_ADMIN),
    ("PUT", f"{GRANT}/{{blue-role}}", None, EVERY_ADMIN),
    ("PUT", f"{AWAY}/{{role-member}}", None, EVERY_ADMIN),
    ("PUT", "/projects/{blue-project}/users/{green-user}/roles/{role-member}", None, EVERY_ADMIN),
    ("PUT", "/projects/{green-project}/users/{blue-user}/roles/{role-member}", None, EVERY_ADMIN),
    ("PUT", "/domains/{blue}/groups/{blue-group}/roles/{role-reader}", None, OWN_MANAGERS),
    ("PUT", "/OS-INHERIT/domains/{blue}/users/{blue-user}/roles/{role-reader}"
     "/inherited_to_projects", None, OWN_MANAGERS),
    ("GET", "/system/users/{blue-user}/roles", None, CLOUD_READERS),
    ("PUT", "/system/users/{blue-user}/roles/gone", None, ADMINS),
    ("GET", "/role_assignments", None, OWN_READERS),
    ("GET", "/role_assignments?include_subtree&scope.project.id={blue-project}", None, OWN_READERS),
    ("GET", "/role_assignments?include_subtree&scope.project.id={green-project}", None, READERS),
    # The catalog.
    ("GET", "/regions", None, EVERYBODY),
    ("POST", "/regions", body("region", id="RegionOne"), ADMINS),
    ("GET", "/services", None, CLOUD_READERS),
    ("PATCH", "/services/{service}", body("service", description="s"), ADMINS),
    ("GET", "/endpoints/{endpoint}", None, CLOUD_READERS),
    ("PATCH", "/endpoints/{endpoint}", body("endpoint", enabled=True), ADMINS),
    ("GET", "/OS-EP-FILTER/endpoint_groups", None, CLOUD_READERS),
    ("PUT", "/OS-EP-FILTER/projects/gone/endpoints/{endpoint}", None, ADMINS),
    ("GET", "/OS-EP-FILTER/projects/{blue-project}/endpoints", None, CLOUD_READERS),
    ("GET", "/policies/{policy}", None, CLOUD_READERS),
    ("PUT", "/policies/{policy}/OS-ENDPOINT-POLICY/endpoints/gone", None, ADMINS),
    ("GET", "/policies/{policy}/OS-ENDPOINT-POLICY/endpoints", None, CLOUD_READERS),
    # OAuth: the user who authorizes has to have a project.
    ("GET", "/OS-OAUTH1/consumers", None, CLOUD_READERS),
    ("PATCH", "/OS-OAUTH1/consumers/{consumer}", body("consumer", description="c"), ADMINS),
    ("PUT", "/OS-OAUTH1/authorize/gone", {"roles": [{"name": "member"}]}, of("project", "admin")),
    ("GET", "/users/{blue-user}/OS-OAUTH1/access_tokens", None, of("project", "admin")),
    # Limits.
    ("GET", "/registered_limits", None, EVERYBODY),
    ("POST", "/registered_limits",
     {"registered_limits": [{"service_id": "gone", "resource_name": "x", "default_limit": 1}]},
     ADMINS),
    ("GET", "/limits", None, EVERYBODY),
    ("POST", "/limits", {"limits": [
        {"service_id": "gone", "resource_name": "x", "resource_limit": 1, "project_id": "gone"}
    ]}, ADMINS),
    ("GET", "/limits/model", None, EVERYBODY),
    # Others' secrets, and tokens.
    ("GET", "/OS-TRUST/trusts", None, CLOUD_READERS),
    ("GET", "/OS-REVOKE/events", None, ADMINS | {"service"}),
]


def filled(value, ids):
    if isinstance(value, dict):
        return {key: filled(each, ids) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, ids) for each in value]
    if isinstance(value, str):
        for name, id_ in ids.items():
            value = value.replace(f"{{{name}}}", id_)
    return value


@pytest.mark.parametrize(("method", "path", "json", "allowed"), TABLE)
def test_the_table(cloud, method, path, json, allowed):
    ids, who = cloud
    answers = {name: who[name](method, filled(path, ids), filled(json, ids)).status_code
               for name in PERSONAS}
    assert not [code for code in answers.values() if code in (401, 500)], answers
    assert {name for name, code in answers.items() if code != 403} == allowed, answers


@pytest.mark.parametrize("persona", ["domain-manager", "domain-member", "domain-reader"])
def test_a_domains_people_learn_no_other_domains_name(cloud, persona):
    ids, who = cloud
    admin, caller = who["project-admin"], who[persona]
    for user, place in (("green-user", "blue-project"), ("blue-user", "green-project")):
        admin.ok("PUT", f"/projects/{ids[place]}/users/{ids[user]}/roles/{ids['role-reader']}")
    for path in ("/domains", "/projects", f"/projects?domain_id={ids['green']}", "/users",
                 f"/users?domain_id={ids['green']}", "/groups", "/role_assignments?include_names",
                 "/role_assignments?include_names&effective", "/auth/domains", "/auth/projects",
                 "/limits", f"/domains/{ids['green']}", f"/projects/{ids['green-project']}",
                 "/domains?name=green"):
        text = caller("GET", path).text
        for name in ('"green"', '"Default"', "green project", "green group"):
            assert name not in text, path


class TestStanding:
    """A domain's manager does not become more than a manager of the domain."""

    @pytest.fixture
    def manager(self, admin, login):
        boss = admin.make("users", name="boss", password="boss's", domain_id="default")
        role = self.role(admin, "manager")
        admin.ok("PUT", f"/domains/default/users/{boss['id']}/roles/{role}")
        caller = login("boss", scope={"domain": {"id": "default"}})
        caller.id = boss["id"]
        return caller

    def role(self, admin, name):
        return next(r["id"] for r in admin.ok("GET", "/roles")["roles"] if r["name"] == name)

    def user(self, admin, name):
        return admin.ok("GET", f"/users?name={name}")["users"][0]["id"]

    def tries(self, manager, user_id):
        """What comes of a new password, of being disabled, and of being deleted."""
        return [manager(*call).status_code for call in (
            ("PATCH", f"/users/{user_id}", {"user": {"password": "mine"}}),
            ("PATCH", f"/users/{user_id}", {"user": {"enabled": False}}),
            ("DELETE", f"/users/{user_id}"),
        )]

    def test_the_clouds_admin_and_the_services_users_are_not_its_to_change(self, admin, manager):
        for name in ("admin", "nova"):
            assert self.tries(manager, self.user(admin, name)) == [403, 403, 403]

    def test_its_own_people_are(self, admin, manager):
        assert self.tries(manager, self.user(admin, "alice")) == [200, 200, 204]

    @pytest.mark.parametrize("place", ["system", "elsewhere", "group"])
    def test_nor_who_has_more_than_it_may_give(self, admin, manager, place):
        alice, member = self.user(admin, "alice"), self.role(admin, "member")
        if place == "system":
            admin.ok("PUT", f"/system/users/{alice}/roles/{self.role(admin, 'reader')}")
        elif place == "elsewhere":
            other = admin.make("domains", name="other")["id"]
            admin.ok("PUT", f"/domains/{other}/users/{alice}/roles/{member}")
        else:
            group = admin.make("groups", name="admins", domain_id="default")["id"]
            admin.ok("PUT", f"/domains/default/groups/{group}/roles/{self.role(admin, 'admin')}")
            admin.ok("PUT", f"/groups/{group}/users/{alice}")
        assert self.tries(manager, alice) == [403, 403, 403]

    def test_nobody_is_put_into_a_group_that_stands_above(self, admin, manager):
        group = admin.make("groups", name="admins", domain_id="default")["id"]
        alice = self.user(admin, "alice")
        assert manager("PUT", f"/groups/{group}/users/{alice}").status_code == 204
        admin.ok("PUT", f"/system/groups/{group}/roles/{self.role(admin, 'admin')}")
        for call in (("PUT", f"/groups/{group}/users/{manager.id}"),
                     ("DELETE", f"/groups/{group}/users/{alice}"), ("DELETE", f"/groups/{group}")):
            assert manager(*call).status_code == 403

    def test_admins_are_not_held_up(self, admin):
        alice = self.user(admin, "alice")
        admin.ok("PUT", f"/system/users/{alice}/roles/{self.role(admin, 'admin')}")
        assert self.tries(admin, alice) == [200, 200, 204]
