"""/os-volumes and /os-snapshots: what Tempest's tests hold, with the real Cinder behind it."""

import pytest

from cairn.cinder.core import unified_limits
from cairn.cinder.db.models import Base

from . import proxies
from .proxies import NONE

world = proxies.world
call = proxies.call


@pytest.fixture
def cinder(world, sqlite, tmp_path):
    unified_limits._remembered.clear()
    return world.cloud.add_cinder(sqlite(Base), tmp_path / "volumes")


@pytest.fixture
def volume(call, cinder):
    """volume(**more) -> what is answered for a new one that is available by now."""
    def volume(**more):
        made = call("POST", "/os-volumes", {"volume": {"size": 1, **more}})
        assert made.status_code == 200, made.json
        cinder.settle()
        return made.json["volume"] | {"location": made.headers["Location"]}

    return volume


def test_a_volume_is_made_shown_listed_and_deleted(call, cinder, volume):
    made = volume(display_name="v", display_description="d", metadata={"Type": "work"})
    path = f"/os-volumes/{made['id']}"
    assert made.pop("location") == f"http://localhost/v2.1{path}"
    assert made == {
        "id": made["id"], "status": "creating", "size": 1, "displayName": "v",
        "displayDescription": "d", "metadata": {"Type": "work"}, "snapshotId": None,
        "availabilityZone": "nova", "volumeType": made["volumeType"], "attachments": [{}],
        "createdAt": made["createdAt"]}
    shown = call("GET", path).json["volume"]
    assert shown == made | {"status": "available"}
    for kind in ("/os-volumes", "/os-volumes/detail"):
        assert call("GET", kind).json == {"volumes": [shown]}
        assert call("GET", kind, who="bob").json == {"volumes": []}
    for method in ("GET", "DELETE"):
        assert call(method, path, who="bob").status_code == 404
    assert call("GET", path, who="rita").status_code == 200
    assert call("DELETE", path, who="rita").status_code == 403
    assert call("DELETE", path).status_code == 202
    cinder.settle()
    assert call("GET", path).status_code == 404


def test_lists_have_pages(call, volume):
    for number in range(3):
        volume(display_name=f"v{number}")
    for kind in ("/os-volumes", "/os-volumes/detail"):
        every = call("GET", kind).json["volumes"]
        assert len(every) == 3
        assert call("GET", f"{kind}?limit=2").json["volumes"] == every[:2]
        assert call("GET", f"{kind}?limit=1&offset=1").json["volumes"] == every[1:2]
        assert call("GET", f"{kind}?offset=2").json["volumes"] == every[2:]
        assert call("GET", f"{kind}?limit=0").json["volumes"] == []
        for wrong in ("limit=-1", "limit=x", "offset=-1", "offset=x"):
            assert call("GET", f"{kind}?{wrong}").status_code == 400, wrong


def test_an_attached_volume_says_where(world, call, cinder, volume):
    made = volume()
    kept = world.cloud.request("block-storage", "POST", "/attachments", version="3.54", json={
        "attachment": {"volume_uuid": made["id"], "instance_uuid": NONE, "connector": {
            "host": "one", "ip": "10.9.0.1", "mountpoint": "/dev/vdb", "mode": "rw",
            "platform": "x86_64", "os_type": "linux", "initiator": "iqn.1"}}})
    cinder.settle()
    world.cloud.request("block-storage", "POST", version="3.54", json={"os-complete": {}},
                        path=f"/attachments/{kept.json()['attachment']['id']}/action")
    shown = call("GET", f"/os-volumes/{made['id']}").json["volume"]
    assert (shown["status"], shown["attachments"]) == ("in-use", [{
        "id": made["id"], "volumeId": made["id"], "serverId": NONE, "device": "/dev/vdb"}])
    assert call("DELETE", f"/os-volumes/{made['id']}").status_code == 400
    for force, code in ((False, 400), ("False", 400), (True, 200), ("True", 200)):
        body = {"snapshot": {"volume_id": made["id"], "force": force}}
        assert call("POST", "/os-snapshots", body).status_code == code, force


