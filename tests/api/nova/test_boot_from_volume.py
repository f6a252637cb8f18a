"""Servers whose disks are volumes, from the request to the guest."""

import json
import uuid
from dataclasses import replace

import pytest

NONE = str(uuid.uuid4())


@pytest.fixture
def cinder(world):
    return world.cloud.cinder


@pytest.fixture
def boot(world, create):
    """boot(device, ..., more of the request) -> the response; without an image."""

    def boot(*devices, image=None, version="2.96", **more):
        return create(imageRef=image, block_device_mapping_v2=list(devices), version=version,
                      **more)

    return boot


@pytest.fixture
def image(world):
    return world.cloud.image(hw_disk_bus="scsi", min_ram=64)


def root(source, uuid, **more):
    return {"source_type": source, "destination_type": "volume", "uuid": uuid, "boot_index": 0,
            **more}


def settled(world, call, answer):
    """The server, once it is what it becomes."""
    assert answer.status_code == 202, answer.json
    world.settle()
    path = f"/v2.1/servers/{answer.json['server']['id']}"
    return call("GET", path, who="admin").json["server"]


def volumes_of(server):
    return [v["id"] for v in server["os-extended-volumes:volumes_attached"]]


@pytest.mark.parametrize("source", ["image", "volume", "snapshot", "blank"])
def test_every_source(world, call, boot, cinder, image, source):
    volume = cinder.volume(bootable="true", volume_image_metadata={"hw_disk_bus": "scsi"})
    device = {
        "image": root("image", image, volume_size=3), "volume": root("volume", volume),
        "snapshot": root("snapshot", cinder.snapshot(volume)),
        "blank": {"source_type": "blank", "destination_type": "volume", "boot_index": 0,
                  "volume_size": 2}}[source]
    server = settled(world, call, boot(device))
    assert (server["status"], server["image"]) == ("ACTIVE", "")
    [booted] = volumes_of(server)
    assert (booted == volume) == (source == "volume")
    assert cinder.volumes[booted]["size"] == {"image": 3, "blank": 2}.get(source, 1)
    assert cinder.volumes[booted]["status"] == "in-use"
    assert cinder.volumes[booted]["os-vol-tenant-attr:tenant_id"] == "red"
    name = "/dev/vda" if source == "blank" else "/dev/sda"
    assert server["OS-EXT-SRV-ATTR:root_device_name"] == name
    assert world.drivers["one"].volumes[server["id"]] == {name: (booted, None)}
    allocation = world.cloud.allocations[server["id"]]
    assert "DISK_GB" not in next(iter(allocation.values()))["resources"]
    refused = call("DELETE", f"/v2.1/servers/{server['id']}/os-volume_attachments/{booted}")
    assert refused.status_code == 400
    call("DELETE", f"/v2.1/servers/{server['id']}")
    world.settle()
    assert cinder.volumes[booted]["status"] == "available"


def test_what_is_asked_of_each(world, call, boot, cinder, image):
    own = cinder.volume(size=5)
    server = settled(world, call, boot(
        root("image", image, volume_size=1, volume_type="fast", delete_on_termination=True,
             tag="root"),
        {"source_type": "volume", "uuid": own, "tag": "data", "device_name": "/dev/sdd"},
        {"source_type": "blank", "destination_type": "volume", "volume_size": 1,
         "disk_bus": "virtio"}))
    path = f"/v2.1/servers/{server['id']}/os-volume_attachments"
    shown = call("GET", path).json["volumeAttachments"]
    assert [(v["device"], v["tag"], v["delete_on_termination"]) for v in shown] == [
        ("/dev/sda", "root", True), ("/dev/sdd", "data", False), ("/dev/vda", None, False)]
    assert cinder.volumes[shown[0]["volumeId"]]["volume_type"] == "fast"
    call("DELETE", f"/v2.1/servers/{server['id']}")
    world.settle()
    assert shown[0]["volumeId"] not in cinder.volumes
    assert {own, shown[2]["volumeId"]} == set(cinder.volumes)


def test_a_volume_beside_the_hosts_own_disk(world, call, create, cinder):
    own = cinder.volume()
    server = settled(world, call, create(block_device_mapping_v2=[
        {"source_type": "volume", "uuid": own, "boot_index": -1}]))
    assert server["image"]["id"]
    assert world.drivers["one"].volumes[server["id"]] == {"/dev/vdb": (own, None)}


