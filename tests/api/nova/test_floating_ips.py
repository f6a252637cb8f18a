"""/os-floating-ips and the actions with them: what Tempest's tests hold, with the real Neutron."""

import pytest
from sqlalchemy import update

from cairn.neutron.db import models as neutron_models

from . import proxies
from .proxies import NONE

world = proxies.world
call = proxies.call


@pytest.fixture
def outside(world):
    return world.cloud.network("ops", name="public", **{"router:external": True})


@pytest.fixture
def boot(world, call, flavor, outside):
    """boot() -> the id of an ACTIVE server of alice's, which can be reached from outside."""
    image = world.cloud.image()
    inside = world.cloud.network("red")
    world.cloud.route("red", outside, inside)

    def plug(moment, job, step):
        """What the network agent says when the taps are there."""
        with world.cloud.neutron.db.writing() as session:
            session.execute(update(neutron_models.Port).values(status="ACTIVE"))

    world.workers["compute.one"].probe = plug

    def boot():
        made = call("POST", "/servers", {"server": {
            "name": "web", "flavorRef": flavor, "imageRef": image}})
        assert made.status_code == 202, made.json
        world.settle()
        server = made.json["server"]["id"]
        assert call("GET", f"/servers/{server}").json["server"]["status"] == "ACTIVE"
        return server

    return boot


@pytest.fixture
def floating(call, outside):
    """floating() -> a new floating IP of alice's."""
    def floating():
        made = call("POST", "/os-floating-ips", {"pool": "public"})
        assert made.status_code == 200, made.json
        return made.json["floating_ip"]

    return floating


def addresses(call, server):
    shown = call("GET", f"/servers/{server}").json["server"]["addresses"]
    return {each["addr"]: each["OS-EXT-IPS:type"] for each in shown["private"]}


def act(call, server, name, **args):
    return call("POST", f"/servers/{server}/action", {name: args}, version="2.43")


def test_one_is_allocated_shown_listed_and_released(call, floating):
    made = [floating() for _ in range(3)]
    for each in made:
        assert each == {"id": each["id"], "ip": each["ip"], "pool": "public", "fixed_ip": None,
                        "instance_id": None}
        assert call("GET", f"/os-floating-ips/{each['id']}").json == {"floating_ip": each}
    listed = call("GET", "/os-floating-ips").json["floating_ips"]
    assert sorted(each["id"] for each in listed) == sorted(each["id"] for each in made)
    assert all(each in listed for each in made)
    assert call("DELETE", f"/os-floating-ips/{made[0]['id']}").status_code == 202
    assert call("GET", f"/os-floating-ips/{made[0]['id']}").status_code == 404
    assert len(call("GET", "/os-floating-ips").json["floating_ips"]) == 2


def test_pools_are_external_networks(world, call, outside):
    world.cloud.network("red")
    assert call("GET", "/os-floating-ip-pools").json == {"floating_ip_pools": [{"name": "public"}]}
    for body in ({"pool": outside}, {"pool": None}, {}):
        made = call("POST", "/os-floating-ips", body)
        assert (made.status_code, made.json["floating_ip"]["pool"]) == (200, "public")
    for pool in ("non_exist_pool", "private", NONE, ""):
        assert call("POST", "/os-floating-ips", {"pool": pool}).status_code == 404, pool
    for body in ({"pool": 1}, {"x": "public"}, [], "public"):
        assert call("POST", "/os-floating-ips", body).status_code == 400
    world.cloud.network("ops", name="public", **{"router:external": True})
    for body in ({"pool": "public"}, {}):
        assert call("POST", "/os-floating-ips", body).status_code == 400
    assert call("POST", "/os-floating-ips", {"pool": outside}).status_code == 200


def test_over_quota_and_no_more(world, call, outside):
    cloud = world.cloud
    cloud.ask("admin", "network", "PUT", "/quotas/red", {"quota": {"floatingip": 1}})
    codes = [call("POST", "/os-floating-ips", {"pool": "public"}) for _ in range(2)]
    assert [answer.status_code for answer in codes] == [200, 403]
    assert "quota" in codes[1].json["forbidden"]["message"]
    subnet = cloud.subnets[outside]["id"]
    cloud.ask("admin", "network", "PUT", f"/subnets/{subnet}", {"subnet": {
        "allocation_pools": [{"start": "10.0.0.2", "end": "10.0.0.2"}]}})
    codes = [call("POST", "/os-floating-ips", {"pool": "public"}, who="bob").status_code
             for _ in range(2)]
    assert codes[-1] == 404


