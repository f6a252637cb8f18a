"""Which host: filters, weighers, claims, and words for a refusal."""

import pytest
from sqlalchemy import event, select, update

from cairn.common.errors import Remote
from cairn.nova.core import host_request
from cairn.nova.db.models import Aggregate, AggregateHost, Flavor, Hypervisor
from cairn.nova.errors import NoValidHost
from cairn.nova.scheduler.filters import FILTERS
from cairn.nova.scheduler.filters.language import matches
from cairn.nova.scheduler.host_state import HostState, Surroundings
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
            "group": None, "image": {"arch": None, "hypervisor": None, "mode": None},
            "project_id": "red", "user_id": "alice", "resources": {}, "required": [],
            "forbidden": [], **more}


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
    ("AllHostsFilter", {"up": False}, {}, None),
    ("SimpleCIDRAffinityFilter", {}, {}, None),
    ("SimpleCIDRAffinityFilter", {"report": {"host_ip": "10.1.2.3"}},
     {"hints": {"build_near_host_ip": "10.1.2.250"}}, None),
    ("SimpleCIDRAffinityFilter", {"report": {"host_ip": "10.1.2.3"}},
     {"hints": {"build_near_host_ip": "10.1.9.9", "cidr": "/16"}}, None),
    ("SimpleCIDRAffinityFilter", {"report": {"host_ip": "10.1.2.3"}},
     {"hints": {"build_near_host_ip": "10.1.9.9"}}, "asked for 10.1.9.0/24"),
    ("SimpleCIDRAffinityFilter", {"report": {"host_ip": "10.1.2.3"}},
     {"hints": {"build_near_host_ip": "moon"}}, "make no network"),
    ("AggregateImagePropertiesIsolation", {"aggregates": [{"os": "linux, bsd"}]},
     {"image_properties": {"os": "bsd"}}, None),
    ("AggregateImagePropertiesIsolation", {"aggregates": [{"os": "linux, bsd"}]}, {}, None),
    ("AggregateImagePropertiesIsolation", {"aggregates": [{"os": "linux, bsd"}]},
     {"image_properties": {"os": "windows"}}, "the image's is windows"),
    ("AggregateMultiTenancyIsolation", {"aggregates": [{"ssd": "yes"}]}, {}, None),
    ("AggregateMultiTenancyIsolation", {"aggregates": [{"filter_tenant_id": "blue"},
                                                       {"filter_tenant_id2": "green,red"}]},
     {}, None),
    ("AggregateMultiTenancyIsolation", {"aggregates": [{"filter_tenant_id": "blue"}]}, {},
     "for other projects"),
    ("AggregateTypeAffinityFilter", {}, {"flavor_name": "m1"}, None),
    ("AggregateTypeAffinityFilter", {"aggregates": [{"instance_type": "m1,m2"}]},
     {"flavor_name": "m2"}, None),
    ("AggregateTypeAffinityFilter", {"aggregates": [{"instance_type": "m1,m2"}]},
     {"flavor_name": "m3"}, "for flavors m1, m2"),
    ("IoOpsFilter", {"io_ops": 7}, {}, None),
    ("IoOpsFilter", {"io_ops": 8}, {}, "8 servers of at most 8"),
    ("AggregateIoOpsFilter", {"io_ops": 3, "aggregates": [{"max_io_ops_per_host": "5"},
                                                          {"max_io_ops_per_host": "3"}]},
     {}, "of at most 3"),
    ("AggregateIoOpsFilter", {"io_ops": 3, "aggregates": [{"max_io_ops_per_host": "few"}]}, {},
     None),
    ("NumInstancesFilter", {"instances": 49}, {}, None),
    ("NumInstancesFilter", {"instances": 50}, {}, "50 servers of at most 50"),
    ("AggregateNumInstancesFilter", {"instances": 50, "aggregates": [
        {"max_instances_per_host": "51"}]}, {}, None),
    ("AggregateNumInstancesFilter", {"instances": 2, "aggregates": [
        {"max_instances_per_host": "2"}]}, {}, "of at most 2"),
    ("MetricsFilter", {}, {}, None),
    ("JsonFilter", {}, {}, None),
    ("JsonFilter", {"capacity": {"MEMORY_MB": 2048}, "used": {"MEMORY_MB": 1024}},
     {"hints": {"query": '["and", [">=", "$free_ram_mb", 1024], ["=", "$vcpus", 8]]'}}, None),
    ("JsonFilter", {}, {"hints": {"query": '["=", "$cpu_info.arch", "x86_64"]'}}, None),
    ("JsonFilter", {}, {"hints": {"query": ['["not", ["in", "$host", "one", "two"]]']}},
     "not as the hint query asks"),
    ("JsonFilter", {}, {"hints": {"query": '["<", "$free_ram_mb", "many"]'}}, "not as"),
    ("JsonFilter", {}, {"hints": {"query": '["like", "$host", "o%"]'}}, "no operator 'like'"),
    ("JsonFilter", {}, {"hints": {"query": "host == one"}}, "is no JSON"),
    ("JsonFilter", {}, {"hints": {"query": "7"}}, "is no list"),
    ("JsonFilter", {}, {"hints": {"query": '["not", ' * 99 + "1" + "]" * 99}}, "lists in lists"),
    ("JsonFilter", {}, {"hints": {"query": "[" * 100000}}, "is no JSON"),
])
def test_filters(name, host, asked, reason):
    found = FILTERS[name](state(**host), wanted(**asked),
                          Surroundings(servers={"s1": "one"}))
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
    stacked = order(hosts, wanted(), SchedulerSettings(ram_weight_multiplier=-1.0))
    assert [s.host for s in stacked] == ["full", "half", "empty"]


