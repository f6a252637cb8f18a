"""Volumes grow, used or not."""

import pytest

from cairn.cinder.db.models import Attachment, Message, Volume
from cairn.cinder.drivers.base import GIB, BackendFailed
from cairn.common.errors import Unavailable


@pytest.fixture
def extend(call, volume):
    return lambda size=3, **more: call(
        "POST", f"/volumes/{volume}/action", {"os-extend": {"new_size": size}}, **more)


def bytes_of(world, volume_id):
    return (world.driver().folder / "volumes" / volume_id).stat().st_size


def attach(world, volume_id):
    """A server has it."""
    world.set(volume_id, status="in-use", attach_status="attached")
    with world.db.writing() as session:
        session.add(Attachment(project_id="red", volume_id=volume_id, instance_id="server",
                               status="attached"))


def test_it_grows(world, call, volume, extend):
    assert extend().status_code == 202
    assert call("GET", f"/volumes/{volume}").json["volume"]["status"] == "extending"
    world.settle()
    shown = call("GET", f"/volumes/{volume}").json["volume"]
    assert (shown["status"], shown["size"]) == ("available", 3)
    assert bytes_of(world, volume) == 3 * GIB
    assert world.cloud.compute.told == []


def test_servers_that_use_it_are_told(world, volume, extend):
    attach(world, volume)
    assert extend(version="3.41").status_code == 400
    assert extend().status_code == 202
    world.settle()
    row = world.row(Volume, volume)
    assert (row.status, row.size) == ("in-use", 3)
    assert world.cloud.compute.told == [("extended", ["server"], volume)]


def test_it_has_grown_though_nobody_could_be_told(world, volume, extend, monkeypatch):
    def away(*_):
        raise Unavailable(reason="nova is away")

    monkeypatch.setattr(world.cloud.compute, "tell_extended", away)
    attach(world, volume)
    extend()
    world.settle()
    row = world.row(Volume, volume)
    assert (row.status, row.size) == ("in-use", 3)
    with world.db.reading() as session:
        assert "hard reboot" in session.query(Message).one().text


def test_a_failure_leaves_it_as_it_was(world, call, volume, extend):
    def fail(moment, id_):
        if moment == "extend":
            raise BackendFailed(reason="the disk is broken")

    world.driver().hook = fail
    extend()
    world.settle()
    row = world.row(Volume, volume)
    assert (row.status, row.size, row.previous_status) == ("available", 1, None)
    with world.db.reading() as session:
        assert "disk is broken" in session.query(Message).one().text


def test_its_pool_must_have_room(world, volume, extend):
    world.driver().capacity_gb = 2
    world.beat()
    extend(size=500)
    world.settle()
    row = world.row(Volume, volume)
    assert (row.status, row.size) == ("available", 1)
    with world.db.reading() as session:
        assert "no room" in session.query(Message).one().text


def test_limits(world, extend):
    refused = extend(size=1001)
    assert refused.status_code == 413
    assert "VolumeSizeExceedsAvailableQuota" in refused.json["overLimit"]["message"]


@pytest.mark.parametrize("size", [0, -1, 1, "1", "x", None, 2.5, True, [], 2**31])
def test_sizes_that_are_none(extend, size):
    assert extend(size=size).status_code == 400


@pytest.mark.parametrize("status", ["error", "extending", "deleting", "creating", "reserved"])
def test_statuses_it_can_not_grow_in(world, volume, extend, status):
    world.set(volume, status=status)
    refused = extend()
    assert refused.status_code == 400 and status in refused.json["badRequest"]["message"]


def test_others(extend):
    assert extend(who="bob").status_code == 404
    assert extend(who="rita").status_code == 403
