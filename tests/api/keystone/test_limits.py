"""Unified limits: registered by services, set for projects and domains, read by their own."""

import dataclasses

import pytest

from cairn.common.settings import BadSetting
from cairn.keystone.core.limits import check_model
from cairn.keystone.settings import UnifiedLimitSettings

from .conftest import Caller, client_of, project


@pytest.fixture
def cores(admin):
    service = admin.ok("GET", "/services?name=keystone")["services"][0]["id"]
    wanted = {"service_id": service, "resource_name": "cores", "default_limit": 10}
    body = {"registered_limits": [wanted, {**wanted, "resource_name": "ram"}]}
    return admin.ok("POST", "/registered_limits", body)["registered_limits"][0]


@pytest.fixture
def limit(admin, cores):
    def limit(**owner):
        wanted = {"service_id": cores["service_id"], "resource_name": "cores",
                  "resource_limit": 5, **owner}
        return admin.ok("POST", "/limits", {"limits": [wanted]})["limits"][0]
    return limit


@pytest.fixture
def red(admin):
    return admin.ok("GET", "/projects?name=red")["projects"][0]["id"]


def test_what_is_registered_is_for_everybody_to_see(admin, alice, cores):
    where = f"/registered_limits/{cores['id']}"
    assert alice.ok("GET", where)["registered_limit"] == cores
    listed = alice.ok("GET", "/registered_limits?resource_name=cores")["registered_limits"]
    assert listed == [cores]
    body = {"registered_limit": {"default_limit": -1}}
    assert alice("PATCH", where, body).status_code == 403
    assert admin.ok("PATCH", where, body)["registered_limit"]["default_limit"] == -1
    assert admin("DELETE", where).status_code == 204
    assert admin("GET", where).status_code == 404


def test_registered_once_with_what_there_is(admin, cores):
    again = {name: cores[name] for name in ("service_id", "resource_name", "default_limit")}
    for more, code in (({}, 409), ({"region_id": "RegionOne"}, 201), ({"region_id": "x"}, 400),
                       ({"service_id": "x"}, 400), ({"default_limit": -2}, 400)):
        body = {"registered_limits": [{**again, **more}]}
        assert admin("POST", "/registered_limits", body).status_code == code


def test_a_limit_is_seen_by_those_it_is_for(admin, alice, limit, red, world):
    mine, other = limit(project_id=red), limit(project_id=world.project_id)
    of_domain = limit(domain_id=world.domain_id)
    assert alice.ok("GET", "/limits")["limits"] == [mine]
    assert alice.ok("GET", f"/limits/{mine['id']}")["limit"] == mine
    assert alice("GET", f"/limits/{other['id']}").status_code == 403
    seen = world.as_("member").ok("GET", "/limits")["limits"]
    assert {each["id"] for each in seen} == {other["id"], of_domain["id"]}
    assert len(admin.ok("GET", "/limits")["limits"]) == 3
    found = admin.ok("GET", f"/limits?domain_id={world.domain_id}")["limits"]
    assert found == [of_domain]


def test_changed_and_gone(admin, alice, limit, red, cores):
    where = f"/limits/{limit(project_id=red)['id']}"
    body = {"limit": {"resource_limit": 7}}
    assert alice("PATCH", where, body).status_code == 403
    assert admin.ok("PATCH", where, body)["limit"]["resource_limit"] == 7
    registered = f"/registered_limits/{cores['id']}"
    assert admin("DELETE", registered).status_code == 403
    for changed in ({"resource_name": "threads"}, {"default_limit": 3}):
        body = {"registered_limit": changed}
        assert admin("PATCH", registered, body).status_code == 403
    assert admin("DELETE", where).status_code == 204
    assert admin("DELETE", where).status_code == 404
    assert admin("DELETE", registered).status_code == 204


def test_what_is_refused(admin, limit, red, cores):
    limit(project_id=red)
    wanted = {"service_id": cores["service_id"], "resource_name": "cores", "resource_limit": 1}
    for more, code in (
        ({"project_id": red}, 409), ({}, 400), ({"project_id": "gone"}, 400),
        ({"project_id": red, "domain_id": "default"}, 400), ({"domain_id": red}, 400),
        ({"project_id": red, "service_id": "gone"}, 400),
        ({"project_id": red, "region_id": "gone"}, 400),
        ({"project_id": red, "resource_name": "disks"}, 403),
        ({"project_id": red, "resource_limit": "many"}, 400),
    ):
        assert admin("POST", "/limits", {"limits": [{**wanted, **more}]}).status_code == code, more


