"""/servers: the life of a server as its owner sees it."""

import pytest

from cairn.common.policy import Policy
from cairn.nova.db.models import Server, Service
from cairn.nova.policy import RULES


def show(call, server_id, **more):
    return call("GET", f"/v2.1/servers/{server_id}", **more).json["server"]


def test_a_server_becomes_active(world, call, create):
    made = create()
    assert made.status_code == 202
    body = made.json["server"]
    assert set(body) == {"id", "links", "OS-DCF:diskConfig", "adminPass", "security_groups"}
    shown = show(call, body["id"])
    assert (shown["status"], shown["OS-EXT-STS:task_state"]) == ("BUILD", "scheduling")
    world.settle()
    shown = show(call, body["id"])
    assert shown["status"] == "ACTIVE"
    assert shown["OS-EXT-STS:power_state"] == 1
    assert shown["addresses"]["private"][0]["OS-EXT-IPS:type"] == "fixed"
    assert world.drivers["one"].domains == {body["id"]: 1}
    assert list(world.cloud.allocations) == [body["id"]]


def test_each_step_is_an_event_its_owner_sees(call, server):
    found = call("GET", f"/v2.1/servers/{server}/os-instance-actions").json["instanceActions"]
    assert [action["action"] for action in found] == ["create"]
    path = f"/v2.1/servers/{server}/os-instance-actions/{found[0]['request_id']}"
    events = call("GET", path).json["instanceAction"]["events"]
    assert [event["event"] for event in events] == [
        "token_issued", "request_received", "policy_checked", "server_recorded", "work_taken",
        "host_selected", "host_recorded", "ports_created", "volumes_created", "volumes_attached",
        "work_handed", "spec_received", "image_found", "image_cached", "ports_plugged",
        "disks_prepared", "domain_started",
    ]
    assert {event["result"] for event in events} == {"Success"}
    assert "host" not in events[-1] and "traceback" not in events[-1]
    admin = call("GET", path, who="admin").json["instanceAction"]["events"]
    assert admin[-1]["host"] == "one"


def test_events_are_an_admins_before_251(call, server):
    path = f"/v2.1/servers/{server}/os-instance-actions"
    request = call("GET", path).json["instanceActions"][0]["request_id"]
    for version, who, shown in (("2.50", "alice", False), ("2.50", "admin", True),
                                ("2.51", "alice", True), ("2.51", "rita", True)):
        action = call("GET", f"{path}/{request}", who=who, version=version).json["instanceAction"]
        assert ("events" in action) is shown
        assert all(("traceback" in event) is (who == "admin")
                   for event in action.get("events", []))


def test_deleting_leaves_nothing(world, call, server):
    assert call("DELETE", f"/v2.1/servers/{server}").status_code == 204
    assert show(call, server)["OS-EXT-STS:task_state"] == "deleting"
    assert call("DELETE", f"/v2.1/servers/{server}").status_code == 204
    world.settle()
    assert call("GET", f"/v2.1/servers/{server}").status_code == 404
    assert (world.cloud.ports, world.cloud.allocations) == ({}, {})
    used = call("GET", "/v2.1/os-quota-sets/red/detail").json["quota_set"]["instances"]
    assert used["in_use"] == 0


def test_another_project_does_not_see_it(call, server):
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/os-interface"),
                         ("GET", "/metadata"), ("GET", "/os-instance-actions")):
        assert call(method, f"/v2.1/servers/{server}{path}", who="bob").status_code == 404, path
    assert call("GET", "/v2.1/servers", who="bob").json["servers"] == []


def test_a_reader_reads_only(call, server):
    assert call("GET", f"/v2.1/servers/{server}", who="rita").status_code == 200
    assert call("DELETE", f"/v2.1/servers/{server}", who="rita").status_code == 403
    refused = call("POST", "/v2.1/servers", {}, who="rita")
    assert refused.status_code == 403


def test_nobody_is_told_to_authenticate(call):
    assert call("GET", "/v2.1/servers", who="nobody").status_code == 401


