"""What owners ask of the choice of a host, and what they and admins read when there is none."""

import uuid

import pytest

ID = str(uuid.uuid4())


@pytest.fixture
def ask(world, call, flavor):
    """ask(hints, **more) -> the response of POST /servers."""
    image = world.cloud.image()

    def ask(hints=None, **more):
        return call("POST", "/v2.1/servers", {
            "server": {"name": "x", "flavorRef": flavor, "networks": "none", "imageRef": image,
                       **more}, "os:scheduler_hints": hints or {}})

    return ask


@pytest.fixture
def hosts(world, call, ask):
    """hosts(hints, count) -> where so many servers went, one after the other; None is nowhere."""

    def hosts(hints, count):
        ids = []
        for _ in range(count):
            ids.append(ask(hints).json["server"]["id"])
            world.settle()
        return [call("GET", f"/v2.1/servers/{each}", who="admin").json["server"]
                ["OS-EXT-SRV-ATTR:host"] for each in ids]

    return hosts


def group(call, policy, **more):
    made = call("POST", "/v2.1/os-server-groups", {
        "server_group": {"name": "g", "policy": policy, **more}})
    return {"group": made.json["server_group"]["id"]}


def test_a_group_may_have_some_servers_per_host(world, call, hosts):
    world.add_host("two")
    apart = group(call, "anti-affinity", rules={"max_server_per_host": 2})
    assert sorted(hosts(apart, 5), key=str) == [None, "one", "one", "two", "two"]


def test_soft_anti_affinity_spreads_as_long_as_it_can(world, call, hosts):
    world.add_host("two", memory_mb=4096)  # The other has more room for each of them.
    assert sorted(hosts(group(call, "soft-anti-affinity"), 4)) == ["one", "one", "two", "two"]
    assert set(hosts({}, 2)) == {"one"}


def test_soft_affinity_packs_as_long_as_it_can(world, call, hosts):
    world.add_host("two", vcpus=1)
    together = group(call, "soft-affinity")
    first = hosts(together, 1)[0]
    assert set(hosts(together, 3)) == {first}
    world.down(first)
    assert hosts(together, 1) == ["two" if first == "one" else "one"]


def test_affinity_keeps_together(world, call, hosts):
    world.add_host("two")
    together = group(call, "affinity")
    first = hosts(together, 1)[0]
    assert set(hosts(together, 3)) == {first}
    world.down(first)
    assert hosts(together, 1) == [None]


@pytest.mark.parametrize("hints", [
    {"same_host": "moon"}, {"different_host": [ID, "moon"]}, {"same_host": 7}, {"query": 7},
    {"build_near_host_ip": "moon"}, {"cidr": "24"}, {"target_cell": ""}, {"different_cell": [7]},
])
def test_a_hint_that_is_none_is_refused_by_name(ask, hints):
    answer = ask(hints)
    assert answer.status_code == 400
    assert next(iter(hints)) in answer.json["badRequest"]["message"]


@pytest.mark.parametrize("hints", [
    {"same_host": ID}, {"different_host": [ID]}, {"query": '["=", 1, 1]'}, {"moon": "full"},
    {"build_near_host_ip": "10.0.0.1", "cidr": "/24"}, {"build_near_host_ip": "fe80::1"}])
def test_hints_that_there_are(ask, hints):
    assert ask(hints).status_code == 202


# --- When there is none ---


@pytest.fixture
def events(world, call, ask):
    """events(who) -> that person's view of the choice that failed for a server of alice's."""
    for host in ("rack7-blade3", "rack7-blade4"):
        world.add_host(host)
    world.down("rack7-blade4")
    assert call("POST", "/v2.1/flavors", who="admin", json={"flavor": {
        "id": "huge", "name": "huge", "ram": 1048576, "vcpus": 1, "disk": 1}}).status_code == 200
    call("PUT", "/v2.1/os-quota-sets/red", {"quota_set": {"ram": -1}}, who="admin")
    server = ask(flavorRef="huge").json["server"]["id"]
    world.settle()
    path = f"/v2.1/servers/{server}/os-instance-actions"

    def events(who, version="2.96"):
        request = call("GET", path, who=who).json["instanceActions"][0]["request_id"]
        shown = call("GET", f"{path}/{request}", who=who, version=version)
        return [event for event in shown.json["instanceAction"]["events"]
                if event["event"] == "host_selected"][0]

    return events


SENTENCE = ("No valid host was found. 3 hosts refused: 3 by MEMORY_MB (1048576 asked, at most "
            "261632 free), 1 by ComputeFilter. It would fit now with at most 261632 MiB of memory.")


def test_the_owner_reads_the_smallest_change_and_of_no_host(events):
    assert events("alice")["details"] == SENTENCE
    assert "rack7" not in str(events("alice")) and "rack7" not in str(events("alice", "2.83"))


def test_an_admin_reads_of_every_host_with_every_filter(events):
    assert events("admin")["details"].split("\n") == [
        SENTENCE, "one: placement: MEMORY_MB wants 1048576, has 261632 free",
        "rack7-blade3: placement: MEMORY_MB wants 1048576, has 261632 free",
        "rack7-blade4: placement: MEMORY_MB wants 1048576, has 261632 free; "
        "ComputeFilter: its nova-compute does not answer"]
    assert events("admin", "2.83")["traceback"] == events("admin")["details"]


def test_what_is_proposed_fits(call, world, events, ask):
    assert call("POST", "/v2.1/flavors", who="admin", json={"flavor": {
        "id": "m9", "name": "m9", "ram": 261632, "vcpus": 1, "disk": 1}}).status_code == 200
    server = ask(flavorRef="m9").json["server"]["id"]
    world.settle()
    assert call("GET", f"/v2.1/servers/{server}").json["server"]["status"] == "ACTIVE"
