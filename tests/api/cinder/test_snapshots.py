"""Snapshots come, are seen by who may, and go."""

import pytest

from cairn.cinder.db.models import Message, Snapshot, Volume
from cairn.cinder.drivers.base import BackendFailed


@pytest.fixture
def take(world, call, volume):
    """take(...) -> the response of POST /snapshots, of a volume of alice's."""
    def take(who="alice", version="3.71", **more):
        return call("POST", "/snapshots", {"snapshot": {"volume_id": volume, **more}}, who=who,
                    version=version)

    return take


@pytest.fixture
def snapshot(world, take):
    """The id of an available one."""
    made = take(name="before")
    assert made.status_code == 202, made.json
    world.settle()
    return made.json["snapshot"]["id"]


def test_one_is_taken_and_removed(world, call, volume, take):
    made = take(name="s", description="d", metadata={"a": "b"})
    assert made.status_code == 202
    shown = made.json["snapshot"]
    assert shown["status"] == "creating" and shown["size"] == 1 and shown["volume_id"] == volume
    assert "os-extended-snapshot-attributes:progress" not in shown
    world.settle()
    shown = call("GET", f"/snapshots/{shown['id']}").json["snapshot"]
    assert shown["status"] == "available" and shown["metadata"] == {"a": "b"}
    assert shown["os-extended-snapshot-attributes:progress"] == "100%"
    assert shown["os-extended-snapshot-attributes:project_id"] == "red"
    assert shown["user_id"] == "alice" and shown["consumes_quota"] is True
    assert list(world.driver().stray({volume}, set())) == [("snapshot", shown["id"])]
    assert call("DELETE", f"/snapshots/{shown['id']}").status_code == 202
    assert call("GET", f"/snapshots/{shown['id']}").json["snapshot"]["status"] == "deleting"
    world.settle()
    assert call("GET", f"/snapshots/{shown['id']}").status_code == 404
    assert list(world.driver().stray({volume}, set())) == []


def test_of_a_volume_in_use(world, volume, take):
    world.set(volume, status="in-use")
    assert take(version="3.65").status_code == 400
    assert take(version="3.65", force=True).status_code == 202
    assert take().status_code == 202
    assert take(force=True).status_code == 202
    assert take(force=False).status_code == 400
    world.settle()
    assert world.row(Volume, volume).status == "in-use"


@pytest.mark.parametrize("status", ["error", "creating", "deleting", "extending"])
def test_statuses_of_volumes_that_it_can_not_be_taken_in(world, volume, take, status):
    world.set(volume, status=status)
    refused = take(force=True)
    assert refused.status_code == 400 and status in refused.json["badRequest"]["message"]


@pytest.mark.parametrize(("query", "count"), [
    ("", 1), ("name=before", 1), ("name=x", 0), ("name~=efor", 1), ("status=available", 1),
    ("status=error", 0), ("metadata=%7B'a': 'b'%7D", 0), ("limit=0", 0), ("offset=1", 0),
    ("consumes_quota=true", 1), ("created_at=lt:2001-01-01", 0), ("availability_zone=nova", 1),
])
def test_lists(call, snapshot, query, count):
    for path in ("/snapshots", "/snapshots/detail"):
        assert len(call("GET", f"{path}?{query}").json["snapshots"]) == count
    assert call("GET", "/snapshots?with_count=1").json["count"] == 1
    assert call("GET", "/snapshots", who="bob").json == {"snapshots": []}
    assert len(call("GET", "/snapshots?all_tenants=1", who="admin").json["snapshots"]) == 1


def test_pages(world, call, take, snapshot):
    take(name="later")
    page = call("GET", "/snapshots/detail?limit=1").json
    assert [each["name"] for each in page["snapshots"]] == ["later"]
    assert "marker=" in page["snapshots_links"][0]["href"]
    rest = call("GET", f"/snapshots/detail?limit=1&marker={page['snapshots'][0]['id']}").json
    assert [each["name"] for each in rest["snapshots"]] == ["before"]
    assert call("GET", "/snapshots/detail?limit=1&marker=" + rest["snapshots"][0]["id"]).json == {
        "snapshots": []}


def test_names(call, snapshot):
    assert call("PUT", f"/snapshots/{snapshot}", {"snapshot": {
        "name": "new", "description": "d"}}).json["snapshot"]["name"] == "new"
    assert call("PUT", f"/snapshots/{snapshot}", {"snapshot": {"size": 1}}).status_code == 400


