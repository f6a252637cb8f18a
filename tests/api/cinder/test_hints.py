"""Hints of where a volume shall be, and what a refusal tells whom."""

import pytest

from cairn.cinder.db.models import Work
from cairn.common.db import new_id


@pytest.fixture
def place(world, call, create):
    """place(who=, hints) -> the host of a new volume; None where none was found."""
    world.add_host("other")

    def place(hints, who="alice"):
        made = create(who=who, hints=hints).json["volume"]["id"]
        world.settle()
        shown = call("GET", f"/volumes/{made}", who="admin").json["volume"]
        host = shown["os-vol-host-attr:host"]
        return made, host and host.partition("@")[0]

    return place


def test_beside_a_volume_and_away_from_it(place):
    first, host = place({})
    _, same = place({"same_host": [first]})
    _, other = place({"different_host": first})
    assert same == host and other != host
    second, there = place({"different_host": [first]})
    assert place({"different_host": [first, second]})[1] is None
    assert place({"same_host": new_id()})[1] is None
    # Where others' volumes are is not told.
    assert place({"same_host": first}, who="bob")[1] is None


def test_on_the_host_of_a_server(world, place):
    server, theirs, homeless = new_id(), new_id(), new_id()
    world.cloud.compute.servers = {
        server: {"tenant_id": "red", "OS-EXT-SRV-ATTR:host": "other"},
        theirs: {"tenant_id": "blue", "OS-EXT-SRV-ATTR:host": "other"},
        homeless: {"tenant_id": "red", "OS-EXT-SRV-ATTR:host": None}}
    assert place({"local_to_instance": server})[1] == "other"
    for hint in (theirs, homeless, new_id(), "x", ["a"]):
        assert place({"local_to_instance": hint})[1] is None


def test_the_owner_is_told_numbers_and_no_hosts(world, call, create, caplog):
    world.add_host("other")
    for host in ("store", "other"):
        world.driver(host).capacity_gb = 1
    world.beat()
    create(size=100)
    call("PUT", "/os-services/disable-log-reason", {
        "host": "other@fake", "binary": "cinder-volume", "disabled_reason": "moving house"},
        who="admin")
    world.settle()
    [message] = call("GET", "/messages").json["messages"]
    assert message["user_message"] == (
        "schedule allocate volume: No valid backend was found. None of 1 pools can take 100 GiB "
        "in zone nova. The largest that would fit is 20 GiB.")
    with world.db.reading() as session:
        [error] = session.query(Work).filter(Work.error.is_not(None)).all()
    for told in (caplog.text, error.error):
        assert "store@fake#fake: CapacityFilter: 100 GiB on top of 0 GiB are more than" in told
        assert "other@fake: it is disabled (moving house)" in told


def test_functions_of_a_host_reach_the_scheduler(world, place):
    world.backends["other"].functions["filter_function"] = "volume.size > 1"
    world.backends["store"].functions["filter_function"] = "volume.size <= 1"
    world.beat()
    assert place({})[1] == "store"
