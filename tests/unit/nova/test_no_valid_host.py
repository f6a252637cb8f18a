"""Why there is no host, and the smallest change with which there is one."""

import itertools

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cairn.nova.scheduler import report
from cairn.nova.scheduler.changes import changed
from cairn.nova.scheduler.filters import FILTERS
from cairn.nova.scheduler.host_state import HostState, Surroundings
from cairn.nova.scheduler.obstacles import Course
from cairn.nova.settings import SchedulerSettings

CLASSES = ("VCPU", "MEMORY_MB", "DISK_GB")
SERVERS = ("s1", "s2", "s3")


def request(**more):
    return {"project_id": "red", "user_id": "alice", "resources": {"VCPU": 1}, "required": [],
            "forbidden": [], "zone": None, "host": None, "node": None, "capabilities": {},
            "aggregate_specs": {}, "hints": {}, "group": None,
            "image": {"arch": None, "hypervisor": None, "mode": None}, **more}


def state(host="one", **more):
    return HostState(**{
        "host": host, "node": host, "provider": host, "zone": "nova", "up": True,
        "disabled": False, "disabled_reason": None,
        "report": {"supported_instances": [["x86_64", "qemu", "hvm"]]},
        "capacity": dict.fromkeys(CLASSES, 8), **more})


def course(servers=None, excluded=(), **options):
    options = SchedulerSettings(**options)
    return Course({name: FILTERS[name] for name in options.filters.split()},
                  Surroundings(options, servers or {}), excluded)


def refused(course, states, asked):
    return [(state, course.obstacles(state, asked)) for state in states]


def explain(states, asked, **more):
    """The sentence that everybody reads, and the lines of admins."""
    way = course(**more)
    return report.explain(way, refused(way, states, asked), asked).split("\n")


@pytest.mark.parametrize(("states", "asked", "sentence"), [
    ([state(used={"VCPU": 6}), state("two", used={"VCPU": 5})], {"resources": {"VCPU": 4}},
     "2 hosts refused: 2 by VCPU (4 asked, at most 3 free). It would fit now with at most 3 "
     "VCPUs."),
    ([state()], {"resources": {"VCPU": 9, "MEMORY_MB": 16}},
     "1 host refused: 1 by MEMORY_MB (16 asked, at most 8 free), 1 by VCPU (9 asked, at most 8 "
     "free). It would fit now with at most 8 MiB of memory and at most 8 VCPUs."),
    # No server is larger than the machine, however often its processors are promised.
    ([state(capacity={"VCPU": 32}, report={"vcpus": 8})], {"resources": {"VCPU": 9}},
     "1 host refused: 1 by VCPU (9 asked, at most 8 free). It would fit now with at most 8 VCPUs."),
    ([state(), state("two", zone="east"), state("three", zone="west")], {"zone": "moon"},
     "3 hosts refused: 3 by AvailabilityZoneFilter. It would fit now in zone east, or in zone "
     "nova, or in zone west."),
    ([state(), state("two", zone="east", up=False)], {"zone": "east", "required": ["GPU"]},
     "2 hosts refused: 2 by GPU, 1 by AvailabilityZoneFilter, 1 by ComputeFilter. It would fit "
     "now without trait:GPU and in zone nova."),
    ([state(), state("two", disabled=True)], {"group": {
        "policy": "anti-affinity", "rules": {}, "hosts": {"one": 2}}},
     "2 hosts refused: 1 by ComputeFilter, 1 by ServerGroupAntiAffinityFilter. It would fit now in "
     "a group of policy soft-anti-affinity or with max_server_per_host 3."),
    ([state(disabled=True)], {}, "1 host refused: 1 by ComputeFilter."),
    ([state(capacity={})], {}, "1 host refused: 1 by VCPU (1 asked, at most 0 free)."),
    ([state()], {}, "1 host refused: 1 by claim."),
    ([], {}, "There are no compute hosts."),
    # One is nearer by zone, another by room: each would do.
    ([state(used={"VCPU": 6}), state("two", zone="east")], {"resources": {"VCPU": 4},
                                                            "zone": "nova"},
     "2 hosts refused: 1 by AvailabilityZoneFilter, 1 by VCPU (4 asked, at most 8 free). It would "
     "fit now with at most 2 VCPUs, or in zone east."),
])
def test_everybody_reads_the_smallest_change(states, asked, sentence):
    assert explain(states, request(**asked))[0] == sentence


def test_admins_read_each_host_with_every_filter():
    states = [state(used={"VCPU": 8}), state("two", zone="east", disabled=True,
                                             disabled_reason="repair")]
    assert explain(states, request(zone="nova"))[1:] == [
        "one: placement: VCPU wants 1, has 0 free",
        "two: ComputeFilter: disabled: repair; AvailabilityZoneFilter: in zone east, asked for "
        "nova"]


def test_thousands_of_hosts_have_a_line_together():
    states = [state(f"host{n}", zone="east" if n % 2 else "west") for n in range(report.LISTED + 4)]
    lines = explain(states, request(zone="moon"))
    assert len(lines) == report.LISTED + 2
    assert lines[-1] == "4 more: 4 by AvailabilityZoneFilter"


def test_the_sentence_fits_into_a_fault():
    asked = request(
        resources=dict.fromkeys(CLASSES, 99), required=[f"CUSTOM_TRAIT_{n}" for n in range(9)],
        zone="moon", capabilities={"gpu": "1"}, hints={"query": '["=", "$host", "x"]'},
        image={"arch": "arm", "hypervisor": None, "mode": None})
    states = [state(f"host{n}", disabled=True) for n in range(3)]
    sentence = explain(states, asked)[0]
    assert len(sentence) <= report.LONGEST
    assert sentence.startswith("3 hosts refused: 3 by")


