"""createImage: a server's disk as an image."""

import pytest

from cairn.nova.db.models import Server


def ask(call, server, who="alice", version="2.96", **wanted):
    return call("POST", f"/v2.1/servers/{server}/action",
                {"createImage": {"name": "kept", **wanted}}, who=who, version=version)


def task(call, server):
    return call("GET", f"/v2.1/servers/{server}").json["server"]["OS-EXT-STS:task_state"]


@pytest.fixture
def snapshots(world):
    return lambda: [i for i in world.cloud.images.values() if i.get("image_type") == "snapshot"]


def test_the_image_is_there_at_once_and_active_later(world, call, server, snapshots):
    answer = ask(call, server, metadata={"purpose": "backup"})
    assert answer.status_code == 202
    assert task(call, server) == "image_snapshot_pending"
    image = world.cloud.images[answer.json["image_id"]]
    assert (image["name"], image["status"], image["visibility"]) == ("kept", "queued", "private")
    assert (image["instance_uuid"], image["purpose"], image["min_disk"]) == (server, "backup", 1)
    world.settle()
    assert image["status"] == "active"
    assert task(call, server) is None
    actions = call("GET", f"/v2.1/servers/{server}/os-instance-actions").json["instanceActions"]
    assert actions[0]["action"] == "createImage"


def test_what_it_is_called_besides_its_owner_may_say(world, call, server):
    answer = ask(call, server, metadata={"image_type": "own"})
    assert world.cloud.images[answer.json["image_id"]]["image_type"] == "own"


def test_before_2_45_the_place_tells_the_image(world, call, server, snapshots):
    answer = ask(call, server, version="2.44")
    assert answer.status_code == 202
    assert not answer.data
    assert answer.headers["Location"].rpartition("/")[2] == snapshots()[0]["id"]


def test_one_at_a_time(call, server, snapshots):
    assert ask(call, server).status_code == 202
    refused = ask(call, server)
    assert refused.status_code == 409
    assert "image_snapshot_pending" in refused.json["conflictingRequest"]["message"]
    assert len(snapshots()) == 1


def test_bad_words_name_the_field(call, server, snapshots):
    assert "metadata" in ask(call, server, metadata={"a": 1}).json["badRequest"]["message"]
    assert "name" in ask(call, server, name="").json["badRequest"]["message"]
    assert snapshots() == []


def test_another_s_server_is_not_found_and_a_reader_may_not(call, server, snapshots):
    assert ask(call, server, who="bob").status_code == 404
    assert ask(call, server, who="rita").status_code == 403
    assert snapshots() == []


def test_a_server_in_error_is_refused(world, call, server, snapshots):
    with world.db.writing() as session:
        session.query(Server).update({"vm_state": "error"})
    assert ask(call, server).status_code == 409
    assert snapshots() == []


def test_a_host_that_is_down_leaves_no_image(world, call, server, snapshots):
    world.down("one")
    assert ask(call, server).status_code == 409
    assert snapshots() == []


def test_too_much_metadata_is_refused(call, server, snapshots):
    refused = ask(call, server, metadata={f"k{n}": "v" for n in range(200)})
    assert refused.status_code == 403
    assert snapshots() == []


def test_a_snapshot_that_fails_leaves_no_image_and_a_good_server(
    world, call, server, snapshots
):
    world.drivers["one"].disks.clear()
    ask(call, server)
    world.settle()
    assert snapshots() == []
    shown = call("GET", f"/v2.1/servers/{server}").json["server"]
    assert (shown["status"], shown["OS-EXT-STS:task_state"]) == ("ACTIVE", None)


def test_what_glance_says_of_the_parent_is_not_said_of_the_child(world, call, create, snapshots):
    """Glance takes os_glance_* from nobody: with it, no server of an imported image could be
    kept."""
    image = world.cloud.image(
        os_glance_importing_to_stores="", os_glance_failed_import="", img_signature="x",
        cache_in_nova="x", hw_vif_model="e1000")
    made = create(imageRef=image).json["server"]["id"]
    world.settle()
    assert ask(call, made).status_code == 202
    kept, = snapshots()
    assert kept["hw_vif_model"] == "e1000"
    odd = ("os_glance", "img_", "cache")
    assert [name for name in kept if name.startswith(odd)] == []
