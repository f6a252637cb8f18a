"""What every answer of placement has, and every request must have."""

import re

import pytest

DATE = re.compile(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT")


@pytest.mark.parametrize(("path", "dated"), [
    ("/", True), ("/resource_providers", True), ("/resource_classes", True), ("/traits", True),
    ("/resource_classes/VCPU", True), ("/traits/HW_CPU_X86_VMX", True),
    ("/allocation_candidates?resources=VCPU:1", True), ("/usages?project_id=red", True),
])
def test_answers_say_how_old_they_are_from_1_15_on(call, path, dated):
    new, old = call("GET", path, version="1.15"), call("GET", path, version="1.14")
    assert new.headers["Cache-Control"] == "no-cache"
    assert DATE.fullmatch(new.headers["Last-Modified"])
    assert "Last-Modified" not in old.headers and "Cache-Control" not in old.headers


def test_a_version_is_always_told(call):
    for path, status in (("/", 200), ("/frogs", 404), ("/resource_providers/x", 404)):
        reply = call("GET", path, version="1.20")
        assert (reply.status_code, reply.headers["OpenStack-API-Version"]) == (
            status, "placement 1.20")
        assert reply.headers["Vary"].lower() == "openstack-api-version"
    refused = call("GET", "/", version="0.9")
    assert refused.status_code == 406
    error = refused.json["errors"][0]
    assert (error["min_version"], error["max_version"]) == ("1.0", "1.39")


@pytest.mark.parametrize(("method", "path", "more", "status"), [
    ("GET", "/resource_providers", {"headers": {"Accept": "text/plain"}}, 406),
    ("POST", "/resource_providers", {"data": "x", "content_type": "text/plain"}, 415),
    ("POST", "/resource_providers", {"data": "x", "content_type": "application/json"}, 400),
    ("DELETE", "/resource_providers", {}, 405), ("OPTIONS", "/", {}, 405), ("HEAD", "/", {}, 405),
])
def test_requests_that_are_not_placements(client, method, path, more, status):
    headers = {"X-Auth-Token": "nova", **more.get("headers", {})}
    rest = {name: value for name, value in more.items() if name != "headers"}
    reply = client.open(path, method=method, headers=headers, **rest)
    assert reply.status_code == status
    if status == 405:
        assert "OPTIONS" not in reply.headers["Allow"]


def test_errors_have_a_code_from_1_23_on(call):
    for version, has in (("1.22", False), ("1.23", True)):
        error = call("GET", "/resource_providers/x", version=version).json["errors"][0]
        assert ("code" in error) == has
        assert error["request_id"].startswith("req-")


def test_a_browser_is_told_in_its_own_way(client):
    page = client.get("/frogs", headers={"X-Auth-Token": "nova", "Accept": "text/html"})
    assert (page.status_code, page.mimetype) == (404, "text/html")
    assert "could not be found" in page.text


def test_all_inventories_go_at_once_from_1_5_on(call, provider):
    path = f"/resource_providers/{provider('one', stock={'VCPU': 1})}/inventories"
    assert call("DELETE", path, version="1.4").status_code == 405
    assert call("DELETE", path, version="1.5").status_code == 204


@pytest.mark.parametrize("who", ["system", "alice"])
@pytest.mark.parametrize(("method", "path"), [
    ("GET", "/resource_providers"), ("GET", "/traits"), ("PUT", "/traits/CUSTOM_X"),
    ("GET", "/allocation_candidates?resources=VCPU:1"), ("DELETE", "/resource_classes/CUSTOM_X"),
])
def test_it_is_for_admins_and_services_of_a_project(call, who, method, path):
    assert call(method, path, who=who).status_code == 403
