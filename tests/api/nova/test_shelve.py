"""shelve, shelveOffload, unshelve: servers that need no host for now."""

import datetime as dt
from dataclasses import replace

import pytest
from sqlalchemy import select

from cairn.common.context import Context
from cairn.common.db import utcnow
from cairn.nova.core import shelves
from cairn.nova.db.models import Event, Server, Usage


@pytest.fixture
def keep(world):
    """keep(seconds): hosts keep shelved servers for that long."""

    def keep(seconds):
        world.nova.__dict__["api"] = replace(world.nova.api, shelved_offload_time=seconds)

    return keep


@pytest.fixture
def act(world, call, server):
    """act(action, body=None, server_id=..., ...) -> the response, after all that comes of it."""

    def act(action, body=None, server_id=None, **more):
        answer = call("POST", f"/v2.1/servers/{server_id or server}/action", {action: body}, **more)
        world.settle()
        return answer

    return act


@pytest.fixture
def show(call, server):
    """show(server_id=...) -> the server, as an admin sees it."""
    return lambda server_id=None: call(
        "GET", f"/v2.1/servers/{server_id or server}", who="admin").json["server"]


@pytest.fixture
def on_volume(world, create):
    """The id of a server of alice's that boots from a volume."""
    made = create("rooted", imageRef="", block_device_mapping_v2=[
        {"source_type": "image", "destination_type": "volume", "uuid": world.cloud.image(),
         "boot_index": 0, "volume_size": 1}])
    world.settle()
    return made.json["server"]["id"]


def shelved_images(world):
    return [i for i in world.cloud.images.values() if i["name"].endswith("-shelved")]


def usage(world):
    with world.db.reading() as session:
        return session.get(Usage, "red").instances


def message(answer):
    [fault] = answer.json.values()
    return fault["message"]


def test_a_shelved_server_leaves_its_host_and_comes_back(world, call, act, show, server):
    original = show()["image"]["id"]
    addresses = show()["addresses"]
    assert act("shelve").status_code == 202
    shown = show()
    assert (shown["status"], shown["OS-EXT-SRV-ATTR:host"]) == ("SHELVED_OFFLOADED", None)
    assert (shown["OS-EXT-STS:task_state"], shown["OS-EXT-STS:power_state"]) == (None, 4)
    assert shown["addresses"] == addresses
    [image] = shelved_images(world)
    assert (image["name"], image["status"]) == ("web-shelved", "active")
    assert (image["instance_uuid"], image["image_type"]) == (server, "snapshot")
    assert (world.drivers["one"].domains, world.drivers["one"].disks) == ({}, set())
    assert world.cloud.allocations == {}
    [port] = world.cloud.ports.values()
    assert (port["device_id"], port["binding:host_id"]) == (server, "")
    assert usage(world) == 1

    assert act("unshelve").status_code == 202
    shown = show()
    assert (shown["status"], shown["OS-EXT-SRV-ATTR:host"]) == ("ACTIVE", "one")
    assert shown["OS-EXT-STS:task_state"] is None and "fault" not in shown
    assert shown["image"]["id"] == original
    assert shelved_images(world) == []
    assert list(world.cloud.allocations) == [server]
    [port] = world.cloud.ports.values()
    assert port["binding:host_id"] == "one"
    actions = call("GET", f"/v2.1/servers/{server}/os-instance-actions").json["instanceActions"]
    assert [action["action"] for action in actions] == ["unshelve", "shelve", "create"]
    assert all(action["message"] is None for action in actions)


def test_its_new_host_copies_the_shelved_image(world, act, server, monkeypatch):
    told, lent, driver = [], [], world.drivers["one"]
    prepare, ask = driver.prepare, Context(host="one")
    monkeypatch.setattr(driver, "prepare", lambda spec: (
        told.append((spec["image"]["id"], spec["image"]["properties"], spec["copies_image"])),
        lent.append(world.conductor.lend_image(ask, server, "read")["image_id"]), prepare(spec)))
    act("shelve")
    [image] = shelved_images(world)
    act("unshelve")
    assert (told, lent) == ([(image["id"], {}, True)], [image["id"]])
    spec = world.conductor.spec(ask, server)
    assert (spec["image"]["id"], spec["copies_image"]) == (next(iter(world.cloud.images)), False)