def test_soft_affinity_prefers():
    hosts = [state("one"), state("two")]
    near = wanted(group=group("soft-affinity", {"two": 1}))
    away = wanted(group=group("soft-anti-affinity", {"two": 1}))
    assert order(hosts, near, SchedulerSettings())[0].host == "two"
    assert order(hosts, away, SchedulerSettings())[0].host == "one"


@pytest.mark.parametrize(("options", "told"), [
    ({"filters": "MoonFilter"}, "filters: there is no MoonFilter; there are: AllHostsFilter"),
    ({"weighers": "RAMWeigher MoonWeigher"}, "weighers: there is no MoonWeigher; there are: RAM"),
    ({"metrics_weight_setting": "cpu.percent=fast"}, "metrics_weight_setting: .*fast"),
])
def test_a_name_that_there_is_not_is_refused_at_the_start(db, options, told):
    with pytest.raises(ValueError, match=told):
        Manager(db, None, SchedulerSettings(**options), ServiceSettings(), ApiSettings())


@pytest.mark.parametrize(("options", "host", "image", "reason"), [
    ({}, "one", "i1", None),
    ({"isolated_hosts": "one", "isolated_images": "i1"}, "one", "i1", None),
    ({"isolated_hosts": "one", "isolated_images": "i1"}, "two", "i1", "not one of those"),
    ({"isolated_hosts": "one", "isolated_images": "i1"}, "one", "i2", "only for isolated"),
    ({"isolated_hosts": "one", "restrict_isolated_hosts_to_isolated_images": False}, "one", "i2",
     None)])
def test_isolated_hosts_are_for_isolated_images(options, host, image, reason):
    told = FILTERS["IsolatedHostsFilter"](
        state(host), wanted(image_id=image), Surroundings(SchedulerSettings(**options)))
    assert (told is None) if reason is None else (reason in told)


def test_metrics_that_count_must_be_told():
    around = Surroundings(SchedulerSettings(metrics_weight_setting="cpu.percent=-1, fans"))
    tells = state(report={"metrics": {"cpu.percent": 0.5, "fans": 2}})
    assert FILTERS["MetricsFilter"](tells, wanted(), around) is None
    told = FILTERS["MetricsFilter"](state(), wanted(), around)
    assert told == "does not tell cpu.percent, fans"


