"""What operators ask: services, hypervisors, zones, aggregates, quotas; and server groups."""

import pytest


def test_services_and_their_switch(call):
    found = call("GET", "/v2.1/os-services", who="admin").json["services"]
    assert [(s["binary"], s["host"], s["state"]) for s in found] == [("nova-compute", "one", "up")]
    path = f"/v2.1/os-services/{found[0]['id']}"
    body = {"status": "disabled", "disabled_reason": "repair"}
    shown = call("PUT", path, body, who="admin").json["service"]
    assert (shown["status"], shown["disabled_reason"]) == ("disabled", "repair")
    assert call("PUT", path, {"status": "off"}, who="admin").status_code == 400
    assert call("GET", "/v2.1/os-services").status_code == 403
    old = {"host": "one", "binary": "nova-compute"}
    assert call("PUT", "/v2.1/os-services/enable", old, who="admin", version="2.1").json == {
        "service": old | {"status": "enabled"}}
    missing = old | {"host": "two"}
    assert call("PUT", "/v2.1/os-services/enable", missing, who="admin",
                version="2.1").status_code == 404


def test_a_silent_host_is_down(world, call):
    world.down("one")
    found = call("GET", "/v2.1/os-services", who="admin").json["services"]
    assert found[0]["state"] == "down"


def test_hypervisors(call, server):
    found = call("GET", "/v2.1/os-hypervisors?with_servers=true", who="admin").json["hypervisors"]
    assert found[0]["hypervisor_hostname"] == "one"
    assert [s["uuid"] for s in found[0]["servers"]] == [server]
    path = f"/v2.1/os-hypervisors/{found[0]['id']}"
    old = call("GET", path, who="admin", version="2.53").json["hypervisor"]
    assert isinstance(old["cpu_info"], dict)
    assert call("GET", "/v2.1/os-hypervisors/1", who="admin", version="2.1").json["hypervisor"][
        "cpu_info"].startswith("{")
    assert "vcpus" not in call("GET", path, who="admin").json["hypervisor"]
    sums = call("GET", "/v2.1/os-hypervisors/statistics", who="admin", version="2.1").json
    assert sums["hypervisor_statistics"]["count"] == 1
    assert call("GET", "/v2.1/os-hypervisors").status_code == 403
    for version, hypervisor, code in (
        ("2.96", "none", 400), ("2.96", "1", 400), ("2.1", "none", 404), ("2.1", "7", 404),
        ("2.96", "00000000-0000-0000-0000-000000000000", 404),
    ):
        assert call("GET", f"/v2.1/os-hypervisors/{hypervisor}", who="admin", version=version
                    ).status_code == code


def test_zones_are_made_of_aggregates(world, call, create):
    assert call("GET", "/v2.1/os-availability-zone").json["availabilityZoneInfo"] == [
        {"zoneName": "nova", "zoneState": {"available": True}, "hosts": None}]
    body = {"aggregate": {"name": "row", "availability_zone": "east"}}
    number = call("POST", "/v2.1/os-aggregates", body, who="admin").json["aggregate"]["id"]
    path = f"/v2.1/os-aggregates/{number}"
    added = call("POST", f"{path}/action", {"add_host": {"host": "one"}}, who="admin")
    assert added.json["aggregate"]["hosts"] == ["one"]
    assert call("POST", f"{path}/action", {"add_host": {"host": "x"}}, who="admin"
                ).status_code == 404
    assert create(availability_zone="nova").status_code == 400
    made = create(availability_zone="east").json["server"]["id"]
    world.settle()
    shown = call("GET", f"/v2.1/servers/{made}").json["server"]
    assert (shown["status"], shown["OS-EXT-AZ:availability_zone"]) == ("ACTIVE", "east")
    assert shown["pinned_availability_zone"] == "east"
    assert call("DELETE", path, who="admin").status_code == 400
    call("POST", f"{path}/action", {"remove_host": {"host": "one"}}, who="admin")
    assert call("DELETE", path, who="admin").status_code == 200
    assert call("GET", "/v2.1/os-aggregates").status_code == 403


def test_admins_choose_the_host(world, call, create):
    world.add_host("two")
    assert create(availability_zone="nova:two").status_code == 403
    network = world.cloud.network("ops", "ops")
    made = create(availability_zone="nova:two", who="admin", networks=[{"uuid": network}])
    world.settle()
    shown = call("GET", f"/v2.1/servers/{made.json['server']['id']}", who="admin").json["server"]
    assert shown["OS-EXT-SRV-ATTR:host"] == "two"
    gone = create(availability_zone="nova:three", who="admin", networks=[{"uuid": network}])
    assert gone.status_code == 400


