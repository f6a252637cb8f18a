"""Volumes come, are seen by who may, and go."""

import json

from cairn.cinder.db.models import Snapshot, Volume
from cairn.common.db import new_id


def test_a_volume_is_made_and_deleted(world, call, create):
    made = create(size=2, name="data", description="d", metadata={"a": "b"})
    assert made.status_code == 202
    assert made.json["volume"]["status"] == "creating"
    world.settle()
    shown = call("GET", f"/volumes/{made.json['volume']['id']}").json["volume"]
    assert shown["status"] == "available" and shown["size"] == 2
    assert shown["metadata"] == {"a": "b"} and shown["volume_type"] == "__DEFAULT__"
    assert shown["bootable"] == "false" and shown["attachments"] == []
    assert "os-vol-host-attr:host" not in shown
    assert call("GET", f"/volumes/{shown['id']}", who="admin").json["volume"][
        "os-vol-host-attr:host"] == "store@fake#fake"
    assert call("DELETE", f"/volumes/{shown['id']}").status_code == 202
    assert call("GET", f"/volumes/{shown['id']}").json["volume"]["status"] == "deleting"
    world.settle()
    assert call("GET", f"/volumes/{shown['id']}").status_code == 404
    assert list(world.driver().stray(set(), set())) == []
    assert world.open_works() == 0


def test_another_project_does_not_see_it(call, volume):
    assert call("GET", f"/volumes/{volume}", who="bob").status_code == 404
    assert call("DELETE", f"/volumes/{volume}", who="bob").status_code == 404
    assert call("GET", "/volumes/detail", who="bob").json == {"volumes": []}


def test_a_reader_changes_nothing(call, create, volume):
    assert call("GET", f"/volumes/{volume}", who="rita").status_code == 200
    assert create(who="rita").status_code == 403
    assert call("DELETE", f"/volumes/{volume}", who="rita").status_code == 403


def test_the_project_may_be_in_the_path(call, volume):
    assert call("GET", "/volumes", who="alice").json["volumes"][0]["id"] == volume


def test_a_clone_is_where_its_source_is(world, call, create, volume):
    world.add_host("other")
    made = create(size=None, source_volid=volume).json["volume"]
    world.settle()
    shown = call("GET", f"/volumes/{made['id']}", who="admin").json["volume"]
    assert shown["os-vol-host-attr:host"] == "store@fake#fake" and shown["status"] == "available"
    assert shown["size"] == 1 and shown["source_volid"] == volume


def test_an_image_of_a_server_on_volumes_is_its_snapshot(world, call, create, volume):
    world.set(volume, bootable=True)
    taken = call("POST", "/snapshots", {"snapshot": {"volume_id": volume}})
    snapshot = taken.json["snapshot"]["id"]
    world.settle()

    def image(*devices):
        return world.cloud.images.add(b"", block_device_mapping=json.dumps(devices))

    data = {"source_type": "snapshot", "boot_index": None, "snapshot_id": new_id()}
    root = {"source_type": "snapshot", "boot_index": 0, "snapshot_id": snapshot}
    made = create(size=1, imageRef=image(data, root)).json["volume"]
    world.settle()
    shown = call("GET", f"/volumes/{made['id']}").json["volume"]
    assert (shown["snapshot_id"], shown["status"], shown["bootable"]) == (
        snapshot, "available", "true")
    older = create(size=1, imageRef=image(data, root), version="3.45").json["volume"]
    assert older["snapshot_id"] is None
    assert create(size=1, imageRef=image(root | {"snapshot_id": new_id()})).status_code == 404
    for wrong in ([1], [{"source_type": "snapshot", "boot_index": 0}]):
        assert create(size=1, imageRef=image(*wrong)).status_code == 400
    blank = create(size=1, imageRef=image({"source_type": "blank", "boot_index": 0})).json["volume"]
    assert blank["snapshot_id"] is None


def test_an_image_becomes_a_bootable_volume(world, call, create):
    image = world.cloud.images.add(b"x" * 4096, hw_disk_bus="scsi")
    made = create(size=1, imageRef=image).json["volume"]
    world.settle()
    shown = call("GET", f"/volumes/{made['id']}").json["volume"]
    assert shown["status"] == "available" and shown["bootable"] == "true"
    assert shown["volume_image_metadata"]["image_id"] == image
    assert shown["volume_image_metadata"]["hw_disk_bus"] == "scsi"


def test_a_refusal_names_every_pool(world, call, create):
    world.driver().capacity_gb = 1
    world.beat()
    made = create(size=500).json["volume"]
    world.settle()
    shown = call("GET", f"/volumes/{made['id']}").json["volume"]
    assert shown["status"] == "error"
    assert call("DELETE", f"/volumes/{made['id']}").status_code == 202
    world.settle()
    assert world.row(Volume, made["id"]) is None


def test_another_backend_is_tried(world, call, create):
    world.add_host("other")

    def fail(moment, id_):
        if moment == "create":
            raise OSError("broken")

    world.driver("store").hook = fail
    made = create().json["volume"]
    world.settle()
    shown = call("GET", f"/volumes/{made['id']}", who="admin").json["volume"]
    assert shown["status"] == "available"
    assert shown["os-vol-host-attr:host"] == "other@fake#fake"


def test_quota(call, create, world):
    for _ in range(10):
        assert create().status_code == 202
    refused = create()
    assert refused.status_code == 413
    assert "VolumeLimitExceeded" in refused.json["overLimit"]["message"]


def test_what_has_snapshots_stays(world, call, volume):
    with world.db.writing() as session:
        session.add(Snapshot(project_id="red", user_id="alice", status="available",
                             volume_id=volume, size=1))
    assert call("DELETE", f"/volumes/{volume}").status_code == 400
    assert call("DELETE", f"/volumes/{volume}?cascade=true").status_code == 202


def test_bad_requests_name_the_field(create):
    for size in (0, -1, "x", 1.5, [], True):
        refused = create(size=size)
        assert refused.status_code == 400, size
        assert "size" in refused.json["badRequest"]["message"]
    assert create(size=None).status_code == 400
    assert create(availability_zone="mars").status_code == 400
    assert create(volume_type="gold").status_code == 404


