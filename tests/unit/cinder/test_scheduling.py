"""Which pool gets a volume, and what is told where none does."""

from dataclasses import replace

import pytest

from cairn.cinder.errors import NoValidBackend
from cairn.cinder.scheduler import selection
from cairn.cinder.scheduler.pools import PoolState, Request
from cairn.cinder.settings import SchedulerSettings
from cairn.common.settings import BadSetting

SETTINGS = SchedulerSettings()
REQUEST = Request(10, "nova", {}, {}, False)


def pool(host, zone="nova", promised=0, volumes=0, capabilities=None, **figures):
    shown = {"total_capacity_gb": 100.0, "free_capacity_gb": 100.0,
             "provisioned_capacity_gb": 0.0, "thin_provisioning_support": False,
             "multiattach": True, **figures}
    return PoolState(f"{host}@b#p", zone, shown, capabilities or {}, promised, volumes)


def chosen(*pools, request=REQUEST, settings=SETTINGS):
    return selection.choose(list(pools), request, settings).host.partition("@")[0]


def refusal(*pools, request=REQUEST, missing=()):
    with pytest.raises(NoValidBackend) as refused:
        selection.choose(list(pools), request, SETTINGS, missing)
    return str(refused.value).split("\n")


def test_the_emptiest_is_best_and_the_name_decides():
    assert chosen(pool("a", free_capacity_gb=50.0), pool("b")) == "b"
    assert chosen(pool("b"), pool("a")) == "a"
    stack = replace(SETTINGS, capacity_weight=-1.0)
    assert chosen(pool("a"), pool("b", free_capacity_gb=50.0), settings=stack) == "b"
    assert chosen(pool("a"), pool("b", free_capacity_gb="infinite")) == "b"
    assert chosen(pool("b"), pool("a", free_capacity_gb="unknown")) == "b"


def test_other_weighers():
    for name, more in (("AllocatedCapacityWeigher", {"promised": 20}),
                       ("VolumeNumberWeigher", {"volumes": 5})):
        only = replace(SETTINGS, weighers=name)
        assert chosen(pool("a", **more), pool("b"), settings=only) == "b"
    good = pool("b", capabilities={"goodness_function": "volume.size > 5 ? 90 : 10"})
    bad = pool("a", capabilities={"goodness_function": "1 / 0"})
    only = replace(SETTINGS, weighers="GoodnessWeigher")
    assert chosen(bad, good, settings=only) == "b"
    dice = replace(SETTINGS, weighers="ChanceWeigher")
    assert {chosen(pool("a"), pool("b"), settings=dice) for _ in range(100)} == {"a", "b"}


def test_each_pool_is_named_with_what_it_lacks():
    lines = refusal(
        pool("small", total_capacity_gb=8.0, free_capacity_gb=8.0), pool("far", zone="mars"),
        pool("full", promised=97), missing=["off@b: it is disabled"])
    assert lines == [
        "No valid backend was found. None of 3 pools can take 10 GiB in zone nova. "
        "The largest that would fit is 8 GiB.",
        "small@b#p: CapacityFilter: 8.0 GiB are left, 10 GiB are needed",
        "far@b#p: AvailabilityZoneFilter: it is in zone mars",
        "full@b#p: CapacityFilter: 3.0 GiB are left, 10 GiB are needed",
        "off@b: it is disabled"]


@pytest.mark.parametrize(("pools", "request_", "advice"), [
    ([pool("a", zone="mars"), pool("b", zone="venus")], REQUEST,
     "It would fit in zone mars or venus."),
    ([pool("a", free_capacity_gb=0.0)], REQUEST, "They are full."),
    ([pool("a", thin_provisioning_support=True, max_over_subscription_ratio=2.0,
           provisioned_capacity_gb=195.0)], REQUEST, "The largest that would fit is 5 GiB."),
    ([pool("a")], replace(REQUEST, specs={"x": "1"}), "with another type it would fit."),
    ([pool("a", zone="mars", free_capacity_gb=0.0)], REQUEST, "in zone nova."),
    ([pool("a")], replace(REQUEST, hints={"same_host": "v"}), "without the hint same_host."),
    ([], REQUEST, "No storage backend is up and enabled."),
])
def test_the_smallest_change_that_would_fit(pools, request_, advice):
    assert refusal(*pools, request=request_)[0].endswith(advice)


def test_capabilities_and_functions():
    gold = replace(REQUEST, specs={"colour": "gold", "capabilities:free_capacity_gb": ">= 50"})
    assert chosen(pool("a"), pool("b", extra={"colour": "gold"}), request=gold) == "b"
    many = replace(REQUEST, multiattach=True, specs={"multiattach": "<is> True"})
    assert chosen(pool("a", multiattach=False), pool("b"), request=many) == "b"
    picky = pool("a", capabilities={"filter_function": "volume.size < 5"})
    broken = pool("b", capabilities={"filter_function": "volume.size <"})
    assert chosen(picky, broken, pool("c")) == "c"
    assert "filter_function is volume.size < 5" in refusal(picky)[1]
    assert "can not be evaluated: it ends too early" in refusal(broken)[1]


def test_thick_volumes_of_thin_pools_take_their_room():
    thin = pool("a", thin_provisioning_support=True, free_capacity_gb=5.0,
                max_over_subscription_ratio=10.0)
    assert chosen(thin) == "a"
    thick = replace(REQUEST, specs={"provisioning:type": "thick"})
    assert "5.0 GiB are left" in refusal(thin, request=thick)[1]
    endless = pool("a", free_capacity_gb="unknown")
    assert chosen(endless, request=thick) == "a"


def test_a_type_of_some_zones():
    some = replace(REQUEST, specs={"RESKEY:availability_zones": "mars,venus"})
    assert "the type is of mars,venus" in refusal(pool("a"), request=some)[1]
    assert chosen(pool("a", zone="venus"), request=replace(some, zone="venus")) == "a"


def test_names_that_there_are_not_are_refused():
    selection.check(SETTINGS)
    for setting in ("filters", "weighers"):
        with pytest.raises(BadSetting, match=f"{setting}: there is no JunkFilter; there are "):
            selection.check(replace(SETTINGS, **{setting: "JunkFilter"}))