def test_a_namespace_says_which_metadata_isolates_images():
    around = Surroundings(SchedulerSettings(
        aggregate_image_properties_isolation_namespace="only"))
    host = state(aggregates=[{"os": "linux", "only.os": "linux"}])
    isolate = FILTERS["AggregateImagePropertiesIsolation"]
    assert isolate(host, wanted(image_properties={"os": "bsd"}), around) is None
    assert isolate(host, wanted(image_properties={"only.os": "bsd"}), around)


# --- Weighers ---


def only(name, **options):
    return SchedulerSettings(weighers=name, **options)


@pytest.mark.parametrize(("settings", "one", "two", "asked"), [
    (only("IoOpsWeigher"), {"io_ops": 1}, {"io_ops": 0}, {}),
    (only("NumInstancesWeigher", num_instances_weight_multiplier=-1.0), {"instances": 3},
     {"instances": 2}, {}),
    (only("BuildFailureWeigher"), {"failed_builds": 1}, {"failed_builds": 0}, {}),
    (only("HypervisorVersionWeigher"), {"report": {"hypervisor_version": 7002000}},
     {"report": {"hypervisor_version": 9000000}}, {}),
    (only("MetricsWeigher", metrics_weight_setting="load=-1"), {"report": {"metrics": {"load": 5}}},
     {"report": {"metrics": {"load": 1}}}, {}),
    # One that does not tell is the last.
    (only("MetricsWeigher", metrics_weight_setting="load=-1"), {},
     {"report": {"metrics": {"load": 99}}}, {}),
    (only("ImagePropertiesWeigher", image_props_weight_multiplier=1.0),
     {"image_properties": {("os", "bsd"): 5}}, {"image_properties": {("os", "linux"): 1}},
     {"image_properties": {"os": "linux"}}),
    (only("ImagePropertiesWeigher", image_props_weight_multiplier=1.0,
          image_props_weight_setting="os=3"),
     {"image_properties": {("bus", "ide"): 2}}, {"image_properties": {("os", "linux"): 1}},
     {"image_properties": {"os": "linux", "bus": "ide"}}),
    (only("CPUWeigher"), {"capacity": {"VCPU": 8}}, {"capacity": {"VCPU": 9}}, {}),
    (only("DiskWeigher"), {"capacity": {"DISK_GB": 8}}, {"capacity": {"DISK_GB": 9}}, {}),
])
def test_weighers_prefer(settings, one, two, asked):
    """The second host, however often and in whatever order they come."""
    hosts = [state("one", **one), state("two", **two)]
    for states in (hosts, hosts[::-1]) * 5:
        assert order(states, wanted(**asked), settings)[0].host == "two"


def test_a_build_that_failed_weighs_more_than_all_else():
    hosts = [state("full", capacity={"MEMORY_MB": 1}),
             state("broken", capacity={"MEMORY_MB": 1 << 30}, failed_builds=1)]
    assert order(hosts, wanted(), SchedulerSettings())[0].host == "full"


def test_an_aggregate_says_another_multiplier():
    settings = only("RAMWeigher")
    hosts = [state("much", capacity={"MEMORY_MB": 100}), state("less", capacity={"MEMORY_MB": 50})]
    assert order(hosts, wanted(), settings)[0].host == "much"
    hosts[1].aggregates = [{"ram_weight_multiplier": "9"}, {"ram_weight_multiplier": "3"}]
    # 1.0 * 1 against 3.0 * 0.5: of several aggregates the least counts.
    assert order(hosts, wanted(), settings)[0].host == "less"
    hosts[1].aggregates = [{"ram_weight_multiplier": "9"}, {"ram_weight_multiplier": "1.5"}]
    assert order(hosts, wanted(), settings)[0].host == "much"
    hosts[1].aggregates = [{"ram_weight_multiplier": "heavy"}]
    assert order(hosts, wanted(), settings)[0].host == "much"