def test_a_failure_is_an_error_with_a_message(world, call, volume, take):
    def fail(moment, id_):
        if moment == "create_snapshot half":
            raise BackendFailed(reason="no room")

    world.driver().hook = fail
    made = take().json["snapshot"]["id"]
    world.settle()
    assert world.row(Snapshot, made).status == "error"
    assert world.row(Volume, volume).status == "available"
    with world.db.reading() as session:
        message = session.query(Message).one()
    assert "no room" in message.text and message.resource_id == made
    world.driver().hook = lambda *_: None
    assert call("DELETE", f"/snapshots/{made}").status_code == 202
    world.settle()
    assert world.row(Snapshot, made) is None


def test_quota(take, world):
    for _ in range(10):
        assert take().status_code == 202
    refused = take()
    assert refused.status_code == 413
    assert "SnapshotLimitExceeded" in refused.json["overLimit"]["message"]


def test_a_volume_of_it(world, call, create, volume, snapshot):
    made = create(size=None, snapshot_id=snapshot).json["volume"]
    refused = call("DELETE", f"/snapshots/{snapshot}")
    assert refused.status_code == 400 and "in the making" in refused.json["badRequest"]["message"]
    assert call("DELETE", f"/volumes/{volume}?cascade=true").status_code == 400
    world.settle()
    assert world.row(Volume, made["id"]).status == "available"
    assert call("DELETE", f"/volumes/{volume}").status_code == 400
    assert call("DELETE", f"/volumes/{volume}?cascade=true").status_code == 202
    world.settle()
    assert world.row(Snapshot, snapshot) is None and world.row(Volume, volume) is None
    assert list(world.driver().stray({made["id"]}, set())) == []


def test_what_an_administrator_says(world, call, snapshot):
    def act(name, body, who="admin"):
        return call("POST", f"/snapshots/{snapshot}/action", {name: body}, who=who).status_code

    for name, body in (("os-reset_status", {"status": "error"}), ("os-force_delete", {})):
        assert act(name, body, who="alice") == 403
    assert act("os-update_snapshot_status", {"status": "available"}, who="rita") == 403
    assert act("os-reset_status", {"status": "well"}) == 400
    assert act("os-update_snapshot_status", {"status": "error"}) == 400
    assert act("os-reset_status", {"status": "creating"}) == 202
    assert act("os-update_snapshot_status", {"status": "deleting"}) == 400
    assert act("os-update_snapshot_status", {"status": "available", "progress": "80%"},
               who="alice") == 202
    assert world.row(Snapshot, snapshot).progress == "80%"
    assert act("os-reset_status", {"status": "creating"}) == 202
    assert act("os-force_delete", {}) == 202
    world.settle()
    assert world.row(Snapshot, snapshot) is None


@pytest.mark.parametrize("status", ["creating", "deleting", "error", "error_deleting"])
def test_force_deletes_whatever_is_said_of_it(world, call, snapshot, status):
    path = f"/snapshots/{snapshot}/action"
    said = {"os-reset_status": {"status": status}}
    assert call("POST", path, said, who="admin").status_code == 202
    assert call("POST", path, {"os-force_delete": {}}, who="admin").status_code == 202
    # Now somebody does it.
    assert call("POST", path, {"os-force_delete": {}}, who="admin").status_code == 400
    world.settle()
    assert world.row(Snapshot, snapshot) is None


def test_of_no_volume(call):
    assert call("POST", "/snapshots", {"snapshot": {"volume_id": None}}).status_code == 404
    for wrong in ({}, {"volume_id": "x"}, {"volume_id": 1}):
        assert call("POST", "/snapshots", {"snapshot": wrong}).status_code == 400


def test_others(call, take, snapshot):
    assert take(who="bob").status_code == 404
    assert take(who="rita").status_code == 403
    for method, body in (("GET", None), ("PUT", {"snapshot": {}}), ("DELETE", None)):
        assert call(method, f"/snapshots/{snapshot}", body, who="bob").status_code == 404
    assert call("GET", f"/snapshots/{snapshot}", who="rita").status_code == 200
    assert call("DELETE", f"/snapshots/{snapshot}", who="rita").status_code == 403
