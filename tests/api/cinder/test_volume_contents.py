"""What a volume holds: reverted, reimaged, uploaded, moved, managed."""

import pytest

from cairn.cinder.db.models import Attachment, Snapshot, Volume, VolumeType
from cairn.cinder.drivers.base import GIB


@pytest.fixture
def act(call, volume):
    """act(action, body, who=..., version=...) -> the response, of a volume of alice's."""
    return lambda name, body=None, **more: call(
        "POST", f"/volumes/{volume}/action", {name: body}, **more)


def take(world, call, volume):
    made = call("POST", "/snapshots", {"snapshot": {"volume_id": volume}}).json["snapshot"]["id"]
    world.settle()
    return made


def test_revert(world, call, volume, act):
    first, last = take(world, call, volume), take(world, call, volume)
    assert act("revert", {"snapshot_id": last}, version="3.39").status_code == 400
    assert act("revert", {"snapshot_id": first}).status_code == 400
    assert act("revert", {"snapshot_id": last}, who="bob").status_code == 404
    assert act("revert", {"snapshot_id": last}).status_code == 202
    assert world.row(Volume, volume).status == "reverting"
    assert world.row(Snapshot, last).status == "restoring"
    world.settle()
    assert world.row(Volume, volume).status == "available"
    assert world.row(Snapshot, last).status == "available"
    world.set(volume, size=2)
    assert act("revert", {"snapshot_id": last}).status_code == 400


def test_reimage(world, volume, act):
    image = world.cloud.images.add(b"new" * 1000)
    assert act("os-reimage", {"image_id": image}, version="3.67").status_code == 400
    assert act("os-reimage", {"image_id": "5" * 32}).status_code == 404
    assert act("os-reimage", {"image_id": image, "reimage_reserved": True}).status_code == 403
    world.set(volume, status="error")
    assert act("os-reimage", {"image_id": image}).status_code == 202
    world.settle()
    row = world.row(Volume, volume)
    assert (row.status, row.bootable) == ("available", True)
    assert row.image_meta["image_id"] == image
    world.set(volume, status="in-use")
    assert act("os-reimage", {"image_id": image}).status_code == 400


def test_upload(world, volume, act):
    assert act("os-volume_upload_image", {"image_name": "i", "visibility": "public"}).status_code \
        == 403
    assert act("os-volume_upload_image", {"image_name": "i", "disk_format": "x"}).status_code == 400
    made = act("os-volume_upload_image", {
        "image_name": "i", "disk_format": "qcow2", "protected": False})
    assert made.status_code == 202
    told = made.json["os-volume_upload_image"]
    assert told["status"] == "uploading" and told["image_name"] == "i" and told["size"] == 1
    assert world.row(Volume, volume).status == "uploading"
    world.settle()
    assert world.row(Volume, volume).status == "available"
    assert world.cloud.images.bytes[told["image_id"]][:3] == b"QFI"
    world.set(volume, status="in-use")
    assert act("os-volume_upload_image", {"image_name": "i"}).status_code == 400
    assert act("os-volume_upload_image", {"image_name": "i", "force": True}).status_code == 202
    world.settle()
    assert world.row(Volume, volume).status == "in-use"


@pytest.fixture
def second(world):
    """Where a volume is, and the other pool of its host."""
    world.add_host("store", f"fake:fake:{world.folder}/store second:fake:{world.folder}/second")


@pytest.mark.parametrize("host", ["store@second#second", "store@second"])
def test_migrate(world, volume, act, second, host):
    there = {"host": host}
    assert act("os-migrate_volume", there).status_code == 403
    for wrong in ("store@fake#fake", "store@fake", "store@x", "mars@x#y", "store"):
        assert act("os-migrate_volume", {"host": wrong}, who="admin").status_code == 400
    assert act("os-migrate_volume", there, who="admin").status_code == 202
    assert world.row(Volume, volume).status == "maintenance"
    world.settle()
    row = world.row(Volume, volume)
    assert (row.status, row.migration_status, row.host) == (
        "available", "success", "store@second#second")
    assert list(world.driver().stray(set(), set())) == []
    assert list(world.driver(backend="second").stray({row.name_id}, set())) == []