def test_one_that_is_not_there(call, floating):
    for method in ("GET", "DELETE"):
        for other in (NONE, "x", "1", "..", f"{NONE}0"):
            assert call(method, f"/os-floating-ips/{other}").status_code == 404, other
    mine = floating()["id"]
    for method in ("GET", "DELETE"):
        assert call(method, f"/os-floating-ips/{mine}", who="bob").status_code == 404
    assert call("GET", "/os-floating-ips", who="bob").json == {"floating_ips": []}
    assert call("GET", f"/os-floating-ips/{mine}", who="rita").status_code == 200
    assert call("DELETE", f"/os-floating-ips/{mine}", who="rita").status_code == 403
    assert call("POST", "/os-floating-ips", {"pool": "public"}, who="rita").status_code == 403


def test_one_comes_to_a_server_and_goes(call, boot, floating):
    server, one = boot(), floating()
    assert act(call, server, "addFloatingIp", address=one["ip"]).status_code == 202
    shown = call("GET", f"/os-floating-ips/{one['id']}").json["floating_ip"]
    assert shown["instance_id"] == server
    assert addresses(call, server) == {shown["fixed_ip"]: "fixed", one["ip"]: "floating"}
    assert call("GET", "/os-floating-ips").json == {"floating_ips": [shown]}
    assert act(call, server, "removeFloatingIp", address=one["ip"]).status_code == 202
    assert addresses(call, server) == {shown["fixed_ip"]: "fixed"}
    assert call("GET", f"/os-floating-ips/{one['id']}").json["floating_ip"] == one
    assert act(call, server, "removeFloatingIp", address=one["ip"]).status_code == 409


def test_one_is_released_from_a_server(call, boot, floating):
    server, one = boot(), floating()
    [fixed] = addresses(call, server)
    assert act(call, server, "addFloatingIp", address=one["ip"],
               fixed_address=fixed).status_code == 202
    assert call("DELETE", f"/os-floating-ips/{one['id']}").status_code == 202
    assert addresses(call, server) == {fixed: "fixed"}


def test_one_of_another_server_is_taken(call, boot, floating):
    first, second, one = boot(), boot(), floating()
    for server in (first, second):
        assert act(call, server, "addFloatingIp", address=one["ip"]).status_code == 202
    shown = call("GET", f"/os-floating-ips/{one['id']}").json["floating_ip"]
    assert shown["instance_id"] == second
    assert one["ip"] in addresses(call, second)
    assert one["ip"] not in addresses(call, first)
    assert act(call, first, "removeFloatingIp", address=one["ip"]).status_code == 409
    assert call("GET", f"/os-floating-ips/{one['id']}").json["floating_ip"] == shown


def test_a_second_one_of_the_same_pool_is_refused(call, boot, floating):
    server = boot()
    answers = [act(call, server, "addFloatingIp", address=floating()["ip"]) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 400]


def test_wrong_ones(world, call, boot, floating):
    server, one = boot(), floating()["ip"]
    for name in ("addFloatingIp", "removeFloatingIp"):
        assert act(call, server, name, address="0.0.0.0").status_code == 404
        assert act(call, NONE, name, address=one).status_code == 404
        for address in ("", "x", 1, None, "1.2.3.4.5"):
            assert act(call, server, name, address=address).status_code == 400
        assert act(call, server, name).status_code == 400
        assert act(call, server, name, address=one, x=1).status_code == 400
        body = {name: {"address": one}}
        path = f"/servers/{server}/action"
        assert call("POST", path, body, who="bob").status_code == 404
        assert call("POST", path, body, who="rita").status_code == 403
        assert call("POST", path, body, version="2.44").status_code == 404
    for fixed in ("10.250.0.1", "x"):
        refused = act(call, server, "addFloatingIp", address=one, fixed_address=fixed)
        assert refused.status_code == 400
        assert "fixed_address" in refused.json["badRequest"]["message"]
    for port in world.cloud.ask("alice", "network", "GET", "/ports")["ports"]:
        if port["device_id"] == server:
            world.cloud.ask("alice", "network", "DELETE", f"/ports/{port['id']}")
    assert act(call, server, "addFloatingIp", address=one).status_code == 400


def test_one_that_cannot_be_reached_is_refused(world, call, boot, floating):
    """No router leads from its network to the server's."""
    server = boot()
    world.cloud.network("ops", name="far", **{"router:external": True})
    far = call("POST", "/os-floating-ips", {"pool": "far"}).json["floating_ip"]
    assert act(call, server, "addFloatingIp", address=far["ip"]).status_code == 400


def test_the_last_versions(call, outside):
    for method, path, body in (
        ("GET", "/os-floating-ips", None), ("POST", "/os-floating-ips", {"pool": "public"}),
        ("GET", f"/os-floating-ips/{NONE}", None), ("DELETE", f"/os-floating-ips/{NONE}", None),
        ("GET", "/os-floating-ip-pools", None),
    ):
        answer = call(method, path, body, version="2.36")
        assert (answer.status_code, answer.json["itemNotFound"]["message"]) == (
            404, "The resource could not be found.")
