"""/flavors and what belongs to them."""

M1 = {"id": "m1", "name": "m1.small", "ram": 512, "vcpus": 1, "disk": 1}


def test_an_admin_makes_what_everybody_sees(call):
    made = call("POST", "/v2.1/flavors", {"flavor": M1}, who="admin")
    assert made.status_code == 200
    assert made.json["flavor"]["swap"] == 0
    assert call("GET", "/v2.1/flavors/m1", version="2.1").json["flavor"]["swap"] == ""
    assert [f["id"] for f in call("GET", "/v2.1/flavors").json["flavors"]] == ["m1"]
    taken = call("POST", "/v2.1/flavors", {"flavor": M1}, who="admin")
    assert taken.status_code == 409
    assert call("DELETE", "/v2.1/flavors/m1", who="admin").status_code == 202
    assert call("GET", "/v2.1/flavors/m1").status_code == 404


def test_the_factor_of_old_networks_ends_with_2101(call):
    body = {"flavor": M1 | {"rxtx_factor": 2.0}}
    refused = call("POST", "/v2.1/flavors", body, who="admin", version="2.102")
    assert refused.status_code == 400
    assert "rxtx_factor" in refused.json["badRequest"]["message"]
    made = call("POST", "/v2.1/flavors", body, who="admin", version="2.101")
    assert made.json["flavor"]["rxtx_factor"] == 2.0
    for path in ("/v2.1/flavors/m1", "/v2.1/flavors/detail"):
        assert '"rxtx_factor":2.0' in call("GET", path, version="2.101").text
        assert "rxtx_factor" not in call("GET", path, version="2.102").text


def test_members_make_none(call):
    assert call("POST", "/v2.1/flavors", {"flavor": M1}).status_code == 403


def test_bad_sizes_are_named(call):
    for field, value in (("ram", 0), ("vcpus", -1), ("disk", "much"), ("name", ""), ("x", 1)):
        refused = call("POST", "/v2.1/flavors", {"flavor": M1 | {field: value}}, who="admin")
        assert refused.status_code == 400
        assert field in refused.json["badRequest"]["message"]


def test_a_private_flavor_is_for_whom_it_is_granted(call):
    body = {"flavor": M1 | {"os-flavor-access:is_public": False}}
    call("POST", "/v2.1/flavors", body, who="admin")
    assert call("GET", "/v2.1/flavors/m1").status_code == 404
    grant = {"addTenantAccess": {"tenant": "red"}}
    assert call("POST", "/v2.1/flavors/m1/action", grant, who="admin").json == {
        "flavor_access": [{"flavor_id": "m1", "tenant_id": "red"}]}
    assert call("POST", "/v2.1/flavors/m1/action", grant, who="admin").status_code == 409
    assert call("GET", "/v2.1/flavors/m1").status_code == 200
    assert call("GET", "/v2.1/flavors/m1", who="bob").status_code == 404
    take = {"removeTenantAccess": {"tenant": "red"}}
    assert call("POST", "/v2.1/flavors/m1/action", take, who="admin").json["flavor_access"] == []
    assert call("GET", "/v2.1/flavors/m1/os-flavor-access").status_code == 403


def test_extra_specs(call, flavor):
    path = "/v2.1/flavors/m1/os-extra_specs"
    body = {"extra_specs": {"hw:cpu_policy": "shared"}}
    assert call("POST", path, body).status_code == 403
    assert call("POST", path, body, who="admin").json == body
    assert call("PUT", f"{path}/a", {"a": "1"}, who="admin").json == {"a": "1"}
    assert call("GET", f"{path}/a").json == {"a": "1"}
    assert call("DELETE", f"{path}/a", who="admin").status_code == 200
    assert call("GET", f"{path}/a").status_code == 404
    assert call("GET", "/v2.1/flavors/m1").json["flavor"]["extra_specs"] == body["extra_specs"]


def test_lists_page_and_filter(call):
    for number in range(3):
        body = {"flavor": {"id": str(number), "name": f"f{number}", "ram": 100 + number,
                           "vcpus": 1, "disk": number}}
        call("POST", "/v2.1/flavors", body, who="admin")

    def ids(query):
        return [f["id"] for f in call("GET", f"/v2.1/flavors{query}").json["flavors"]]

    assert ids("?limit=2") == ["0", "1"]
    assert ids("?limit=2&marker=1") == ["2"]
    assert ids("?minRam=101&sort_key=name&sort_dir=desc") == ["2", "1"]
    assert ids("?minDisk=2") == ["2"]
    for bad in ("?marker=none", "?minRam=x", "?sort_key=color", "?sort_dir=up"):
        assert call("GET", f"/v2.1/flavors{bad}").status_code == 400, bad