@pytest.mark.parametrize(("wanted", "field"), [
    ({"name": ""}, "server.name"),
    ({"name": " web"}, "server.name"),
    ({"flavorRef": "none"}, "Flavor none"),
    ({"imageRef": "7bd7e6f2-6f0b-4c0e-a9ba-0a7f4f2cbb0f"}, "imageRef"),
    ({"imageRef": "no-uuid"}, "server.imageRef"),
    ({"networks": [{"uuid": "7bd7e6f2-6f0b-4c0e-a9ba-0a7f4f2cbb0f"}]}, "Network"),
    ({"networks": "all"}, "server.networks"),
    ({"key_name": "none"}, "key_name"),
    ({"user_data": "{}"}, "user_data"),
    ({"metadata": {"a": 1}}, "server.metadata.a"),
    ({"min_count": 3, "max_count": 2}, "min_count"),
    ({"security_groups": [{"name": "none"}]}, "Security group none"),
    ({"availability_zone": "moon"}, "availability zone"),
    ({"accessIPv4": "300.1.1.1"}, "accessIPv4"),
    ({"color": "red"}, "color"),
    ({"personality": [{"path": "/a", "contents": "Yg=="}]}, "personality"),
    ({"block_device_mapping_v2": [{"source_type": "volume", "boot_index": 1, "uuid": "v"}]},
     "block_device_mapping_v2.0"),
])
def test_bad_input_names_the_field(world, create, wanted, field):
    refused = create(**wanted)
    assert refused.status_code == 400, refused.json
    assert field in refused.json["badRequest"]["message"]


def test_the_quota_refuses_in_novas_words(call, create):
    call("PUT", "/v2.1/os-quota-sets/red", {"quota_set": {"instances": 1}}, who="admin")
    assert create().status_code == 202
    refused = create()
    assert refused.status_code == 403
    assert refused.json["forbidden"]["message"] == (
        "Quota exceeded for instances: Requested 1, but already used 1 of 1 instances")
    assert len(call("GET", "/v2.1/servers").json["servers"]) == 1


def test_several_at_once(world, call, create):
    made = create(min_count=2, max_count=3, return_reservation_id=True)
    assert set(made.json) == {"reservation_id"}
    names = [s["name"] for s in call("GET", "/v2.1/servers").json["servers"]]
    assert sorted(names) == ["web-1", "web-2", "web-3"]


def test_no_host_says_what_would_fit(world, call, create):
    call("POST", "/v2.1/flavors", who="admin", json={"flavor": {
        "id": "huge", "name": "huge", "ram": 1 << 20, "vcpus": 2, "disk": 1}})
    call("PUT", "/v2.1/os-quota-sets/red", {"quota_set": {"ram": -1}}, who="admin")
    made = create(flavorRef="huge").json["server"]["id"]
    world.settle()
    fault = show(call, made)["fault"]
    assert fault["message"].startswith("No valid host was found. 1 host refused")
    assert "It would fit now with at most" in fault["message"]
    assert "details" not in fault and "one" not in fault["message"].split()
    details = show(call, made, who="admin")["fault"]["details"]
    assert "one: placement: MEMORY_MB wants 1048576" in details


def test_lists_filter_sort_and_page(world, call, create):
    for name in ("b", "a", "c"):
        create(name=name)
    world.settle()

    def names(query="", **more):
        return [s["name"] for s in call("GET", f"/v2.1/servers{query}", **more).json["servers"]]

    assert names() == ["c", "a", "b"]
    assert names("?sort_key=display_name&sort_dir=asc") == ["a", "b", "c"]
    assert names("?name=a") == ["a"]
    assert names("?name=^[ab]$") == ["a", "b"]
    assert names("?name=^[ab]$&name=b") == ["b"]
    assert names("?name=(a%2b)%2b$") == ["a"]
    assert names("?status=ACTIVE&limit=2") == ["c", "a"]
    assert names("?status=ERROR") == []
    assert call("GET", "/v2.1/servers?status=nonsense").status_code == 400
    assert call("GET", "/v2.1/servers?status=nonsense", version="2.37").json == {"servers": []}
    assert names("?all_tenants=1", who="admin") == ["c", "a", "b"]
    assert names(who="admin") == []
    assert call("GET", "/v2.1/servers?all_tenants=1").status_code == 403
    first = call("GET", "/v2.1/servers?limit=2").json
    assert "marker=" in first["servers_links"][0]["href"]
    marker = first["servers"][-1]["id"]
    assert names(f"?limit=2&marker={marker}") == ["b"]
    for bad in ("?marker=none", "?limit=x", "?sort_key=color", "?name=*", "?name=(?=a)",
                r"?name=(a)\1", f"?name=^{'a' * 255}"):
        assert call("GET", f"/v2.1/servers{bad}").status_code == 400, bad