# --- What is told is so: any cloud, any request ---


def few(items):
    return st.lists(st.sampled_from(items), unique=True, max_size=len(items))


HOSTS = st.builds(
    lambda **parts: parts, zone=st.sampled_from(["east", "west"]),
    up=st.sampled_from([True] * 5 + [False]), traits=few(["DRY", "GPU"]),
    capacity=st.fixed_dictionaries({name: st.integers(0, 12) for name in CLASSES}),
    report=st.fixed_dictionaries({
        "vcpus": st.integers(1, 12), "host_ip": st.sampled_from(["10.0.0.1", "10.0.1.1"]),
        "supported_instances": st.sampled_from([[["x86_64", "qemu", "hvm"]], []])}),
    aggregates=st.lists(st.fixed_dictionaries({}, optional={
        "ssd": st.sampled_from(["yes", "no"]), "gpu": st.just("1")}), max_size=2),
    io_ops=st.integers(0, 2))
REQUESTS = st.builds(
    request,
    resources=st.fixed_dictionaries({name: st.integers(1, 14) for name in CLASSES}),
    required=few(["DRY", "GPU"]), forbidden=few(["WET"]), zone=st.sampled_from([None, "east"]),
    host=st.sampled_from([None, None, None, "host0"]),
    capabilities=st.sampled_from([{}, {}, {"gpu": "1"}, {"gpu": "1", "fan": "2"}]),
    aggregate_specs=st.sampled_from([{}, {}, {"ssd": "yes"}]),
    hints=st.fixed_dictionaries({}, optional={
        "same_host": few(SERVERS), "different_host": few(SERVERS),
        "build_near_host_ip": st.just("10.0.0.9"),
        "query": st.just('[">", "$vcpus_total", 6]')}),
    image=st.sampled_from([{"arch": a, "hypervisor": None, "mode": None}
                           for a in (None, None, "x86_64", "arm")]),
    group=st.one_of(st.none(), st.builds(
        lambda policy, most, hosts: {
            "policy": policy, "rules": {"max_server_per_host": most}, "hosts": hosts},
        st.sampled_from(["affinity", "anti-affinity", "soft-affinity"]), st.integers(1, 3),
        st.dictionaries(st.sampled_from(["host0", "host1", "host2"]), st.integers(1, 5)))))
FILTER_NAMES = SchedulerSettings().filters + " SimpleCIDRAffinityFilter JsonFilter IoOpsFilter"


def room(host, name):
    free = host.capacity[name] - host.used.get(name, 0)
    return min(free, host.report["vcpus"]) if name == "VCPU" else free


def fits(way, states, asked):
    """Whether some host takes it: by placement's rules, told here once more, and the filters'."""
    return any(
        all(amount <= room(host, name) for name, amount in asked["resources"].items())
        and set(asked["required"]) <= set(host.traits)
        and not set(asked["forbidden"]) & set(host.traits)
        and way.first(host, asked) is None for host in states)


def lesser(change, asked):
    """Changes of the same kind that change less."""
    if change.kind in CLASSES:
        amount = change.make(asked)["resources"][change.kind]
        return [change.make(asked) | {"resources": asked["resources"] | {change.kind: more}}
                for more in range(amount + 1, asked["resources"][change.kind])]
    if change.kind == "max_server_per_host":
        most = change.make(asked)["group"]["rules"]["max_server_per_host"]
        return [asked | {"group": asked["group"] | {"rules": {"max_server_per_host": less}}}
                for less in range(asked["group"]["rules"]["max_server_per_host"] + 1, most)]
    if change.kind == "different_host":
        gone = [each for each in asked["hints"]["different_host"]
                if each not in change.make(asked)["hints"]["different_host"]]
        return [asked | {"hints": asked["hints"] | {"different_host": [
                    each for each in asked["hints"]["different_host"] if each not in some]}}
                for size in range(1, len(gone)) for some in itertools.combinations(
                    asked["hints"]["different_host"], size)]
    return []


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.lists(HOSTS, min_size=1, max_size=5), REQUESTS,
       st.fixed_dictionaries({}, optional={name: st.sampled_from(["host0", "host1", "host9"])
                                           for name in SERVERS}))
def test_what_is_proposed_fits_and_nothing_less_does(hosts, asked, servers):
    states = [state(f"host{number}", **parts) for number, parts in enumerate(hosts)]
    way = course(servers, filters=FILTER_NAMES, max_io_ops_per_host=2)
    assume(not fits(way, states, asked))
    told = refused(way, states, asked)
    assert all(obstacles for _, obstacles in told)
    plans = report.smallest(way, told, asked)
    # Nothing is proposed only where no host is up and idle, or a resource is used up.
    assert plans or all(not host.up or host.io_ops == 2 or min(
        room(host, name) for name in CLASSES) < 1 for host in states)
    for plan in plans:
        assert fits(way, states, changed(asked, plan))
        for size in range(1, len(plan)):
            for part in itertools.combinations(plan, size):
                assert not fits(way, states, changed(asked, part))
    if plans:
        # The one that is told first, less in any of its parts, does not fit.
        for number, change in enumerate(plans[0]):
            others = changed(asked, [*plans[0][:number], *plans[0][number + 1:]])
            assert not any(fits(way, states, other) for other in lesser(change, others))
    sentence = report.explain(way, told, asked).partition("\n")[0]
    assert "host" not in sentence.replace("hosts", "").replace("1 host refused", "").replace(
        "if no host were asked for", "").replace("_host", "")