def test_wrong_volumes(world, call, cinder):
    for wrong in ({"size": "#$%"}, {"size": ""}, {"size": "0"}, {"size": 0}, {}, {"size": None},
                  {"size": 1, "x": 1}, {"size": 1, "display_name": 1},
                  {"size": 1, "metadata": "x"}, {"size": 1, "volume_type": "nix"},
                  {"size": 1, "availability_zone": "nix"}):
        answer = call("POST", "/os-volumes", {"volume": wrong})
        expected = 404 if wrong.get("volume_type") == "nix" else 400
        assert answer.status_code == expected, (wrong, answer.json)
    for snapshot in (NONE, "x"):
        body = {"volume": {"size": 1, "snapshot_id": snapshot}}
        assert call("POST", "/os-volumes", body).status_code == 404
    for method in ("GET", "DELETE"):
        for other in (NONE, "invalid", "..", f"{NONE}1"):
            assert call(method, f"/os-volumes/{other}").status_code == 404, other
            assert call(method, f"/os-snapshots/{other}").status_code == 404, other
        assert call(method, "/os-volumes/").status_code == 404
    assert call("POST", "/os-volumes", {"volume": {"size": 1}}, who="rita").status_code == 403
    world.cloud.ask("admin", "block-storage", "PUT", "/os-quota-sets/red", {
        "quota_set": {"volumes": 0}})
    refused = call("POST", "/os-volumes", {"volume": {"size": 1}})
    assert (refused.status_code, list(refused.json)) == (403, ["forbidden"])


def test_a_snapshot_is_taken_shown_listed_and_deleted(call, cinder, volume):
    made = volume()["id"]
    answer = call("POST", "/os-snapshots", {"snapshot": {
        "volume_id": made, "display_name": "s", "display_description": "d"}})
    assert answer.status_code == 200, answer.json
    snapshot = answer.json["snapshot"]
    path = f"/os-snapshots/{snapshot['id']}"
    assert answer.headers["Location"] == f"http://localhost/v2.1{path}"
    cinder.settle()
    shown = call("GET", path).json["snapshot"]
    assert shown == {
        "id": snapshot["id"], "volumeId": made, "status": "available", "size": 1,
        "createdAt": snapshot["createdAt"], "displayName": "s", "displayDescription": "d"}
    for kind in ("/os-snapshots", "/os-snapshots/detail"):
        assert call("GET", kind).json == {"snapshots": [shown]}
        assert call("GET", kind, who="bob").json == {"snapshots": []}
        assert call("GET", f"{kind}?offset=1").json == {"snapshots": []}
        assert call("GET", f"{kind}?limit=x").status_code == 400
    from_it = volume(snapshot_id=snapshot["id"])
    assert from_it["snapshotId"] == snapshot["id"]
    assert call("DELETE", path, who="bob").status_code == 404
    assert call("DELETE", path, who="rita").status_code == 403
    assert call("DELETE", path).status_code == 202
    cinder.settle()
    assert call("GET", path).status_code == 404


def test_wrong_snapshots(world, call, cinder, volume):
    made = volume()["id"]
    for wrong in ({}, {"volume_id": 1}, {"volume_id": made, "force": "perhaps"},
                  {"volume_id": made, "x": 1}, {"volume_id": made, "display_name": 1}):
        assert call("POST", "/os-snapshots", {"snapshot": wrong}).status_code == 400, wrong
    for other in (NONE, "x"):
        body = {"snapshot": {"volume_id": other}}
        assert call("POST", "/os-snapshots", body).status_code == 404
    body = {"snapshot": {"volume_id": made}}
    assert call("POST", "/os-snapshots", body, who="bob").status_code == 404
    assert call("POST", "/os-snapshots", body, who="rita").status_code == 403
    world.cloud.ask("alice", "block-storage", "POST", f"/volumes/{made}/action", {
        "os-reserve": None})
    assert call("POST", "/os-snapshots", body).status_code == 400
    world.cloud.ask("alice", "block-storage", "POST", f"/volumes/{made}/action", {
        "os-unreserve": None})
    world.cloud.ask("admin", "block-storage", "PUT", "/os-quota-sets/red", {
        "quota_set": {"snapshots": 0}})
    assert call("POST", "/os-snapshots", body).status_code == 403


def test_the_last_version(call):
    for kind, body in (("volumes", {"volume": {"size": 1}}),
                       ("snapshots", {"snapshot": {"volume_id": NONE}})):
        path = f"/os-{kind}"
        for method, asked, said in (
            ("GET", path, None), ("GET", f"{path}/detail", None), ("POST", path, body),
            ("GET", f"{path}/{NONE}", None), ("DELETE", f"{path}/{NONE}", None),
        ):
            answer = call(method, asked, said, version="2.36")
            assert (answer.status_code, answer.json["itemNotFound"]["message"]) == (
                404, "The resource could not be found.")