@pytest.mark.parametrize(("version", "has", "lacks"), [
    ("2.1", {"OS-EXT-STS:vm_state"}, {"locked", "description", "tags", "host_status"}),
    ("2.9", {"locked"}, {"description"}),
    ("2.19", {"description"}, {"tags"}),
    ("2.26", {"tags"}, {"trusted_image_certificates"}),
    ("2.63", {"trusted_image_certificates"}, {"server_groups"}),
    ("2.71", {"server_groups"}, {"locked_reason"}),
    ("2.73", {"locked_reason"}, {"pinned_availability_zone", "OS-EXT-SRV-ATTR:hostname"}),
    ("2.90", {"OS-EXT-SRV-ATTR:hostname"}, {"pinned_availability_zone"}),
    ("2.96", {"pinned_availability_zone"}, {"scheduler_hints"}),
    ("2.104", {"scheduler_hints"}, set()),
])
def test_each_version_shows_its_own(call, server, version, has, lacks):
    shown = set(show(call, server, version=version))
    assert has <= shown
    assert not lacks & shown
    assert "OS-EXT-SRV-ATTR:host" not in shown
    listed = call("GET", "/v2.1/servers/detail", version=version).json["servers"][0]
    assert set(listed) | {"server_groups"} == shown | {"server_groups"}


def test_admins_see_where_it_is(call, server):
    shown = show(call, server, who="admin")
    assert shown["OS-EXT-SRV-ATTR:host"] == "one"
    assert shown["OS-EXT-SRV-ATTR:instance_name"] == "instance-00000001"
    assert shown["host_status"] == "UP"


@pytest.mark.parametrize(("service", "state"), [
    ({}, "UP"), ({"seen_at": None}, "UNKNOWN"), ({"disabled": True}, "MAINTENANCE"),
    ({"forced_down": True, "disabled": True}, "DOWN"),
])
def test_the_state_of_its_host(world, call, server, tmp_path, service, state):
    with world.db.writing() as session:
        session.query(Service).filter_by(host="one").update(service)
    for path in (f"/v2.1/servers/{server}", "/v2.1/servers/detail?all_tenants=1"):
        assert f'"host_status":"{state}"' in call("GET", path, who="admin").text
        assert "host_status" not in call("GET", path, who="admin", version="2.15").text
        assert "host_status" not in call("GET", path.partition("?")[0]).text
    # Who is told that nobody knows is told nothing else.
    rule = "os_compute_api:servers:show:host_status:unknown-only"
    file = tmp_path / "policy.yaml"
    file.write_text(f'"{rule}": "rule:project_reader_or_admin"\n')
    world.nova.policy.__dict__.update(Policy(RULES, str(file)).__dict__)
    assert show(call, server).get("host_status") == (state if state == "UNKNOWN" else None)


def test_updating_changes_the_words(call, server):
    body = {"server": {"name": "db", "description": "mine", "accessIPv6": "::0:1"}}
    shown = call("PUT", f"/v2.1/servers/{server}", body).json["server"]
    assert (shown["name"], shown["description"]) == ("db", "mine")
    assert shown["accessIPv6"] == "::1"
    assert call("PUT", f"/v2.1/servers/{server}", {"server": {"size": 1}}).status_code == 400


def test_versions_are_found_as_clients_look_for_them(call):
    found = call("GET", "/", who="nobody", version=None).json["versions"]
    assert [v["id"] for v in found] == ["v2.0", "v2.1"]
    one = call("GET", "/v2.1/", who="nobody", version=None)
    assert one.json["version"]["version"] == "2.104"
    assert one.headers["OpenStack-API-Version"] == "compute 2.1"
    assert call("GET", "/v2.1/servers", version="2.999").status_code == 406
    assert call("GET", "/v2.1/servers", version="x").status_code == 400
    assert call("GET", "/v2.1/servers", version="latest").headers[
        "X-OpenStack-Nova-API-Version"] == "2.104"


def test_what_is_not_settled_is_left_alone(world, call, server):
    def codes():
        path = f"/v2.1/servers/{server}"
        return [call("PUT", f"{path}/metadata", {"metadata": {"a": "b"}}).status_code,
                call("PUT", f"{path}/tags", {"tags": ["a"]}).status_code,
                call("PUT", f"{path}/tags/b").status_code]

    def put(**values):
        with world.db.writing() as session:
            session.query(Server).update(values)

    assert codes() == [200, 200, 201]
    put(task_state="rebooting")
    assert codes() == [409, 200, 201]
    put(vm_state="error", task_state=None)
    assert codes() == [409, 409, 409]