def test_one_that_its_host_keeps_starts_there(world, keep, act, show, server):
    keep(-1)
    act("shelve")
    shown = show()
    assert (shown["status"], shown["OS-EXT-SRV-ATTR:host"]) == ("SHELVED", "one")
    assert world.drivers["one"].domains == {server: 4}
    assert len(shelved_images(world)) == 1
    assert act("unshelve").status_code == 202
    assert show()["status"] == "ACTIVE"
    assert world.drivers["one"].domains == {server: 1}
    assert shelved_images(world) == []
    assert list(world.cloud.allocations) == [server]


def test_an_admin_offloads_it(world, keep, act, show):
    keep(-1)
    assert act("shelveOffload", who="admin").status_code == 409
    act("shelve")
    assert act("shelveOffload").status_code == 403
    assert act("shelveOffload", who="admin").status_code == 202
    assert show()["status"] == "SHELVED_OFFLOADED"
    assert act("shelveOffload", who="admin").status_code == 409
    assert act("unshelve").status_code == 202
    assert show()["status"] == "ACTIVE"


def test_after_a_while_it_leaves_its_host(world, keep, act, show, server):
    keep(3600)
    act("shelve")
    assert (show()["status"], shelves.offload_due(world.nova)) == ("SHELVED", 0)
    world.set(server, shelved_at=utcnow() - dt.timedelta(seconds=3601))
    assert shelves.offload_due(world.nova) == 1
    world.settle()
    assert show()["status"] == "SHELVED_OFFLOADED"
    keep(-1)
    assert shelves.offload_due(world.nova) == 0


@pytest.mark.parametrize("state", ["stopped", "paused", "suspended"])
def test_from_which_states(world, act, show, server, state):
    world.set(server, vm_state=state)
    assert act("shelve").status_code == 202
    assert show()["status"] == "SHELVED_OFFLOADED"


@pytest.mark.parametrize("state", ["building", "error", "rescued", "resized", "shelved"])
def test_from_which_states_not(world, act, show, server, state):
    world.set(server, vm_state=state)
    refused = act("shelve")
    assert refused.status_code == 409
    assert f"Cannot 'shelve' instance {server} while it is in vm_state {state}" == message(refused)
    assert shelved_images(world) == []
    if state != "shelved":
        assert act("unshelve").status_code == 409


def test_what_others_may(act, call, server):
    for action in ("shelve", "unshelve"):
        assert act(action, who="bob").status_code == 404
        assert act(action, who="rita").status_code == 403
    call("POST", f"/v2.1/servers/{server}/action", {"lock": None})
    assert act("shelve").status_code == 409
    assert act("shelve", who="admin").status_code == 202


def test_a_host_that_is_down_shelves_nothing(world, act, show):
    world.down("one")
    assert act("shelve").status_code == 409
    assert (show()["status"], shelved_images(world)) == ("ACTIVE", [])


def test_a_disk_that_cannot_be_read_leaves_a_server_that_runs(world, act, show, server):
    world.drivers["one"].snapshot = lambda spec, path: 1 / 0
    act("shelve")
    shown = show()
    assert (shown["status"], shown["OS-EXT-STS:task_state"]) == ("ACTIVE", None)
    assert world.drivers["one"].domains == {server: 1}
    assert shelved_images(world) == []


def test_a_paused_one_that_could_not_be_shelved_is_off(world, act, show, server):
    world.drivers["one"].snapshot = lambda spec, path: 1 / 0
    world.set(server, vm_state="paused")
    act("shelve")
    assert (show()["status"], show()["OS-EXT-STS:power_state"]) == ("SHUTOFF", 4)