@pytest.mark.parametrize("failed", [False, True])
def test_a_guest_moves_with_nova(world, volume, act, second, failed):
    world.set(volume, status="in-use")
    with world.db.writing() as session:
        session.add(Attachment(project_id="red", volume_id=volume, instance_id="server",
                               status="attached"))
    assert act("os-migrate_volume", {"host": "store@second#second"},
               who="admin").status_code == 202
    world.settle()
    row = world.row(Volume, volume)
    assert (row.status, row.migration_status) == ("in-use", "migrating")
    ((what, servers, pair),) = world.cloud.compute.told
    target = pair.split()[1]
    assert (what, servers, pair) == ("swap", ["server"], f"{volume} {target}")
    assert world.row(Volume, target).status == "available"
    ended = act("os-migrate_volume_completion", {"new_volume": target, "error": failed},
                who="nova")
    assert ended.json == {"save_volume_id": volume}
    world.settle()
    row = world.row(Volume, volume)
    assert row.migration_status == ("error" if failed else "success")
    assert row.host == ("store@fake#fake" if failed else "store@second#second")
    assert world.row(Volume, target) is None
    here, there = (set(), {target}) if not failed else ({volume}, set())
    assert list(world.driver().stray(here, set())) == []
    assert list(world.driver(backend="second").stray(there, set())) == []


def test_retype(world, volume, act):
    with world.db.writing() as session:
        session.add(VolumeType(name="gold", extra_specs={}))
    assert act("os-retype", {"new_type": "silver"}).status_code == 404
    assert act("os-retype", {"new_type": "__DEFAULT__"}).status_code == 400
    assert act("os-retype", {"new_type": "gold", "migration_policy": "x"}).status_code == 400
    assert act("os-retype", {"new_type": "gold"}).status_code == 202
    assert world.row(Volume, volume).status == "retyping"
    world.settle()
    row = world.row(Volume, volume)
    assert (row.status, row.host) == ("available", "store@fake#fake")
    assert act("os-retype", {"new_type": "gold"}).status_code == 400
    world.set(volume, status="error")
    assert act("os-retype", {"new_type": "__DEFAULT__"}).status_code == 400


def test_manage(world, call):
    path = world.driver().folder / "unmanaged" / "theirs"
    with path.open("wb") as file:
        file.truncate(GIB + 1)
    where = "?host=store@fake%23fake"
    assert call("GET", f"/manageable_volumes{where}").status_code == 403
    assert call("GET", "/manageable_volumes", who="admin").status_code == 400
    assert call("GET", f"/manageable_volumes{where}", who="admin").json == {
        "manageable-volumes": [{"reference": {"source-name": "theirs"}, "size": 2,
                                "safe_to_manage": True}]}
    asked = {"host": "store@fake#fake", "ref": {"source-name": "theirs"}, "name": "mine"}
    for wrong in ({"ref": {}}, {"host": "mars@x"}, {"host": None}, {"size": 1}):
        assert call("POST", "/os-volume-manage", {"volume": {**asked, **wrong}},
                    who="admin").status_code == 400
    made = call("POST", "/manageable_volumes", {"volume": asked}, who="admin")
    assert made.status_code == 202, made.json
    world.settle()
    row = world.row(Volume, made.json["volume"]["id"])
    assert (row.status, row.size, row.name) == ("available", 2, "mine")
    assert call("POST", f"/volumes/{row.id}/action", {"os-unmanage": {}},
                who="admin").status_code == 202
    world.settle()
    assert world.row(Volume, row.id) is None
    listed = call("GET", f"/os-volume-manage/detail{where}", who="admin").json
    assert [each["cinder_id"] for each in listed["manageable-volumes"]] == [None]


def test_snapshots_are_managed(world, call, volume):
    made = take(world, call, volume)
    assert call("POST", f"/snapshots/{made}/action", {"os-unmanage": {}}).status_code == 403
    assert call("POST", f"/snapshots/{made}/action", {"os-unmanage": {}},
                who="admin").status_code == 202
    world.settle()
    assert world.row(Snapshot, made) is None
    listed = call("GET", "/manageable_snapshots?host=store@fake%23fake", who="admin").json
    (one,) = listed["manageable-snapshots"]
    assert one["source_reference"] == {"source-name": volume}
    again = call("POST", "/manageable_snapshots", {"snapshot": {
        "volume_id": volume, "ref": one["reference"]}}, who="admin")
    assert again.status_code == 202
    world.settle()
    assert world.row(Snapshot, again.json["snapshot"]["id"]).status == "available"