def test_equals_are_shuffled_only_if_told():
    hosts = [state(f"host{number}") for number in range(20)]
    steady = SchedulerSettings(shuffle_best_same_weighed_hosts=False)
    assert [s.host for s in order(hosts, wanted(), steady)] == [s.host for s in hosts]
    assert len({order(hosts, wanted(), SchedulerSettings())[0].host for _ in range(50)}) > 1


def test_one_of_the_best_is_taken_at_random():
    hosts = [state(f"host{n}", capacity={"MEMORY_MB": n}) for n in range(1, 9)]
    firsts = {order(hosts, wanted(), SchedulerSettings(host_subset_size=3))[0].host
              for _ in range(100)}
    assert firsts == {"host6", "host7", "host8"}


# --- A whole scheduler ---


def test_a_claim_is_kept_when_the_question_is_repeated(world, alice):
    ask = wanted(resources={"VCPU": 1})
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


def scheduler(world, **options):
    world.scheduler = Manager(world.db, world.nova.cloud.placement, SchedulerSettings(**options),
                              world.nova.service, world.nova.api)
    return world.scheduler


def aggregate(world, number, hosts, **meta):
    with world.db.writing() as session:
        session.add(Aggregate(id=f"a{number}", number=number, name=f"a{number}", zone=None,
                              meta=meta))
        session.flush()
        session.add_all(AggregateHost(aggregate=number, host=host) for host in hosts)


def placed(world, alice, times=6, **more):
    """Where servers go, asked for several times: None is nowhere."""
    servers = [alice.boot(**more) for _ in range(times)]
    world.settle()
    return {alice.row(server).host for server in servers}


def test_a_project_goes_to_its_own_aggregates(world, alice):
    world.add_host("two")
    scheduler(world, limit_tenants_to_placement_aggregate=True)
    aggregate(world, 1, ["one"], filter_tenant_id="blue")
    assert placed(world, alice) == {"one", "two"}
    aggregate(world, 2, ["two"], filter_tenant_id="green", filter_tenant_id2="red")
    assert placed(world, alice, 3) == {"two"}


def test_a_project_without_aggregates_may_have_to_go_nowhere(world, alice):
    scheduler(world, limit_tenants_to_placement_aggregate=True,
              placement_aggregate_required_for_tenants=True)
    assert placed(world, alice, 1) == {None}
    aggregate(world, 1, ["one"], filter_tenant_id="red")
    assert placed(world, alice, 1) == {"one"}


def test_isolated_aggregates_are_for_those_who_ask_for_their_traits(world, alice):
    scheduler(world, enable_isolated_aggregate_filtering=True)
    aggregate(world, 1, ["one"], **{"trait:CUSTOM_DRY": "required"})
    assert placed(world, alice, 1) == {None}
    alice.image = world.cloud.image(**{"trait:CUSTOM_DRY": "required"})
    for provider in world.cloud.providers.values():
        provider["traits"] = ["CUSTOM_DRY"]
    assert placed(world, alice, 1) == {"one"}


def test_hosts_may_have_to_know_the_images_format(world, alice):
    scheduler(world, query_placement_for_image_type_support=True)
    assert placed(world, alice, 1) == {None}
    for provider in world.cloud.providers.values():
        provider["traits"] = ["COMPUTE_IMAGE_TYPE_QCOW2"]
    assert placed(world, alice, 1) == {"one"}


def test_servers_of_a_host_are_counted(world, alice):
    scheduler(world, filters="NumInstancesFilter", max_instances_per_host=2)
    assert placed(world, alice, 2) == {"one"}
    server = alice.boot()
    world.settle()
    assert "has 2 servers of at most 2" in alice.row(server).fault["details"]
    world.add_host("two")
    assert placed(world, alice, 2) == {"two"}


