"""Unified limits: registered by services, set for projects and domains, read by their own."""

import pytest


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
    renamed = {"registered_limit": {"resource_name": "threads"}}
    assert admin("PATCH", registered, renamed).status_code == 403
    assert admin("DELETE", where).status_code == 204
    assert admin("DELETE", where).status_code == 404
    assert admin("DELETE", registered).status_code == 204


def test_what_is_refused(admin, limit, red, cores):
    limit(project_id=red)
    wanted = {"service_id": cores["service_id"], "resource_name": "cores", "resource_limit": 1}
    for more, code in (
        ({"project_id": red}, 409), ({}, 400), ({"project_id": "gone"}, 404),
        ({"project_id": red, "domain_id": "default"}, 400), ({"domain_id": red}, 404),
        ({"project_id": red, "resource_name": "disks"}, 403),
        ({"project_id": red, "resource_limit": "many"}, 400),
    ):
        assert admin("POST", "/limits", {"limits": [{**wanted, **more}]}).status_code == code, more


def test_the_model(alice):
    assert alice.ok("GET", "/limits/model")["model"]["name"] == "flat"