def test_quotas_are_shown_set_and_reset(call):
    shown = call("GET", "/v2.1/os-quota-sets/red", version="2.1").json["quota_set"]
    assert (shown["instances"], shown["floating_ips"], shown["injected_files"]) == (10, -1, 5)
    assert "injected_files" not in call("GET", "/v2.1/os-quota-sets/red").json["quota_set"]
    body = {"quota_set": {"cores": 7}}
    assert call("PUT", "/v2.1/os-quota-sets/red", body).status_code == 403
    assert call("PUT", "/v2.1/os-quota-sets/red", body, who="admin").json["quota_set"]["cores"] == 7
    limits = call("GET", "/v2.1/limits").json["limits"]["absolute"]
    assert limits["maxTotalCores"] == 7
    assert call("GET", "/v2.1/os-quota-sets/red/defaults").json["quota_set"]["cores"] == 20
    assert call("DELETE", "/v2.1/os-quota-sets/red", who="admin").status_code == 202
    assert call("GET", "/v2.1/os-quota-sets/red").json["quota_set"]["cores"] == 20
    assert call("GET", "/v2.1/os-quota-sets/blue").status_code == 403
    bad = {"quota_set": {"cores": -2}}
    assert call("PUT", "/v2.1/os-quota-sets/red", bad, who="admin").status_code == 400


@pytest.mark.parametrize(("version", "named", "unnamed"), [
    ("2.1", {"fixed_ips", "injected_files"}, {"server_groups"}),
    ("2.49", {"floating_ips", "injected_files"}, {"server_group_members"}),
    ("2.50", {"server_groups", "injected_files"}, {"fixed_ips", "security_groups"}),
    ("2.57", {"server_groups"}, {"injected_files", "floating_ips"})])
def test_a_class_has_the_limits_of_the_version(call, version, named, unnamed):
    path = "/v2.1/os-quota-class-sets/default"
    shown = call("GET", path, who="admin", version=version).json["quota_class_set"]
    assert named <= set(shown) and not unnamed & set(shown)
    again = {name: value for name, value in shown.items() if name != "id"}
    changed = call("PUT", path, {"quota_class_set": again}, who="admin", version=version)
    assert changed.json == {"quota_class_set": again}


def test_usage_is_told(call, server):
    found = call("GET", "/v2.1/os-simple-tenant-usage/red").json["tenant_usage"]
    assert [u["instance_id"] for u in found["server_usages"]] == [server]
    assert call("GET", "/v2.1/os-simple-tenant-usage/blue").status_code == 403
    assert call("GET", "/v2.1/os-simple-tenant-usage/red?start=now").status_code == 400


def test_groups_keep_servers_apart(world, call, create):
    body = {"server_group": {"name": "g", "policy": "anti-affinity"}}
    group = call("POST", "/v2.1/os-server-groups", body).json["server_group"]["id"]
    world.add_host("two")
    ids = []
    for _ in range(3):
        made = call("POST", "/v2.1/servers", {
            "server": {"name": "x", "flavorRef": "m1", "networks": "none",
                       "imageRef": next(iter(world.cloud.images))},
            "os:scheduler_hints": {"group": group}})
        ids.append(made.json["server"]["id"])
    world.settle()
    shown = [call("GET", f"/v2.1/servers/{i}", who="admin").json["server"] for i in ids]
    assert sorted(s["status"] for s in shown) == ["ACTIVE", "ACTIVE", "ERROR"]
    assert {s["OS-EXT-SRV-ATTR:host"] for s in shown} == {"one", "two", None}
    assert shown[0]["server_groups"] == [group]
    members = call("GET", f"/v2.1/os-server-groups/{group}").json["server_group"]["members"]
    assert members == ids
    assert call("GET", f"/v2.1/os-server-groups/{group}", who="bob").status_code == 404
    assert call("DELETE", f"/v2.1/os-server-groups/{group}").status_code == 204
    bad = {"server_group": {"name": "g", "policy": "apart"}}
    assert call("POST", "/v2.1/os-server-groups", bad).status_code == 400


def test_security_groups_of_old_are_neutrons(world, call):
    body = {"security_group": {"name": "web", "description": "d"}}
    made = call("POST", "/v2.1/os-security-groups", body, version="2.1").json["security_group"]
    assert set(made) == {"id", "name", "description", "tenant_id", "rules"}
    assert call("GET", "/v2.1/os-security-groups", version="2.36").status_code == 404
    path = f"/v2.1/os-security-groups/{made['id']}"
    assert call("DELETE", path, version="2.1").status_code == 202
    assert call("GET", path, version="2.1").status_code == 404


def test_ids_that_are_none_are_refused(call):
    missing = "00000000-0000-0000-0000-000000000000"
    for method in ("PUT", "DELETE"):
        for version, service, code in (("2.96", "1", 400), ("2.96", missing, 404)):
            body = {"status": "enabled"} if method == "PUT" else None
            assert call(method, f"/v2.1/os-services/{service}", body, who="admin",
                        version=version).status_code == code
    assert call("DELETE", "/v2.1/os-services/x", who="admin", version="2.1").status_code == 400
    assert call("DELETE", "/v2.1/os-services/9", who="admin", version="2.1").status_code == 404
    for number, code in (("x", 400), ("1.5", 400), ("9", 404), ("-1", 404), ("9" * 30, 404)):
        assert call("GET", f"/v2.1/os-aggregates/{number}", who="admin").status_code == code
