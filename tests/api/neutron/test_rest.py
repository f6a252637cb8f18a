"""Quotas, extensions, versions and IP availability."""

import pytest


def test_versions(api):
    root = api.client.get("/", headers={"Host": "cloud"}).get_json()["versions"]
    assert root == [{"id": "v2.0", "status": "CURRENT",
                     "links": [{"rel": "self", "href": "http://cloud/v2.0/"}]}]
    for path in ("", "/"):
        resources = api.get(None, path)
        assert {"network", "subnet", "port"} <= {r["name"] for r in resources}
    assert api.client.get("/healthcheck").status_code == 200


def test_extensions(api):
    extensions = api.get("rita", "/extensions")
    for extension in extensions:
        assert api.get("rita", f"/extensions/{extension['alias']}") == extension
    assert {"router", "security-group", "quotas"} <= {e["alias"] for e in extensions}
    assert api("GET", "rita", "/extensions/nosuch")[0] == 404
    assert api("GET", None, "/extensions")[0] == 401


def test_quotas(api, net):
    assert api.get("alice", "/quotas/red")["network"] == 100
    assert api("GET", "alice", "/quotas/blue")[0] == 403
    assert api.get("alice", "/quotas/red/details.json")["network"] == {
        "limit": 100, "used": 1, "reserved": 0}
    assert api("PUT", "alice", "/quotas/red", {"quota": {"network": 1}})[0] == 403
    assert api.changed("admin", "/quotas/red", network="1")["network"] == 1
    refused = api.refused("POST", "alice", "/networks", {"network": {}})
    assert refused[:2] == (409, "OverQuota")
    assert [q["tenant_id"] for q in api.get("admin", "/quotas")] == ["red"]
    assert api.get("admin", "/quotas/red/default")["network"] == 100
    assert api.changed("admin", "/quotas/red", network=-1)["network"] == -1
    api.made("alice", "/networks")
    api.gone("admin", "/quotas/red")
    assert api("DELETE", "admin", "/quotas/red")[0] == 404
    held = api.refused("PUT", "admin", "/quotas/red", {
        "quota": {"network": 1, "check_limit": True}})
    assert held[0] == 400 and "network" in held[2]
    bad = api.refused("PUT", "admin", "/quotas/red", {"quota": {"network": -7}})
    assert bad[0] == 400 and "network" in bad[2]
    assert api("PUT", "admin", "/quotas/red", {"quota": {"nonsense": 1}})[0] == 400


def test_ip_availability(api, net, subnet):
    api.made("alice", "/ports", network_id=net["id"])
    found, = api.get("admin", "/network-ip-availabilities")
    assert (found["total_ips"], found["used_ips"]) == (253, 1)
    path = f"/network-ip-availabilities/{net['id']}"
    assert api.get("admin", path)["subnet_ip_availability"][0]["used_ips"] == 1
    assert api("GET", "alice", path)[0] == 403


def test_a_path_that_is_none(api):
    assert api.refused("GET", "alice", "/nonsense")[:2] == (404, "HTTPNotFound")
    assert api.refused("PATCH", "alice", "/networks")[0] == 405


@pytest.mark.parametrize("digits", [30, 5000])
def test_a_number_of_too_many_digits_is_none(api, digits):
    number = "9" * digits
    for method, path, body in (
        ("POST", "/networks", {"network": {"mtu": number}}),
        ("POST", "/networks", {"network": {
            "provider:network_type": "vxlan", "provider:segmentation_id": number}}),
        ("POST", "/subnetpools", {"subnetpool": {
            "name": "p", "prefixes": ["10.0.0.0/8"], "default_prefixlen": number}}),
        ("POST", "/subnetpools", {"subnetpool": {
            "name": "p", "prefixes": ["10.0.0.0/8"], "default_quota": number}}),
        ("PUT", "/quotas/red", {"quota": {"network": number}}),
    ):
        assert api.refused(method, "admin", path, body)[0] == 400, path
