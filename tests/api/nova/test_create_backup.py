"""createBackup: a server's disk as one of its last few backups."""

import pytest

from cairn.common.errors import Unavailable


@pytest.fixture
def ask(world, call, server):
    """ask(name="kept", **more) -> the response, once the backup is made."""

    def ask(name="kept", who="alice", version="2.96", server_id=None, **more):
        asked = {"name": name, "backup_type": "daily", "rotation": 2, **more}
        asked = {key: value for key, value in asked.items() if value is not None}
        world.beat()
        answer = call("POST", f"/v2.1/servers/{server_id or server}/action",
                      {"createBackup": asked}, who=who, version=version)
        world.settle()
        return answer

    return ask


@pytest.fixture
def backups(world):
    """backups() -> names of those that there are, the oldest first."""
    return lambda: [i["name"] for i in world.cloud.images.values()
                    if i.get("image_type") == "backup"]


def task(call, server):
    return call("GET", f"/v2.1/servers/{server}").json["server"]["OS-EXT-STS:task_state"]


def test_a_backup_says_what_it_is(world, call, ask, server):
    answer = ask(metadata={"purpose": "test", "image_type": "lie"})
    assert answer.status_code == 202
    image = world.cloud.images[answer.json["image_id"]]
    assert (image["name"], image["status"], image["purpose"]) == ("kept", "active", "test")
    assert (image["image_type"], image["backup_type"]) == ("backup", "daily")
    assert image["instance_uuid"] == server
    assert task(call, server) is None
    actions = call("GET", f"/v2.1/servers/{server}/os-instance-actions").json["instanceActions"]
    assert actions[0]["action"] == "createBackup"


def test_while_it_is_made(call, server):
    body = {"createBackup": {"name": "x", "backup_type": "daily", "rotation": 1}}
    assert call("POST", f"/v2.1/servers/{server}/action", body).status_code == 202
    assert task(call, server) == "image_backup"
    assert call("POST", f"/v2.1/servers/{server}/action", body).status_code == 409


def test_the_oldest_go(ask, backups):
    for number in range(4):
        assert ask(f"b{number}").status_code == 202
    assert backups() == ["b2", "b3"]


def test_only_those_of_the_server_and_the_type_go(world, create, ask, backups):
    other = create("other").json["server"]["id"]
    world.settle()
    ask("weekly", backup_type="weekly")
    ask("others", server_id=other)
    for number in range(2):
        ask(f"b{number}", rotation=1)
    assert backups() == ["weekly", "others", "b1"]


def test_a_stranger_s_image_pushes_none_out(world, ask, backups, server):
    """Anybody may call an image of theirs a backup of whatever they like."""
    ask("first")
    for _ in range(3):
        world.cloud.image(name="forged", image_type="backup", backup_type="daily",
                          instance_uuid=server, owner="blue")
    ask("second")
    assert [name for name in backups() if name != "forged"] == ["first", "second"]
    assert backups().count("forged") == 3


def test_of_none_none_is_kept(ask, backups):
    ask("first")
    answer = ask("second", rotation=0, version="2.44")
    assert (answer.status_code, backups()) == (202, [])
    assert "Location" not in answer.headers and not answer.data


def test_before_2_45_the_place_tells_the_image(world, ask):
    answer = ask(rotation="1", version="2.44")
    assert (answer.status_code, answer.data) == (202, b"")
    image = world.cloud.images[answer.headers["Location"].rpartition("/")[2]]
    assert image["image_type"] == "backup"


def test_one_on_a_volume_has_none(world, create, ask, backups):
    made = create("rooted", imageRef="", block_device_mapping_v2=[
        {"source_type": "image", "destination_type": "volume", "uuid": world.cloud.image(),
         "boot_index": 0, "volume_size": 1}]).json["server"]["id"]
    world.settle()
    refused = ask(server_id=made)
    assert refused.status_code == 400
    assert "volume-backed" in refused.json["badRequest"]["message"]
    assert backups() == []


@pytest.mark.parametrize(("field", "value"), [
    ("name", None), ("name", ""), ("backup_type", None), ("backup_type", 1), ("rotation", None),
    ("rotation", -1), ("rotation", "x"), ("rotation", ""), ("rotation", "9" * 30),
    ("metadata", {"a": 1}), ("bogus", 1)])
def test_bad_words_name_the_field(ask, backups, field, value):
    more = {field: value}
    refused = ask(more.pop("name", "kept"), **more)
    assert refused.status_code == 400
    assert field in refused.json["badRequest"]["message"]
    assert backups() == []


def test_who_may_not(ask, backups, world, server):
    assert (ask(who="bob").status_code, ask(who="rita").status_code) == (404, 403)
    world.set(server, vm_state="error")
    assert ask().status_code == 409
    assert backups() == []


def test_one_that_fails_leaves_those_before(world, call, ask, backups, server):
    ask("first", rotation=1)
    world.drivers["one"].disks.clear()
    ask("second", rotation=1)
    assert (backups(), task(call, server)) == (["first"], None)


def test_a_glance_that_is_away_for_the_rotation_loses_no_backup(world, call, ask, backups, server):
    ask("first", rotation=1)

    def away(service, method, path):
        if method == "DELETE" and service == "image":
            raise Unavailable(reason="nobody answers")

    world.cloud.before = away
    ask("second", rotation=1)
    assert (backups(), task(call, server)) == (["first", "second"], None)
    world.cloud.before = lambda *_: None
    ask("third", rotation=1)
    assert backups() == ["third"]