def test_as_it_was_asked_for_of_old(world, call, create, cinder):
    volume = cinder.volume(bootable="true")
    answer = create(imageRef=None, block_device_mapping=[
        {"volume_id": volume, "device_name": "vda", "delete_on_termination": "1"},
        {"snapshot_id": cinder.snapshot(cinder.volume()), "device_name": "/dev/vdb"},
        {"device_name": "/dev/vdc", "no_device": True}])
    server = settled(world, call, answer)
    assert server["OS-EXT-SRV-ATTR:root_device_name"] == "/dev/vda"
    assert len(volumes_of(server)) == 2
    call("DELETE", f"/v2.1/servers/{server['id']}")
    world.settle()
    assert volume not in cinder.volumes


@pytest.mark.parametrize(("devices", "told"), [
    ([root("volume", NONE)], "failed to get volume"),
    ([root("snapshot", NONE)], "failed to get snapshot"),
    ([root("image", NONE, volume_size=1)], "could not be found"),
    ([root("image", "IMAGE")], "non-zero size"),
    ([{"source_type": "blank", "destination_type": "volume", "boot_index": 0}], "non-zero size"),
    ([root("volume", "VOLUME", boot_index=1)], "Boot sequence"),
    ([root("volume", "VOLUME"), root("volume", "OTHER")], "Boot sequence"),
    ([root("volume", "VOLUME"), root("volume", "OTHER", boot_index=2)], "Boot sequence"),
    ([root("volume", "DATA")], "not bootable"),
    ([root("volume", "BUSY")], "must be available"),
    ([root("volume", "VOLUME", destination_type="local")], "to local is not supported"),
    ([root("volume", None)], "needs one"),
    ([root("volume", "VOLUME", volume_type="fast")], "volume_type"),
    ([root("image", "IMAGE", volume_size=1, volume_type="slow")], "could not be found"),
    ([root("image", "BIG", volume_size=1)], "smaller than the minimum size"),
    ([root("snapshot", "SNAPSHOT", volume_size=1)], "volume_size"),
    ([root("volume", "VOLUME", disk_bus="ether")], "disk_bus"),
    ([root("volume", "VOLUME", device_type="floppy")], "device_type"),
    ([root("volume", "VOLUME", device_name="/dev/vdb"),
      {"source_type": "volume", "uuid": "OTHER", "device_name": "vdb"}], "device_name"),
    ([], "imageRef"),
])
def test_what_cannot_be(world, boot, cinder, image, devices, told):
    ids = {"VOLUME": cinder.volume(bootable="true"), "OTHER": cinder.volume(bootable="true"),
           "DATA": cinder.volume(), "BUSY": cinder.volume(status="in-use"), "IMAGE": image,
           "BIG": world.cloud.image(min_disk=5)}
    ids["SNAPSHOT"] = cinder.snapshot(ids["VOLUME"], size=2)
    answer = boot(*[{k: ids.get(v, v) for k, v in device.items() if v is not None}
                    for device in devices])
    assert answer.status_code == 400, answer.json
    assert told in answer.json["badRequest"]["message"]
    assert cinder.attachments == {}


def test_a_volume_is_not_for_several(world, boot, cinder):
    volume = cinder.volume(bootable="true")
    assert boot(root("volume", volume), min_count=2).status_code == 400
    many = cinder.volume(bootable="true", multiattach=True)
    assert boot(root("volume", many), min_count=2, version="2.59").status_code == 400
    assert boot(root("volume", many), min_count=2).status_code == 202
    world.settle()
    assert len(cinder.attachments) == 2


def test_of_two_at_once_one_is_in_error(world, call, boot, cinder):
    volume = cinder.volume(bootable="true")
    answers = [boot(root("volume", volume)) for _ in range(2)]
    shown = [settled(world, call, answer) for answer in answers]
    assert sorted(server["status"] for server in shown) == ["ACTIVE", "ERROR"]
    assert len(cinder.attachments) == 1
    [broken] = [server for server in shown if server["status"] == "ERROR"]
    assert "must be available" in broken["fault"]["message"]
    call("DELETE", f"/v2.1/servers/{broken['id']}")
    world.settle()
    assert cinder.volumes[volume]["status"] == "in-use"


def test_a_volume_that_is_not_made(world, call, boot, cinder, image):
    cinder.ends = "error"
    server = settled(world, call, boot(root("image", image, volume_size=1)))
    assert "did not finish being created" in server["fault"]["message"]
    assert cinder.volumes == {}