def test_servers_that_are_made_are_counted(world, alice):
    scheduler(world, filters="IoOpsFilter", max_io_ops_per_host=1)
    first = alice.boot()
    world.workers["conductor"].run(world.ledger.take("conductor", "conductor", True))
    assert alice.row(first).host == "one"
    second = alice.boot()
    world.workers["conductor"].run(world.ledger.take("conductor", "conductor", True))
    assert "makes, moves or copies 1 servers" in alice.row(second).fault["details"]
    world.settle()
    assert placed(world, alice, 1) == {"one"}


def test_a_host_that_failed_a_build_comes_last_until_it_builds_one(world, alice):
    world.add_host("two", memory_mb=4096)  # By room it is the second.
    broken = world.drivers["one"]
    prepare, broken.prepare = broken.prepare, refuse
    assert placed(world, alice, 1) == {"two"}
    assert failed_builds(world, "one") == 1
    assert placed(world, alice, 3) == {"two"}
    assert failed_builds(world, "one") == 1
    broken.prepare = prepare
    world.down("two")
    assert placed(world, alice, 1) == {"one"}
    assert failed_builds(world, "one") == 0


def refuse(spec):
    raise OSError("the disk is broken")


def failed_builds(world, host):
    with world.db.reading() as session:
        return session.scalar(select(Hypervisor.failed_builds).where(Hypervisor.host == host))


def test_a_host_that_is_asked_for_is_looked_for_by_name(world, alice):
    """Placement tells of any that have room, not of all: not of this one perhaps."""
    for number in range(5):
        world.add_host(f"host{number}")
    scheduler(world, max_candidates=1)
    for number in range(5):
        chosen = world.scheduler.select_host(
            alice.ctx, f"s{number}", wanted(resources={"VCPU": 1}, host=f"host{number}"), [])
        assert (chosen["host"], chosen["candidates"]) == (f"host{number}", 1)


def test_a_zone_is_looked_for_beyond_the_first_candidates(world, alice):
    for number in range(5):
        world.add_host(f"host{number}")
    scheduler(world, max_candidates=1)
    with world.db.writing() as session:
        session.add(Aggregate(id="a", number=1, name="a", zone="east", meta={}))
        session.flush()
        session.add(AggregateHost(aggregate=1, host="host4"))
    chosen = world.scheduler.select_host(
        alice.ctx, "s", wanted(resources={"VCPU": 1}, zone="east"), [])
    assert (chosen["host"], chosen["fitting"]) == ("host4", 1)


def test_who_lost_a_host_to_others_gets_the_next(world, alice):
    world.add_host("two")
    lost = []

    def before(service, method, path):
        if method == "PUT" and path.startswith("/allocations/s1") and not lost:
            lost.append(path)
            raise Remote("placement 409", 409, "Unable to allocate inventory")

    world.cloud.before = before
    chosen = world.scheduler.select_host(alice.ctx, "s1", wanted(resources={"VCPU": 1}), [])
    assert lost and chosen["fitting"] == 2
    assert list(world.cloud.allocations["s1"]) == [chosen["provider"]]


def test_as_many_questions_for_many_hosts_as_for_few(world, alice):
    """To placement and to the database, whether there is room or not."""

    def asked(amount):
        statements.clear()
        before = len(world.cloud.asked)
        ask = wanted(resources={"VCPU": amount}, zone="nova")
        try:
            world.scheduler.select_host(alice.ctx, f"s{len(world.drivers)}", ask, [])
        except NoValidHost:
            assert amount > 1
        return len(world.cloud.asked) - before, len(statements)

    statements = []
    for engine in (world.db.engine, world.db._reading.kw["bind"]):
        event.listen(engine, "before_cursor_execute",
                     lambda conn, cursor, statement, *rest: statements.append(statement))
    few = asked(1), asked(999)
    for number in range(20):
        world.add_host(f"host{number}")
    assert (asked(1), asked(999)) == few
