"""/servers: the life of a server as its owner sees it."""


def test_a_server_becomes_active(world, call, create):
    made = create()
    assert made.status_code == 202
    body = made.json["server"]
    assert set(body) == {"id", "links", "OS-DCF:diskConfig", "adminPass", "security_groups"}
    shown = call("GET", f"/v2.1/servers/{body['id']}").json["server"]
    assert (shown["status"], shown["OS-EXT-STS:task_state"]) == ("BUILD", "scheduling")
    world.settle()
    shown = call("GET", f"/v2.1/servers/{body['id']}").json["server"]
    assert shown["status"] == "ACTIVE"
    assert shown["OS-EXT-STS:power_state"] == 1
    assert shown["addresses"]["private"][0]["OS-EXT-IPS:type"] == "fixed"
    assert world.drivers["one"].domains == {body["id"]: 1}
    assert list(world.cloud.allocations) == [body["id"]]