def test_zones(world, call, boot, cinder):
    world.nova.__dict__["api"] = replace(world.nova.api, cross_az_attach=False)
    far = cinder.volume(bootable="true", availability_zone="far")
    assert boot(root("volume", far), availability_zone="nova").status_code == 400
    near = cinder.volume(bootable="true")
    server = settled(world, call, boot(root("volume", near)))
    assert server["status"] == "ACTIVE"


def test_too_many(world, boot, cinder):
    world.nova.__dict__["api"] = replace(world.nova.api, max_disk_devices=1)
    devices = [root("volume", cinder.volume(bootable="true")),
               {"source_type": "volume", "uuid": cinder.volume()}]
    assert boot(*devices).status_code == 403
    assert boot(devices[0]).status_code == 202


def test_flavors_without_a_disk_are_for_volumes(world, call, create, boot, cinder):
    call("POST", "/v2.1/flavors", who="admin", json={"flavor": {
        "id": "m0", "name": "m0", "ram": 512, "vcpus": 1, "disk": 0}})
    refused = create(flavorRef="m0")
    assert refused.status_code == 403
    assert "zero disk" in refused.json["forbidden"]["message"]
    made = boot(root("volume", cinder.volume(bootable="true")), flavorRef="m0")
    assert settled(world, call, made)["status"] == "ACTIVE"


def test_an_image_that_is_made_of_snapshots(world, call, create, cinder):
    volume = cinder.volume(bootable="true")
    mapping = [{"source_type": "snapshot", "destination_type": "volume", "boot_index": 0,
                "snapshot_id": cinder.snapshot(volume), "delete_on_termination": True,
                "device_name": "/dev/vda", "volume_size": 1, "no_device": None}]
    image = world.cloud.image(block_device_mapping=json.dumps(mapping), bdm_v2="True", size=0)
    server = settled(world, call, create(imageRef=image))
    assert (server["status"], server["image"]) == ("ACTIVE", "")
    assert len(volumes_of(server)) == 1
    broken = world.cloud.image(block_device_mapping="[1]")
    assert create(imageRef=broken).status_code == 400


def test_a_guest_is_told_of_tags(world, call, boot, cinder):
    from cairn.nova.core import block_devices, guest_documents, servers

    volume = cinder.volume(bootable="true")
    server = settled(world, call, boot(root("volume", volume, tag="root")))
    with world.db.reading() as session:
        row = servers.find_any(session, server["id"])
        devices = block_devices.of(session, server["id"])
    told = guest_documents.meta_data(row, world.nova.api, devices)["devices"]
    assert told == [{"type": "disk", "bus": "none", "address": "none", "tags": ["root"],
                     "path": "/dev/vda", "serial": volume}]


# --- Images of such servers, and new images for them ---


@pytest.fixture
def backed(world, call, boot, cinder, image):
    """(server, its root volume) of a server that boots from a volume made from `image`."""
    server = settled(world, call, boot(root("image", image, volume_size=1)))
    return server["id"], volumes_of(server)[0]


def action(call, server, name, body, **more):
    return call("POST", f"/v2.1/servers/{server}/action", {name: body}, **more)


def test_an_image_of_it_is_snapshots(world, call, create, cinder, backed):
    server, volume = backed
    made = action(call, server, "createImage", {"name": "kept"}).json["image_id"]
    image = world.cloud.images[made]
    [snapshot] = cinder.snapshots.values()
    assert (snapshot["volume_id"], snapshot["name"]) == (volume, "snapshot for kept")
    assert (image["status"], image["root_device_name"]) == ("active", "/dev/sda")
    [device] = json.loads(image["block_device_mapping"])
    assert (device["snapshot_id"], device["boot_index"]) == (snapshot["id"], 0)
    again = settled(world, call, create(imageRef=made))
    assert (again["status"], again["image"]) == ("ACTIVE", "")
    assert volumes_of(again) != [volume]
    of_old = action(call, server, "createImage", {"name": "old"}, version="2.44")
    assert of_old.headers["Location"].rpartition("/")[2] in world.cloud.images


