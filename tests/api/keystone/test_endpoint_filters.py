"""Which endpoints a project's catalog has; which policy an endpoint goes by."""

import pytest

from .conftest import project


@pytest.fixture
def place(admin):
    """A service with three endpoints in a region below another."""
    admin.ok("POST", "/regions", {"region": {"id": "South"}})
    admin.ok("POST", "/regions", {"region": {"id": "South-1", "parent_region_id": "South"}})
    service = admin.make("services", type="dns", name="names")["id"]
    made = {"service": service}
    for interface in ("public", "internal", "admin"):
        made[interface] = admin.make("endpoints", service_id=service, interface=interface,
                                     region_id="South-1", url="http://names")["id"]
    made["red"] = admin.ok("GET", "/projects?name=red")["projects"][0]["id"]
    return made


def seen(login):
    """Ids of the endpoints in alice's catalog."""
    catalog = login("alice", scope=project("red")).ok("GET", "/auth/catalog")["catalog"]
    return {endpoint["id"] for service in catalog for endpoint in service["endpoints"]}


def group(admin, **filters):
    body = {"endpoint_group": {"name": "some", "filters": filters}}
    return admin.ok("POST", "/OS-EP-FILTER/endpoint_groups", body)["endpoint_group"]["id"]


def test_a_project_tied_to_an_endpoint_sees_no_other(admin, login, place):
    where = f"/OS-EP-FILTER/projects/{place['red']}/endpoints"
    one = f"{where}/{place['public']}"
    assert len(seen(login)) == 5
    assert admin("GET", one).status_code == 404
    assert admin("PUT", one).status_code == 204
    assert admin("PUT", one).status_code == 409
    assert admin("HEAD", one).status_code == 204
    assert seen(login) == {place["public"]}
    assert [e["id"] for e in admin.ok("GET", where)["endpoints"]] == [place["public"]]
    projects = admin.ok("GET", f"/OS-EP-FILTER/endpoints/{place['public']}/projects")["projects"]
    assert [each["name"] for each in projects] == ["red"]
    assert admin("DELETE", one).status_code == 204
    assert admin("DELETE", one).status_code == 404
    assert len(seen(login)) == 5


def test_a_group_is_what_its_filters_say_now(admin, login, place):
    id_ = group(admin, service_id=place["service"], interface="internal")
    where = f"/OS-EP-FILTER/endpoint_groups/{id_}"
    tie = f"{where}/projects/{place['red']}"
    assert admin("PUT", tie).status_code == 204
    assert admin("PUT", tie).status_code == 409
    assert admin.ok("GET", tie)["project_endpoint_group"]["project_id"] == place["red"]
    assert seen(login) == {place["internal"]}
    members = admin.ok("GET", f"{where}/endpoints")["endpoints"]
    assert [each["id"] for each in members] == [place["internal"]]
    assert len(admin.ok("GET", f"{where}/projects")["projects"]) == 1
    tied = admin.ok("GET", f"/OS-EP-FILTER/projects/{place['red']}/endpoint_groups")
    assert [each["id"] for each in tied["endpoint_groups"]] == [id_]
    wanted = {"endpoint_group": {"filters": {"interface": "admin", "region_id": "South-1"}}}
    admin.ok("PATCH", where, wanted)
    assert seen(login) == {place["admin"]}
    admin.ok("PATCH", f"/endpoints/{place['public']}", {"endpoint": {"interface": "admin"}})
    assert seen(login) == {place["admin"], place["public"]}
    assert admin("DELETE", where).status_code == 204
    assert len(seen(login)) == 5


def test_other_projects_see_all(admin, login, place):
    admin.ok("PUT", f"/OS-EP-FILTER/projects/{place['red']}/endpoints/{place['public']}")
    assert len(login("nova", scope=project("service")).ok("GET", "/auth/catalog")["catalog"]) == 3


@pytest.mark.parametrize("wanted", [
    {"name": "x"}, {"name": "x", "filters": {}}, {"name": "x", "filters": {"colour": "red"}},
    {"name": "x", "filters": {"interface": "side"}}, {"filters": {"interface": "admin"}},
    {"name": "x", "filters": {"interface": "admin"}, "colour": "red"},
])
def test_a_wrong_group_is_refused(admin, wanted):
    reply = admin("POST", "/OS-EP-FILTER/endpoint_groups", {"endpoint_group": wanted})
    assert reply.status_code == 400


def test_what_is_not_there(admin, place):
    for path in ("endpoint_groups/gone", f"projects/gone/endpoints/{place['public']}",
                 f"projects/{place['red']}/endpoints/gone", "projects/gone/endpoints",
                 f"endpoint_groups/gone/projects/{place['red']}"):
        assert admin("GET", f"/OS-EP-FILTER/{path}").status_code == 404


def test_it_is_for_admins(alice, world, place):
    for caller in (alice, world.as_("manager")):
        assert caller("GET", "/OS-EP-FILTER/endpoint_groups").status_code == 403
        one = f"/OS-EP-FILTER/projects/{world.project_id}/endpoints/{place['public']}"
        for method in ("GET", "PUT", "DELETE"):
            assert caller(method, one).status_code == 403


class TestPolicies:
    @pytest.fixture
    def policy(self, admin):
        def policy(name):
            body = {"policy": {"type": "text/plain", "blob": name}}
            return admin.ok("POST", "/policies", body)["policy"]["id"]
        return policy

    def of(self, admin, endpoint_id):
        reply = admin("GET", f"/endpoints/{endpoint_id}/OS-ENDPOINT-POLICY/policy")
        return reply.json["policy"]["blob"] if reply.status_code == 200 else reply.status_code

    def test_the_nearest_counts(self, admin, place, policy):
        endpoint, service = place["public"], f"services/{place['service']}"
        assert self.of(admin, endpoint) == 404
        for name, where in (("service", service), ("above", f"{service}/regions/South"),
                            ("region", f"{service}/regions/South-1"),
                            ("endpoint", f"endpoints/{endpoint}")):
            one = f"/policies/{policy(name)}/OS-ENDPOINT-POLICY"
            assert admin("GET", f"{one}/{where}").status_code == 404
            assert admin("PUT", f"{one}/{where}").status_code == 204
            assert admin("HEAD", f"{one}/{where}").status_code == 204
            assert self.of(admin, endpoint) == name
            found = {each["id"] for each in admin.ok("GET", f"{one}/endpoints")["endpoints"]}
            assert endpoint in found and len(found) == (1 if name == "endpoint" else 3)

    def test_a_place_has_one(self, admin, place, policy):
        first, second = policy("first"), policy("second")
        where = f"OS-ENDPOINT-POLICY/services/{place['service']}"
        admin.ok("PUT", f"/policies/{first}/{where}")
        admin.ok("PUT", f"/policies/{second}/{where}")
        assert admin("GET", f"/policies/{first}/{where}").status_code == 404
        assert self.of(admin, place["public"]) == "second"
        admin.ok("DELETE", f"/policies/{second}")
        assert self.of(admin, place["public"]) == 404

    def test_it_is_for_admins(self, alice, place):
        where = f"/policies/p/OS-ENDPOINT-POLICY/services/{place['service']}"
        for method in ("GET", "PUT", "DELETE"):
            assert alice(method, where).status_code == 403