def test_a_deletion_takes_the_image_too(world, keep, call, act, server):
    keep(-1)
    act("shelve")
    call("DELETE", f"/v2.1/servers/{server}")
    world.settle()
    assert call("GET", f"/v2.1/servers/{server}").status_code == 404
    assert (shelved_images(world), world.cloud.ports, usage(world)) == ([], {}, 0)


def test_a_deletion_of_an_offloaded_one(world, call, act, server):
    act("shelve")
    call("DELETE", f"/v2.1/servers/{server}")
    world.settle()
    assert call("GET", f"/v2.1/servers/{server}").status_code == 404
    assert (shelved_images(world), world.cloud.ports, world.cloud.allocations) == ([], {}, {})


# --- Where to ------------------------------------------------------------------------------


def test_one_that_fits_nowhere_stays_on_the_shelf(world, act, show, server):
    act("shelve")
    world.cloud.providers.clear()
    assert act("unshelve").status_code == 202
    shown = show()
    assert (shown["status"], shown["OS-EXT-STS:task_state"]) == ("SHELVED_OFFLOADED", None)
    with world.db.reading() as session:
        fault = session.scalar(select(Server.fault))
    assert fault["message"].startswith("No valid host was found")
    assert len(shelved_images(world)) == 1


def test_another_host_is_tried(world, act, show, server):
    act("shelve")
    world.add_host("two")
    for driver in world.drivers.values():
        driver.prepare = lambda spec: 1 / 0
    world.drivers["two"].prepare = type(world.drivers["two"]).prepare.__get__(world.drivers["two"])
    for _ in range(3):
        act("unshelve")
        assert (show()["status"], show()["OS-EXT-SRV-ATTR:host"]) == ("ACTIVE", "two")
        assert world.drivers["one"].domains == {}
        act("shelve")


def test_to_a_host_as_an_admin_says(world, act, show):
    world.add_host("two")
    act("shelve")
    for host in ("two", "one"):
        assert act("unshelve", {"host": host}).status_code == 403
        assert act("unshelve", {"host": "none"}, who="admin").status_code == 400
        assert act("unshelve", {"host": host}, who="admin", version="2.90").status_code == 400
        assert act("unshelve", {"host": host}, who="admin").status_code == 202
        assert show()["OS-EXT-SRV-ATTR:host"] == host
        act("shelve")


def test_to_a_zone(world, call, act, show):
    world.add_host("two")
    made = call("POST", "/v2.1/os-aggregates", {"aggregate": {
        "name": "east", "availability_zone": "east"}}, who="admin").json["aggregate"]["id"]
    call("POST", f"/v2.1/os-aggregates/{made}/action", {"add_host": {"host": "two"}}, who="admin")
    act("shelve")
    east = {"availability_zone": "east"}
    assert act("unshelve", {"availability_zone": "west"}).status_code == 400
    wrong = act("unshelve", east | {"host": "one"}, who="admin")
    assert (wrong.status_code, message(wrong)) == (
        409, "Host one is not in the availability zone east.")
    assert show()["status"] == "SHELVED_OFFLOADED"
    assert act("unshelve", east, version="2.77").status_code == 202
    shown = show()
    assert (shown["OS-EXT-AZ:availability_zone"], shown["OS-EXT-SRV-ATTR:host"]) == ("east", "two")
    assert shown["pinned_availability_zone"] == "east"
    act("shelve")
    # Pinned it stays, until somebody says otherwise.
    assert act("unshelve", {"host": "one"}, who="admin").status_code == 409
    assert act("unshelve", {"availability_zone": None, "host": "one"}, who="admin",
               ).status_code == 202
    shown = show()
    assert (shown["OS-EXT-SRV-ATTR:host"], shown["pinned_availability_zone"]) == ("one", None)