def test_an_image_that_fails_leaves_no_snapshots(world, call, cinder, backed, monkeypatch):
    from cairn.common.errors import Unavailable

    server, _ = backed

    def before(service, method, path):
        if (service, method) == ("image", "POST"):
            raise Unavailable(reason="no answer")

    images = set(world.cloud.images)
    world.cloud.before = before
    assert action(call, server, "createImage", {"name": "kept"}).status_code == 503
    world.settle()
    assert cinder.snapshots == {}
    assert set(world.cloud.images) == images
    assert call("GET", f"/v2.1/servers/{server}").json["server"][
        "OS-EXT-STS:task_state"] is None


def test_a_quota_of_snapshots_is_told_at_the_request(world, call, cinder, backed):
    from cairn.common.errors import Remote

    server, _ = backed

    def before(service, method, path):
        if (service, method) == ("block-storage", "POST") and path.endswith("/snapshots"):
            raise Remote("block-storage 413", 413, "snapshots: exceeds allowed quota")

    images = set(world.cloud.images)
    world.cloud.before = before
    refused = action(call, server, "createImage", {"name": "kept"})
    assert refused.status_code == 403
    assert "exceeds allowed quota" in refused.json["forbidden"]["message"]
    assert set(world.cloud.images) == images
    world.cloud.before = lambda *_: None
    assert action(call, server, "createImage", {"name": "x" * 255}).status_code == 202
    [snapshot] = cinder.snapshots.values()
    assert len(snapshot["name"]) == 255


def test_an_image_of_it_needs_no_host_and_is_no_host_s(world, cinder, backed):
    from cairn.common.context import Context
    from cairn.common.errors import NotFound
    from cairn.nova.core import loans, servers, snapshots
    from cairn.nova.settings import ApiSettings

    server, _ = backed
    world.down("one")
    busy = replace(world.nova, api=ApiSettings(image_timeout=0.0), pause=lambda seconds: None)
    with world.db.reading() as session:
        row = servers.find_any(session, server)
    made = snapshots.take(busy, Context("alice", project_id=row.project_id), server,
                          {"name": "kept"})
    image = world.cloud.images[made]
    assert (image["status"], image["block_device_mapping"]) == ("queued", "[]")
    with pytest.raises(NotFound):
        loans.lend(world.nova, row, "fill")
    world.settle()
    assert (image["status"], len(cinder.snapshots)) == ("active", 1)


def test_a_volume_that_comes_or_goes_is_in_no_image(world, call, cinder, backed):
    server, _ = backed
    call("POST", f"/v2.1/servers/{server}/os-volume_attachments",
         {"volumeAttachment": {"volumeId": cinder.volume()}})
    images = set(world.cloud.images)
    refused = action(call, server, "createImage", {"name": "kept"})
    assert refused.status_code == 409
    assert "attached or detached" in refused.json["conflictingRequest"]["message"]
    assert set(world.cloud.images) == images


def test_a_new_image_is_written_over_its_volume(world, call, cinder, image, backed):
    server, volume = backed
    other = world.cloud.image()
    refused = action(call, server, "rebuild", {"imageRef": other}, version="2.92")
    assert refused.status_code == 400
    assert "volume-backed" in refused.json["badRequest"]["message"]
    same = action(call, server, "rebuild", {"imageRef": image}, version="2.92")
    assert same.status_code == 202
    world.settle()
    big = world.cloud.image(min_disk=9)
    assert action(call, server, "rebuild", {"imageRef": big}).status_code == 400
    before = list(cinder.attachments)
    assert action(call, server, "rebuild", {"imageRef": other}).status_code == 202
    world.settle()
    shown = call("GET", f"/v2.1/servers/{server}").json["server"]
    assert (shown["status"], shown["image"]) == ("ACTIVE", "")
    assert cinder.volumes[volume]["volume_image_metadata"] == {"image_id": other}
    assert cinder.volumes[volume]["status"] == "in-use"
    assert len(cinder.attachments) == 1
    assert list(cinder.attachments) != before
    assert world.drivers["one"].volumes[server] == {"/dev/sda": (volume, None)}


def test_a_volume_that_gets_no_image_is_tried_again(world, call, cinder, backed):
    server, volume = backed
    cinder.reimages = "error"
    other = world.cloud.image()
    action(call, server, "rebuild", {"imageRef": other})
    world.settle()
    assert call("GET", f"/v2.1/servers/{server}").json["server"]["status"] == "ERROR"
    cinder.reimages = "reserved"
    action(call, server, "rebuild", {"imageRef": other})
    world.settle()
    assert call("GET", f"/v2.1/servers/{server}").json["server"]["status"] == "ACTIVE"
    assert len(cinder.attachments) == 1