def test_the_model(alice):
    assert alice.ok("GET", "/limits/model")["model"]["name"] == "flat"


def test_a_service_sees_the_limits_of_all(login, limit, red, world):
    made = [limit(project_id=red), limit(domain_id=world.domain_id)]
    nova = login("nova", scope=project("service"))
    seen = {each["id"] for each in nova.ok("GET", "/limits")["limits"]}
    assert seen == {each["id"] for each in made}
    assert nova.ok("GET", f"/limits?project_id={red}&resource_name=cores")["limits"] == made[:1]


def test_a_domain_by_its_id_as_a_project_is_a_domain(limit, world):
    made = limit(project_id=world.domain_id)
    assert (made["project_id"], made["domain_id"]) == (None, world.domain_id)


def test_pages(admin, limit, red, world):
    made = [limit(project_id=red), limit(domain_id=world.domain_id)]
    page = admin.ok("GET", "/limits?limit=1")
    rest = admin.ok("GET", page["links"]["next"].removeprefix("http://localhost/v3"))
    found = {each["id"] for each in page["limits"] + rest["limits"]}
    assert found == {each["id"] for each in made}


def test_a_branch_comes_with_its_limits(login, limit, red, admin):
    low = admin.make("projects", name="low", parent_id=red)["id"]
    made = limit(project_id=red)
    roles = {role["name"]: role["id"] for role in admin.ok("GET", "/roles")["roles"]}
    user = admin.ok("GET", "/users?name=alice")["users"][0]["id"]
    admin.ok("PUT", f"/projects/{low}/users/{user}/roles/{roles['reader']}")
    alice = login("alice", scope={"project": {"id": low}})
    where = f"/projects/{low}?parents_as_list"
    above, = alice.ok("GET", f"{where}&include_limits")["project"]["parents"]
    assert above["project"]["limits"] == [made]
    above, = alice.ok("GET", where)["project"]["parents"]
    assert "limits" not in above["project"]


class TestStrictTwoLevel:
    @pytest.fixture
    def strict(self, keystone, admin):
        """The admin, in a cloud whose limits are a tree."""
        model = UnifiedLimitSettings("strict_two_level")
        client = client_of(dataclasses.replace(keystone, unified_limit=model))
        return Caller(client, admin.token)

    @pytest.fixture
    def set_(self, strict, cores):
        def set_(*each):
            limits = [{"service_id": cores["service_id"], "resource_name": "cores",
                       "resource_limit": value, owner: id_} for owner, id_, value in each]
            return strict("POST", "/limits", {"limits": limits})
        return set_

    def test_says_so(self, strict):
        assert strict.ok("GET", "/limits/model")["model"]["name"] == "strict_two_level"

    def test_nobody_has_more_than_what_is_above(self, strict, set_, world):
        project, domain = ("project_id", world.project_id), ("domain_id", world.domain_id)
        assert set_((*project, 11)).status_code == 403  # 10 are registered.
        assert set_((*project, -1)).status_code == 403
        assert set_((*domain, 20)).status_code == 201
        made = set_((*project, 15))
        assert made.status_code == 201
        where = f"/limits/{made.json['limits'][0]['id']}"
        body = {"limit": {"resource_limit": 21}}
        assert strict("PATCH", where, body).status_code == 403
        assert strict.ok("GET", where)["limit"]["resource_limit"] == 15

    def test_nor_less_than_what_is_below(self, strict, set_, world):
        project, domain = ("project_id", world.project_id), ("domain_id", world.domain_id)
        assert set_((*project, 9)).status_code == 201
        assert set_((*domain, 8)).status_code == 403
        made = set_((*domain, -1))
        assert made.status_code == 201
        where = f"/limits/{made.json['limits'][0]['id']}"
        assert strict("PATCH", where, {"limit": {"resource_limit": 8}}).status_code == 403
        assert strict("PATCH", where, {"limit": {"resource_limit": 9}}).status_code == 200

    def test_both_may_come_at_once(self, set_, world):
        project, domain = ("project_id", world.project_id), ("domain_id", world.domain_id)
        assert set_((*project, 31), (*domain, 30)).status_code == 403
        assert set_((*project, 30), (*domain, 30)).status_code == 201

    def test_projects_nest_two_deep(self, strict, world):
        low = strict.make("projects", name="low", parent_id=world.project_id)
        body = {"project": {"name": "lower", "parent_id": low["id"]}}
        assert strict("POST", "/projects", body).status_code == 403


def test_a_model_that_nobody_knows_is_refused():
    with pytest.raises(BadSetting, match="pyramid"):
        check_model("pyramid")
