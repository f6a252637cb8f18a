"""What is done to a server: actions, metadata, tags, interfaces, groups."""

import pytest


def act(call, server, body, **more):
    return call("POST", f"/v2.1/servers/{server}/action", body, **more)


def status(call, server):
    return call("GET", f"/v2.1/servers/{server}").json["server"]["status"]


def test_stop_and_start(world, call, server):
    assert act(call, server, {"os-start": None}).status_code == 409
    assert act(call, server, {"os-stop": None}).status_code == 202
    refused = act(call, server, {"os-stop": None})
    assert refused.status_code == 409
    assert "task_state powering-off" in refused.json["conflictingRequest"]["message"]
    world.settle()
    assert status(call, server) == "SHUTOFF"
    assert act(call, server, {"os-start": None}).status_code == 202
    world.settle()
    assert status(call, server) == "ACTIVE"


def test_a_stop_leaves_the_guest_as_long_as_its_image_says(world, call, create, monkeypatch):
    server = create(imageRef=world.cloud.image(os_shutdown_timeout="7")).json["server"]["id"]
    world.settle()
    waited, stop = [], world.drivers["one"].stop
    monkeypatch.setattr(world.drivers["one"], "stop", lambda spec, timeout: (
        waited.append(timeout), stop(spec, timeout=timeout)))
    act(call, server, {"os-stop": None})
    world.settle()
    assert waited == [7.0]


@pytest.mark.parametrize(("kind", "word"), [("SOFT", "REBOOT"), ("HARD", "HARD_REBOOT")])
def test_reboot(world, call, server, kind, word):
    assert act(call, server, {"reboot": {"type": kind}}).status_code == 202
    assert status(call, server) == word
    world.settle()
    assert status(call, server) == "ACTIVE"


def test_rebuild_takes_another_image(world, call, server):
    other = world.cloud.image(name="other")
    answer = act(call, server, {"rebuild": {"imageRef": other, "name": "new"}})
    assert answer.status_code == 202
    assert answer.json["server"]["adminPass"]
    assert status(call, server) == "REBUILD"
    world.settle()
    shown = call("GET", f"/v2.1/servers/{server}").json["server"]
    assert (shown["status"], shown["image"]["id"], shown["name"]) == ("ACTIVE", other, "new")


def test_a_host_that_is_down_is_said(world, call, server):
    world.down("one")
    refused = act(call, server, {"os-stop": None})
    assert refused.status_code == 409
    assert "host does not answer" in refused.json["conflictingRequest"]["message"]
    assert status(call, server) == "ACTIVE"


def test_the_console_has_lines(call, server):
    body = {"os-getConsoleOutput": {"length": 1}}
    assert "login:" in act(call, server, body).json["output"]
    assert act(call, server, {"os-getConsoleOutput": {"length": "x"}}).status_code == 400


def test_a_locked_server_is_left_alone(call, server):
    act(call, server, {"lock": {"locked_reason": "mine"}})
    shown = call("GET", f"/v2.1/servers/{server}").json["server"]
    assert (shown["locked"], shown["locked_reason"]) == (True, "mine")
    assert act(call, server, {"os-stop": None}).status_code == 409
    assert call("DELETE", f"/v2.1/servers/{server}").status_code == 409
    assert act(call, server, {"unlock": None}).status_code == 202
    act(call, server, {"lock": None}, who="admin")
    assert act(call, server, {"unlock": None}).status_code == 403


def test_only_admins_reset_the_state(call, server):
    body = {"os-resetState": {"state": "error"}}
    assert act(call, server, body).status_code == 403
    assert act(call, server, body, who="admin").status_code == 202
    assert status(call, server) == "ERROR"


def test_an_unknown_action_is_named(call, server):
    refused = act(call, server, {"explode": None})
    assert refused.status_code == 400
    assert "explode" in refused.json["badRequest"]["message"]
    assert act(call, server, {"reboot": {"type": "SLOW"}}).status_code == 400
    assert act(call, server, {}).status_code == 400


def test_metadata(call, server):
    path = f"/v2.1/servers/{server}/metadata"
    assert call("POST", path, {"metadata": {"a": "1"}}).json == {"metadata": {"a": "1"}}
    assert call("PUT", f"{path}/b", {"meta": {"b": "2"}}).json == {"meta": {"b": "2"}}
    assert call("GET", path).json["metadata"] == {"a": "1", "b": "2"}
    assert call("PUT", path, {"metadata": {"c": "3"}}).json == {"metadata": {"c": "3"}}
    assert call("DELETE", f"{path}/c").status_code == 204
    assert call("DELETE", f"{path}/c").status_code == 404
    assert call("PUT", f"{path}/x", {"meta": {"y": "1"}}).status_code == 400
    assert call("POST", path, {"metadata": {"a": "1"}}, who="rita").status_code == 403


