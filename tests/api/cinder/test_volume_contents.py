"""What a volume holds: reverted, reimaged, uploaded, moved, managed."""

import shutil

import pytest
from fakes.full import filled, small

from cairn.cinder.core import keys
from cairn.cinder.db.models import Attachment, Message, Snapshot, Volume, VolumeType
from cairn.cinder.drivers.base import GIB, LUKS_HEADER, NoRoom
from cairn.cinder.drivers.fake import FakeDriver
from cairn.cinder.volume import copying


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
    assert act("revert", {"snapshot_id": last}, version="3.39").status_code == 404
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
    assert act("os-reimage", {"image_id": image}, version="3.67").status_code == 404
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
def transfers(world):
    """Where the storage host has images on their way: a small file system of its own."""
    with small(world.folder / "store-transfers") as folder:
        yield folder


def told(world, action):
    with world.db.reading() as session:
        return next(each for each in session.query(Message) if each.text.startswith(action))


def test_an_upload_without_room_for_it_leaves_the_volume(world, volume, act, transfers):
    with filled(transfers):
        act("os-volume_upload_image", {"image_name": "i", "disk_format": "qcow2"})
        world.settle()
    assert world.row(Volume, volume).status == "available"
    message = told(world, "copy volume to image: ")
    assert "has no room for the image on its way. Try again later" in message.text
    assert message.event_id == "VOLUME_VOLUME_003_007" and str(transfers) not in message.text
    assert list(transfers.iterdir()) == []
    again = act("os-volume_upload_image", {"image_name": "i", "disk_format": "qcow2"})
    world.settle()
    image = again.json["os-volume_upload_image"]["image_id"]
    assert world.cloud.images.images[image]["status"] == "active"


def test_a_volume_of_an_image_without_room_for_it_says_so(world, create, transfers):
    image = world.cloud.images.add(b"new" * 100_000)
    with filled(transfers):
        made = create(imageRef=image).json["volume"]["id"]
        world.settle()
    assert world.row(Volume, made).status == "error" and list(transfers.iterdir()) == []
    assert "has no room for the image on its way" in told(world, "schedule").text
    made = create(imageRef=image).json["volume"]["id"]
    world.settle()
    assert world.row(Volume, made).status == "available"


def test_a_full_backend_says_what_may_be_done(world, volume, act, monkeypatch):
    def full(self, *words):
        raise NoRoom(reason="pool is at its end")

    monkeypatch.setattr(FakeDriver, "extend", full)
    assert act("os-extend", {"new_size": 2}).status_code == 202
    world.settle()
    assert world.row(Volume, volume).status == "available"
    assert told(world, "extend volume").text == (
        "extend volume: The storage backend is full: pool is at its end. Delete what is not "
        "needed there, or ask an administrator for room; then try again.")


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
    if not failed:
        early = act("os-migrate_volume_completion", {"new_volume": target}, who="nova")
        assert early.status_code == 400 and "No server has gone on" in early.text
        with world.db.writing() as session:
            session.add(Attachment(project_id="red", volume_id=target, instance_id="server",
                                   status="attached"))
    ended = act("os-migrate_volume_completion", {"new_volume": target, "error": failed},
                who="nova")
    assert ended.json == {"save_volume_id": volume}
    again = act("os-migrate_volume_completion", {"new_volume": target, "error": failed},
                who="nova")
    assert again.json == {"save_volume_id": volume}
    world.settle()
    row = world.row(Volume, volume)
    assert (row.status, row.migration_status) == ("in-use", "error" if failed else "success")
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


@pytest.fixture
def container(tmp_path):
    """What begins as a LUKS container does."""
    path = tmp_path / "container"
    path.write_bytes((b"LUKS\xba\xbe\x00\x01" + b"aes".ljust(32, b"\0") +
                      b"xts-plain64".ljust(32, b"\0") + b"sha256".ljust(32, b"\0") +
                      (4096).to_bytes(4, "big")).ljust(1 << 20, b"\0"))
    return path


@pytest.mark.skipif(not shutil.which("qemu-img"), reason="needs qemu-utils")
def test_an_encrypted_volume_is_an_image_as_it_is(
    world, call, create, container, monkeypatch
):
    made = call("POST", "/types", {"volume_type": {"name": "locked"}}, who="admin").json
    call("POST", f"/types/{made['volume_type']['id']}/encryption",
         {"encryption": {"provider": "luks"}}, who="admin")
    # That is slow, and tried in tests/unit/cinder/test_copying.py.
    monkeypatch.setattr(copying, "lock", lambda disk, passphrase, cipher: None)
    world.beat()
    volume = create(volume_type="locked").json["volume"]["id"]
    world.settle()
    assert world.row(Volume, volume).status == "available"
    sent = []

    def to_image(disk, path, kind, size, **more):
        sent.append((kind, size))
        shutil.copy(container, path)

    monkeypatch.setattr(copying, "to_image", to_image)

    def upload(**more):
        return call("POST", f"/volumes/{volume}/action", {
            "os-volume_upload_image": {"image_name": "i", **more}})

    for field, value in (("disk_format", "qcow2"), ("container_format", "ovf")):
        refused = upload(**{field: value})
        assert (refused.status_code, field in str(refused.json)) == (400, True)
    id_ = upload().json["os-volume_upload_image"]["image_id"]
    world.settle()
    image = world.cloud.images.images[id_]
    assert (image["status"], sent) == ("active", [("raw", GIB + LUKS_HEADER)])
    with world.db.reading() as session:
        passphrase = keys.read(session, world.cinder, world.row(Volume, volume).encryption_key_id)
    assert passphrase not in str(image)

    world.beat()
    again = create(imageRef=id_, volume_type="locked").json["volume"]["id"]
    world.settle()
    row = world.row(Volume, again)
    assert (row.status, row.bootable) == ("available", True)
    assert not any(name.startswith("cinder_") for name in row.image_meta)
    with world.db.reading() as session:
        assert keys.read(session, world.cinder, row.encryption_key_id) == passphrase
    with (world.driver().folder / "volumes" / again).open("rb") as file:
        assert file.read(6) == b"LUKS\xba\xbe"

    call("POST", "/types", {"volume_type": {"name": "plain"}}, who="admin")
    # Nobody else's, no other image's, nothing made up; and no volume that is not encrypted.
    stolen = world.cloud.images.add(container.read_bytes(), **{keys.SEALED: image[keys.SEALED]})
    made_up = world.cloud.images.add(container.read_bytes(), **{keys.SEALED: "5" * 32})
    for who, ref, kind, field in (
        ("bob", id_, "locked", "imageRef"), ("alice", stolen, "locked", "imageRef"),
        ("alice", made_up, "locked", "imageRef"), ("alice", id_, "plain", "volume_type"),
    ):
        refused = create(imageRef=ref, volume_type=kind, who=who)
        assert (refused.status_code, field in str(refused.json)) == (400, True), refused.json
    refused = call("POST", f"/volumes/{volume}/action", {"os-reimage": {"image_id": id_}})
    assert (refused.status_code, "image_id" in str(refused.json)) == (400, True)
    # One that is none, whatever it says.
    world.cloud.images.bytes[id_] = b"no container at all"
    image["size"] = 19
    world.beat()
    broken = create(imageRef=id_, volume_type="locked").json["volume"]["id"]
    world.settle()
    assert world.row(Volume, broken).status == "error"
