"""Which host: filters, weighers, claims, and words for a refusal."""

import pytest
from sqlalchemy import update

from cairn.nova.core import host_request
from cairn.nova.db.models import Aggregate, AggregateHost, Flavor
from cairn.nova.scheduler.filters import FILTERS, HostState, matches
from cairn.nova.scheduler.manager import Manager
from cairn.nova.scheduler.weighers import order
from cairn.nova.settings import ApiSettings, SchedulerSettings, ServiceSettings


def state(host="one", **more):
    return HostState(**{
        "host": host, "node": host, "provider": host, "zone": "nova", "up": True,
        "disabled": False, "disabled_reason": None, "report": {
            "vcpus": 8, "hypervisor_type": "QEMU", "cpu_info": {"arch": "x86_64"},
            "supported_instances": [["x86_64", "qemu", "hvm"]]}, **more})


def wanted(**more):
    return {"zone": None, "host": None, "node": None, "capabilities": {}, "hints": {},
            "group": None, "image": {"arch": None, "hypervisor": None, "mode": None}, **more}


def group(policy, hosts, **rules):
    return {"policy": policy, "rules": rules, "hosts": hosts}


@pytest.mark.parametrize(("name", "host", "asked", "reason"), [
    ("ComputeFilter", {}, {}, None),
    ("ComputeFilter", {"up": False}, {}, "does not answer"),
    ("ComputeFilter", {"disabled": True, "disabled_reason": "repair"}, {}, "repair"),
    ("AvailabilityZoneFilter", {}, {"zone": "nova"}, None),
    ("AvailabilityZoneFilter", {}, {"zone": "east"}, "in zone nova"),
    ("ComputeCapabilitiesFilter", {}, {"capabilities": {"vcpus": ">= 4"}}, None),
    ("ComputeCapabilitiesFilter", {}, {"capabilities": {"cpu_info:arch": "aarch64"}}, "x86_64"),
    ("ComputeCapabilitiesFilter", {}, {"capabilities": {"gpu": "1"}}, "no capability gpu"),
    ("ComputeCapabilitiesFilter", {"aggregates": [{"ssd": "true"}]},
     {"capabilities": {"ssd": "true"}}, None),
    ("AggregateInstanceExtraSpecsFilter", {"aggregates": [{"ssd": "no"}, {"ssd": "yes, fast"}]},
     {"aggregate_specs": {"ssd": "fast"}}, None),
    ("AggregateInstanceExtraSpecsFilter", {"aggregates": [{"disks": "4"}]},
     {"aggregate_specs": {"disks": ">= 2"}}, None),
    ("AggregateInstanceExtraSpecsFilter", {"aggregates": [{"ssd": "no"}]},
     {"aggregate_specs": {"ssd": "yes"}}, "ssd of its aggregates is no, asked for yes"),
    ("AggregateInstanceExtraSpecsFilter", {"aggregates": [{"gpu": "yes"}, {}]},
     {"aggregate_specs": {"ssd": "yes"}}, "is of none of them"),
    # A request of the release before.
    ("AggregateInstanceExtraSpecsFilter", {}, {}, None),
    ("ImagePropertiesFilter", {}, {"image": {"arch": "x86_64", "hypervisor": None,
                                             "mode": None}}, None),
    ("ImagePropertiesFilter", {}, {"image": {"arch": "aarch64", "hypervisor": None,
                                             "mode": None}}, "aarch64"),
    ("SameHostFilter", {}, {"hints": {"same_host": ["s1"]}}, None),
    ("SameHostFilter", {"host": "two"}, {"hints": {"same_host": "s1"}}, "runs none of s1"),
    ("DifferentHostFilter", {}, {"hints": {"different_host": ["s1"]}}, "runs s1"),
    ("DifferentHostFilter", {"host": "two"}, {"hints": {"different_host": ["s1"]}}, None),
    ("ServerGroupAntiAffinityFilter", {}, {"group": group("anti-affinity", {"one": 1})},
     "1 of at most 1"),
    ("ServerGroupAntiAffinityFilter", {},
     {"group": group("anti-affinity", {"one": 1}, max_server_per_host=2)}, None),
    ("ServerGroupAffinityFilter", {}, {"group": group("affinity", {"two": 1})}, "is on two"),
    ("ServerGroupAffinityFilter", {}, {"group": group("affinity", {})}, None),
])
def test_filters(name, host, asked, reason):
    found = FILTERS[name](state(**host), wanted(**asked), {"s1": "one"})
    assert (found is None) if reason is None else (reason in found)