def test_tags(call, server):
    path = f"/v2.1/servers/{server}/tags"
    assert call("PUT", f"{path}/red").status_code == 201
    assert call("PUT", f"{path}/red").status_code == 204
    assert call("PUT", path, {"tags": ["blue", "green"]}).json == {"tags": ["blue", "green"]}
    assert call("GET", f"{path}/blue").status_code == 204
    assert call("GET", f"{path}/red").status_code == 404

    def tagged(query):
        return len(call("GET", f"/v2.1/servers?{query}").json["servers"])

    assert (tagged("tags=blue,green"), tagged("tags=blue,red"), tagged("tags-any=red,blue"),
            tagged("not-tags=blue"), tagged("not-tags-any=red")) == (1, 0, 1, 0, 1)
    assert call("DELETE", path).status_code == 204
    assert call("GET", path).json == {"tags": []}


def test_a_port_of_the_users_own_outlives_the_server(world, call, create):
    network = next(iter(world.cloud.networks))
    port = world.cloud.post("network", "/ports", json={"port": {"network_id": network}}).json()
    port_id = port["port"]["id"]
    made = create(networks=[{"port": port_id}]).json["server"]["id"]
    world.settle()
    assert world.cloud.ports[port_id]["device_id"] == made
    taken = create(networks=[{"port": port_id}])
    assert taken.status_code == 409
    call("DELETE", f"/v2.1/servers/{made}")
    world.settle()
    assert world.cloud.ports[port_id]["device_id"] == ""


def test_addresses_and_fixed_ips(world, call, server):
    network = next(iter(world.cloud.networks))
    path = f"/v2.1/servers/{server}/ips"
    act(call, server, {"addFixedIp": {"networkId": network}}, version="2.1")
    found = call("GET", path).json["addresses"]["private"]
    assert len(found) == 2
    assert call("GET", f"{path}/private").json == {"private": found}
    assert call("GET", f"{path}/none").status_code == 404
    act(call, server, {"removeFixedIp": {"address": found[1]["addr"]}}, version="2.1")
    assert call("GET", path).json["addresses"]["private"] == found[:1]


def test_security_groups_of_a_server(world, call, server):
    world.cloud.group("red", "web")
    path = f"/v2.1/servers/{server}/os-security-groups"
    assert act(call, server, {"addSecurityGroup": {"name": "web"}}).status_code == 202
    assert [g["name"] for g in call("GET", path).json["security_groups"]] == ["web"]
    shown = call("GET", f"/v2.1/servers/{server}").json["server"]
    assert shown["security_groups"] == [{"name": "web"}]
    assert act(call, server, {"addSecurityGroup": {"name": "none"}}).status_code == 404
    assert act(call, server, {"removeSecurityGroup": {"name": "web"}}).status_code == 202
    assert act(call, server, {"removeSecurityGroup": {"name": "web"}}).status_code == 404


def test_neutron_tells_of_floating_ips(world, call, server):
    port = next(iter(world.cloud.ports.values()))
    world.cloud.floatingips["f"] = {
        "id": "f", "port_id": port["id"], "floating_ip_address": "172.31.0.101",
        "fixed_ip_address": port["fixed_ips"][0]["ip_address"]}
    body = {"events": [{"name": "network-changed", "server_uuid": server}]}
    assert call("POST", "/v2.1/os-server-external-events", body).status_code == 403
    told = call("POST", "/v2.1/os-server-external-events", body, who="neutron")
    assert told.json["events"][0]["code"] == 200
    shown = call("GET", f"/v2.1/servers/{server}").json["server"]["addresses"]["private"]
    assert [a["OS-EXT-IPS:type"] for a in shown] == ["fixed", "floating"]


def test_admins_diagnose(world, call, server):
    path = f"/v2.1/servers/{server}/diagnostics"
    assert call("GET", path).status_code == 403
    assert act(call, server, {"injectNetworkInfo": None}, who="admin").status_code == 202
    shown = call("GET", path, who="admin", version="2.48").json
    assert (shown["driver"], shown["state"], shown["num_cpus"]) == ("libvirt", "running", 1)
    assert (shown["num_nics"], shown["num_disks"]) == (1, 1)
    port = next(iter(world.cloud.ports.values()))
    assert shown["nic_details"][0]["mac_address"] == port["mac_address"]
    assert 0 <= shown["uptime"] < 600

    flat = call("GET", path, who="admin", version="2.47").json
    assert flat["memory"] == flat["memory-actual"] == 512 << 10
    assert (flat["cpu0_time"], flat["vda_read"], flat["vda_errors"]) == (1000000000, 512, -1)
    tap = f"tap{port['id'][:11]}"
    assert (flat[f"{tap}_rx"], flat[f"{tap}_tx_packets"]) == (0, 0)
    assert not {"state", "nic_details"} & set(flat)


def test_what_does_not_run_is_not_diagnosed(world, call, server):
    path = f"/v2.1/servers/{server}/diagnostics"
    act(call, server, {"os-stop": None})
    world.settle()
    refused = call("GET", path, who="admin")
    assert refused.status_code == 409
    assert "power state shutdown" in refused.json["conflictingRequest"]["message"]
    world.down("one")
    assert call("GET", path, who="admin").status_code == 409


def test_the_topology_of_a_server(call, server):
    path = f"/v2.1/servers/{server}/topology"
    assert call("GET", path, version="2.77").status_code == 404
    shown = call("GET", path, version="2.78", who="rita")
    assert shown.json == {"nodes": [], "pagesize_kb": None}
    assert call("GET", path, version="2.78", who="bob").status_code == 404
