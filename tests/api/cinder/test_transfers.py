"""Volumes change hands."""

import pytest

from cairn.cinder.db.models import Snapshot, Volume


@pytest.fixture
def offer(call, volume):
    """offer(...) -> the response of POST /volume-transfers, of a volume of alice's."""
    return lambda who="alice", path="/volume-transfers", version="3.71", **more: call(
        "POST", path, {"transfer": {"volume_id": volume, "name": "gift", **more}}, who=who,
        version=version)


def accept(call, offered, who="bob", key=None, path="/volume-transfers"):
    return call("POST", f"{path}/{offered['id']}/accept",
                {"accept": {"auth_key": key or offered["auth_key"]}}, who=who)


def take_snapshot(world, call, volume):
    made = call("POST", "/snapshots", {"snapshot": {"volume_id": volume}}).json["snapshot"]["id"]
    world.settle()
    return made


@pytest.mark.parametrize("path", ["/volume-transfers", "/os-volume-transfer"])
def test_a_volume_is_given_with_its_snapshots(world, call, volume, offer, path):
    snapshot = take_snapshot(world, call, volume)
    made = offer(path=path)
    assert made.status_code == 202
    offered = made.json["transfer"]
    assert offered["volume_id"] == volume and len(offered["auth_key"]) >= 16
    assert offered["source_project_id"] == "red" and offered["accepted"] is False
    assert world.row(Volume, volume).status == "awaiting-transfer"
    listed = call("GET", f"{path}/detail").json["transfers"]
    assert [each["id"] for each in listed] == [offered["id"]] and "auth_key" not in listed[0]
    assert call("GET", f"{path}/{offered['id']}", who="bob").status_code == 404
    assert accept(call, offered, key="wrong", path=path).status_code == 400
    taken = accept(call, offered, path=path)
    assert taken.status_code == 202
    assert set(taken.json["transfer"]) == {"id", "name", "volume_id", "links"}
    row = world.row(Volume, volume)
    assert (row.project_id, row.user_id, row.status) == ("blue", "bob", "available")
    assert world.row(Snapshot, snapshot).project_id == "blue"
    assert accept(call, offered, who="alice", path=path).status_code == 404
    assert call("GET", path).json == {"transfers": []}
    assert call("GET", f"/volumes/{volume}").status_code == 404


def test_snapshots_may_stay(world, call, volume, offer):
    snapshot = take_snapshot(world, call, volume)
    offered = offer(no_snapshots=True).json["transfer"]
    assert offered["no_snapshots"] is True
    assert accept(call, offered).status_code == 202
    assert world.row(Snapshot, snapshot).project_id == "red"


def test_an_offer_is_taken_back(world, call, volume, offer):
    made = offer().json["transfer"]["id"]
    assert call("DELETE", f"/volume-transfers/{made}", who="bob").status_code == 404
    assert call("DELETE", f"/volume-transfers/{made}").status_code == 202
    assert world.row(Volume, volume).status == "available"
    assert call("DELETE", f"/volume-transfers/{made}").status_code == 404


def test_the_taker_has_limits(world, call, create, volume, offer):
    for _ in range(10):
        create(who="bob")
    refused = accept(call, offer().json["transfer"])
    assert refused.status_code == 413
    assert world.row(Volume, volume).status == "awaiting-transfer"


def test_what_can_not_be_offered(world, call, volume, offer):
    assert offer(version="3.54").status_code == 404
    assert offer(who="bob").status_code == 404
    assert offer(who="rita").status_code == 403
    assert offer(no_snapshots="x").status_code == 400
    assert offer(path="/os-volume-transfer", no_snapshots=True).status_code == 400
    for status in ("in-use", "error", "awaiting-transfer"):
        world.set(volume, status=status)
        assert offer().status_code == 400
    world.set(volume, status="available", encryption_key_id="key")
    assert offer(version="3.69").status_code == 400
    assert offer(version="3.70").status_code == 202