@pytest.mark.parametrize(("version", "body", "code"), [
    ("2.76", {"availability_zone": "x"}, 202), ("2.77", {}, 400), ("2.77", None, 202),
    ("2.77", {"host": "one"}, 400), ("2.77", {"availability_zone": None}, 400),
    ("2.91", {}, 202), ("2.91", {"availability_zone": 1}, 400), ("2.91", {"host": None}, 400),
    ("2.91", {"bogus": 1}, 400), ("2.91", {"availability_zone": None}, 202),
])
def test_what_may_be_said(act, version, body, code):
    act("shelve")
    assert act("unshelve", body, version=version).status_code == code


def test_one_on_its_host_goes_nowhere_else(keep, act):
    keep(-1)
    act("shelve")
    for body in ({"availability_zone": "nova"}, {"availability_zone": None}, {"host": "one"}):
        refused = act("unshelve", body, who="admin")
        assert refused.status_code == 409
        assert "status SHELVED is not supported" in message(refused)


# --- Volumes -------------------------------------------------------------------------------


def test_one_on_a_volume_has_no_image(world, keep, act, show, on_volume):
    keep(3600)  # No matter: nothing of it is on its host.
    before = set(world.cloud.images)
    [volume] = world.cloud.cinder.volumes.values()
    assert act("shelve", server_id=on_volume).status_code == 202
    assert show(on_volume)["status"] == "SHELVED_OFFLOADED"
    assert set(world.cloud.images) == before
    assert volume["status"] == "reserved"
    assert [a["connector"] for a in world.cloud.cinder.attachments.values()] == [None]
    act("unshelve", server_id=on_volume)
    assert (show(on_volume)["status"], volume["status"]) == ("ACTIVE", "in-use")
    assert world.drivers["one"].volumes[on_volume] == {"/dev/vda": (volume["id"], None)}


def test_volumes_come_and_go_while_it_is_on_the_shelf(world, call, act, show, server):
    cinder, path = world.cloud.cinder, f"/v2.1/servers/{server}/os-volume_attachments"
    kept, lost, late = cinder.volume(), cinder.volume(), cinder.volume()

    def attach(volume, **more):
        version = more.pop("version", "2.96")
        answer = call("POST", path, {"volumeAttachment": {"volumeId": volume, **more}},
                      version=version)
        world.settle()
        return answer.status_code

    assert (attach(kept), attach(lost)) == (200, 200)
    act("shelve")
    assert {v["status"] for v in (cinder.volumes[kept], cinder.volumes[lost])} == {"reserved"}
    assert len(cinder.attachments) == 2
    assert attach(late, version="2.19") == 409
    assert attach(late, tag="x") == 400
    assert attach(cinder.volume(multiattach=True)) == 400
    assert attach(late) == 200
    assert (cinder.volumes[late]["status"], world.drivers["one"].volumes) == ("reserved", {})
    assert call("DELETE", f"{path}/{lost}", version="2.19").status_code == 409
    assert call("DELETE", f"{path}/{lost}").status_code == 202
    world.settle()
    assert cinder.volumes[lost]["status"] == "available"
    shown = show()["os-extended-volumes:volumes_attached"]
    assert [volume["id"] for volume in shown] == [kept, late]
    act("unshelve")
    assert show()["status"] == "ACTIVE"
    has = world.drivers["one"].volumes[server]
    assert {volume for volume, _ in has.values()} == {kept, late}
    assert {a["volume_id"] for a in cinder.attachments.values()} == {kept, late}
    assert cinder.volumes[late]["status"] == "in-use"
    listed = call("GET", path).json["volumeAttachments"]
    assert [device["device"] for device in listed] == sorted(has)


def test_what_is_told(world, act):
    act("shelve")
    act("unshelve")
    with world.db.reading() as session:
        types = list(session.scalars(select(Event.type).order_by(Event.id)))
    assert [t.removeprefix("compute.instance.") for t in types if "shelve" in t] == [
        "shelve.start", "shelve_offload.start", "shelve.end", "shelve_offload.end",
        "unshelve.start", "unshelve.end"]
