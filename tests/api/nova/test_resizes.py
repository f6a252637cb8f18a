"""Resized, moved, and what becomes of it, as a client sees it."""

import pytest


def act(call, server, body, **more):
    return call("POST", f"/v2.1/servers/{server}/action", body, **more)


def shown(call, server):
    return call("GET", f"/v2.1/servers/{server}", version="2.46").json["server"]


@pytest.fixture
def larger(call):
    call("POST", "/v2.1/flavors", who="admin", json={"flavor": {
        "id": "m2", "name": "m1.large", "ram": 1024, "vcpus": 2, "disk": 2}})
    return "m2"


@pytest.mark.parametrize(("settle", "code", "ends"), [
    ("confirmResize", 204, "m2"), ("revertResize", 202, "m1")])
def test_a_resize_and_its_end(world, call, server, larger, settle, code, ends):
    assert act(call, server, {settle: None}).status_code == 409
    assert act(call, server, {"resize": {"flavorRef": larger}}).status_code == 202
    assert shown(call, server)["status"] == "RESIZE"
    world.settle()
    assert (shown(call, server)["status"], shown(call, server)["flavor"]["id"]) == (
        "VERIFY_RESIZE", "m2")
    assert act(call, server, {"os-stop": None}).status_code == 409
    assert act(call, server, {settle: None}).status_code == code
    world.settle()
    assert (shown(call, server)["status"], shown(call, server)["flavor"]["id"]) == (
        "ACTIVE", ends)
    [migration] = call("GET", "/v2.1/os-migrations", who="admin").json["migrations"]
    assert (migration["instance_uuid"], migration["migration_type"], migration["status"]) == (
        server, "resize", {"m2": "confirmed", "m1": "reverted"}[ends])
    assert (migration["source_compute"], migration["dest_compute"]) == ("one", "one")


def test_one_that_was_off_stays_off(world, call, server, larger):
    act(call, server, {"os-stop": None})
    world.settle()
    act(call, server, {"resize": {"flavorRef": larger}})
    world.settle()
    act(call, server, {"confirmResize": None})
    world.settle()
    assert shown(call, server)["status"] == "SHUTOFF"
    assert world.drivers["one"].domains == {server: 4}


@pytest.mark.parametrize(("body", "code", "says"), [
    ({"flavorRef": "none"}, 400, "none"), ({"flavorRef": ""}, 400, "flavorRef"),
    ({}, 400, "flavorRef"), ({"flavorRef": None}, 400, "flavorRef"),
    ({"flavorRef": "m1"}, 400, "must change flavor"), ({"flavorRef": "m0"}, 400, "zero disk"),
    ({"flavorRef": "m2", "OS-DCF:diskConfig": "x"}, 400, "diskConfig"),
])
def test_a_resize_that_cannot_be_is_named(call, server, larger, body, code, says):
    call("POST", "/v2.1/flavors", who="admin", json={"flavor": {
        "id": "m0", "name": "m0", "ram": 512, "vcpus": 1, "disk": 0}})
    refused = act(call, server, {"resize": body})
    assert refused.status_code == code
    assert says in refused.json["badRequest"]["message"]
    assert shown(call, server)["status"] == "ACTIVE"


def test_who_may_move_a_server(world, call, server):
    world.add_host("two")
    assert act(call, server, {"migrate": None}).status_code == 403
    assert call("GET", "/v2.1/os-migrations").status_code == 403
    for host, says in (("three", "could not be found"), ("one", "is on one")):
        refused = act(call, server, {"migrate": {"host": host}}, who="admin")
        assert refused.status_code == 400 and says in refused.json["badRequest"]["message"]
    refused = act(call, server, {"migrate": {"host": "two"}}, who="admin", version="2.55")
    assert refused.status_code == 202  # What it is given is not looked at there, as upstream.
    world.settle()
    assert shown(call, server)["status"] == "VERIFY_RESIZE"
    assert call("GET", f"/v2.1/servers/{server}", who="admin").json["server"][
        "OS-EXT-SRV-ATTR:host"] == "two"


def test_migrations_are_found_page_by_page(world, call, create, larger):
    made = [create(f"web{n}").json["server"]["id"] for n in range(3)]
    world.settle()
    for server in made:
        act(call, server, {"resize": {"flavorRef": larger}})
    world.settle()

    def ask(query="", version="2.96"):
        answer = call("GET", f"/v2.1/os-migrations{query}", who="admin", version=version)
        assert answer.status_code == 200, answer.json
        return answer.json

    assert [m["instance_uuid"] for m in ask(version="2.1")["migrations"]] == made[::-1]
    page = ask("?limit=2")
    assert [m["instance_uuid"] for m in page["migrations"]] == made[:0:-1]
    marker = page["migrations"][-1]["uuid"]
    assert marker in page["migrations_links"][0]["href"]
    rest = ask(f"?limit=2&marker={marker}")
    assert [m["instance_uuid"] for m in rest["migrations"]] == made[:1]
    assert "migrations_links" not in rest
    assert ask(f"?instance_uuid={made[1]}&status=finished&host=one")["migrations"][0][
        "instance_uuid"] == made[1]
    assert ask("?status=error")["migrations"] == []
    assert ask("?changes-since=2999-01-01T00:00:00Z")["migrations"] == []
    for wrong in ("marker=x", "limit=x", "changes-since=x", "colour=red"):
        assert call("GET", f"/v2.1/os-migrations?{wrong}", who="admin").status_code == 400