@pytest.mark.parametrize(("value", "expected", "fits"), [
    ("8", ">= 4", True), ("2", ">= 4", False), ("8", "= 8", True), ("x", ">= 4", False),
    ("abc", "<in> b", True), ("a b c", "<all-in> a c", True), ("two", "<or> one <or> two", True),
    ("a", "s== a", True), ("a", "s!= a", False), ("a", "a", True), ("a", "", False),
])
def test_the_language_of_extra_specs(value, expected, fits):
    assert matches(value, expected) is fits


def test_the_emptiest_host_is_best_unless_one_stacks():
    hosts = [state(name, capacity={"MEMORY_MB": 100}, used={"MEMORY_MB": used})
             for name, used in (("full", 90), ("half", 50), ("empty", 0))]
    names = [s.host for s in order(hosts, wanted(), SchedulerSettings())]
    assert names == ["empty", "half", "full"]
    stacked = order(hosts, wanted(), SchedulerSettings(ram_weight=-1.0))
    assert [s.host for s in stacked] == ["full", "half", "empty"]


def test_soft_affinity_prefers():
    hosts = [state("one"), state("two")]
    near = wanted(group=group("soft-affinity", {"two": 1}))
    away = wanted(group=group("soft-anti-affinity", {"two": 1}))
    assert order(hosts, near, SchedulerSettings())[0].host == "two"
    assert order(hosts, away, SchedulerSettings())[0].host == "one"


def test_an_unknown_filter_is_refused_by_name(db):
    with pytest.raises(ValueError, match="MoonFilter"):
        Manager(db, None, SchedulerSettings(filters="MoonFilter"), ServiceSettings(),
                ApiSettings())


def test_a_claim_is_kept_when_the_question_is_repeated(world, alice):
    ask = {"resources": {"VCPU": 1}, "required": [], "forbidden": [], "project_id": "red",
           "user_id": "alice", **wanted()}
    world.add_host("two")
    first = world.scheduler.select_host(alice.ctx, "s1", ask, [])
    for _ in range(5):
        assert world.scheduler.select_host(alice.ctx, "s1", ask, [])["host"] == first["host"]
    assert len(world.cloud.allocations) == 1


def test_hosts_are_used_evenly(world, alice):
    world.add_host("two")
    for _ in range(4):
        alice.boot()
    world.settle()
    assert [len(d.domains) for d in world.drivers.values()] == [2, 2]


def test_required_traits_are_asked_of_placement(world, alice):
    alice.image = world.cloud.image(**{"trait:HW_GPU": "required"})
    server_id = alice.boot()
    world.settle()
    assert "trait" in alice.row(server_id).fault["details"]


def test_a_flavor_may_ask_for_hosts_of_an_aggregate(world, alice):
    world.add_host("two")
    with world.db.writing() as session:
        session.execute(update(Flavor).values(
            extra_specs={"aggregate_instance_extra_specs:ssd": "true"}))
        session.add(Aggregate(id="fast", number=1, name="fast", zone=None, meta={"ssd": "true"}))
        session.flush()
        session.add(AggregateHost(aggregate=1, host="two"))
    servers = [alice.boot() for _ in range(3)]
    world.settle()
    assert {alice.row(server).host for server in servers} == {"two"}
    with world.db.writing() as session:
        session.execute(update(Aggregate).values(meta={"ssd": "false"}))
    server = alice.boot()
    world.settle()
    assert "asked for true" in alice.row(server).fault["details"]


def test_resources_of_a_flavor_are_numbers(world, alice):
    with world.db.writing() as session:
        session.execute(update(Flavor).values(
            extra_specs={"resources:CUSTOM_FAN": "²", "resources:CUSTOM_LAMP": "2"}))
    row = alice.row(alice.boot())
    assert host_request.build(row, {}, None)["resources"].keys() & {
        "CUSTOM_FAN", "CUSTOM_LAMP"} == {"CUSTOM_LAMP"}
