"""The older way to attach: reserve, connect, attach; begin to detach, disconnect, detach."""

import pytest

from cairn.cinder.db.models import Attachment, Volume
from cairn.common.db import new_id

SERVER, OTHER = "5d0dbbee-cd5a-4a0f-a1e4-2b2b65a6a0a1", "6d0dbbee-cd5a-4a0f-a1e4-2b2b65a6a0a2"
CONNECTOR = {"host": "node1", "ip": "10.0.0.5"}


@pytest.fixture
def act(call, volume):
    """act(action, body, who=...) -> the response, of the volume."""

    def act(action, body=None, who="nova", of=volume):
        return call("POST", f"/volumes/{of}/action", {action: body}, who=who)

    return act


@pytest.fixture
def status(call, volume):
    return lambda: call("GET", f"/volumes/{volume}").json["volume"]["status"]


def rows(world):
    with world.db.reading() as session:
        return session.query(Attachment).all()


def test_the_whole_way(world, act, volume, status):
    assert act("os-reserve").status_code == 202
    assert status() == "attaching"
    told = act("os-initialize_connection", {"connector": CONNECTOR})
    assert told.status_code == 200, told.json
    info = told.json["connection_info"]
    assert info["driver_volume_type"] == "fake" and info["data"]["volume_id"] == volume
    again = act("os-initialize_connection", {"connector": CONNECTOR})
    assert again.json == told.json and len(rows(world)) == 1
    attach = {"instance_uuid": SERVER, "mountpoint": "/dev/vdc", "mode": "rw"}
    assert act("os-attach", attach).status_code == 202
    assert act("os-attach", attach).status_code == 202  # Said again.
    assert status() == "in-use"
    [row] = rows(world)
    assert (row.instance_id, row.mountpoint, row.status) == (SERVER, "/dev/vdc", "attached")
    assert world.driver().exports() == {(volume, row.id)}
    assert act("os-begin_detaching").status_code == 202
    assert status() == "detaching"
    for _ in range(2):
        assert act("os-terminate_connection", {"connector": CONNECTOR}).status_code == 202
    assert not world.driver().exports() and len(rows(world)) == 1
    for _ in range(2):
        assert act("os-detach", {}).status_code == 202
        assert status() == "available" and not rows(world)


def test_what_is_reserved_is_given_back(act, status):
    assert act("os-unreserve").status_code == 202 and status() == "available"
    act("os-reserve")
    refused = act("os-reserve")
    assert refused.status_code == 400
    assert "status must be available" in refused.json["badRequest"]["message"]
    assert act("os-unreserve").status_code == 202 and status() == "available"


def test_a_connection_that_is_never_used_leaves_nothing(world, act, status):
    act("os-reserve")
    act("os-initialize_connection", {"connector": CONNECTOR})
    assert act("os-terminate_connection", {"connector": CONNECTOR}).status_code == 202
    assert not rows(world) and not world.driver().exports()
    act("os-unreserve")
    assert status() == "available"


def test_a_hosts_own(world, act, call, volume, status):
    """Tempest attaches so, without a reservation."""
    assert act("os-attach", {"host_name": "node9", "mountpoint": "/dev/vdb"},
               who="alice").status_code == 202
    assert status() == "in-use"
    [seen] = call("GET", f"/volumes/{volume}", who="admin").json["volume"]["attachments"]
    assert seen["host_name"] == "node9" and seen["server_id"] is None
    assert act("os-detach", None, who="alice").status_code == 202 and status() == "available"


def test_detaching_may_be_called_off(act, status):
    assert act("os-begin_detaching").status_code == 400
    act("os-attach", {"instance_uuid": SERVER, "mountpoint": "/dev/vdb"})
    act("os-begin_detaching")
    assert act("os-begin_detaching").status_code == 400
    assert act("os-roll_detaching").status_code == 202 and status() == "in-use"
    assert act("os-roll_detaching").status_code == 202 and status() == "in-use"


def test_one_of_several_is_named(world, act, volume, status):
    world.set(volume, multiattach=True)
    for server in (SERVER, OTHER):
        assert act("os-attach", {"instance_uuid": server,
                                 "mountpoint": "/dev/vdb"}).status_code == 202
    refused = act("os-detach", {})
    assert refused.status_code == 400
    assert "no attachment_id" in refused.json["badRequest"]["message"]
    first, second = rows(world)
    assert act("os-detach", {"attachment_id": first.id}).status_code == 202
    assert status() == "in-use"
    assert act("os-detach", {"attachment_id": second.id}).status_code == 202
    assert status() == "available"


def test_a_second_user_is_refused(act):
    act("os-attach", {"instance_uuid": SERVER, "mountpoint": "/dev/vdb"})
    assert act("os-attach", {"instance_uuid": OTHER, "mountpoint": "/dev/vdb"}).status_code == 400


def test_a_readonly_volume_is_only_read(world, act, volume):
    world.set(volume, readonly=True)
    attach = {"instance_uuid": SERVER, "mountpoint": "/dev/vdb"}
    refused = act("os-attach", attach)
    assert refused.status_code == 400
    assert "Invalid attaching mode 'rw'" in refused.json["badRequest"]["message"]
    assert act("os-attach", attach | {"mode": "ro"}).status_code == 202


def test_force_frees_a_volume_whose_host_is_gone(world, act, volume, status):
    act("os-reserve")
    act("os-initialize_connection", {"connector": CONNECTOR})
    act("os-attach", {"instance_uuid": SERVER, "mountpoint": "/dev/vdb"})
    world.down("store")
    assert act("os-detach", {}).status_code == 503 and status() == "in-use"
    assert act("os-force_detach", {}, who="alice").status_code == 403
    assert act("os-force_detach", {}, who="admin").status_code == 202
    assert status() == "available" and world.row(Volume, volume).attach_status == "detached"
    world.add_host("store")
    assert world.reporters["store"].sweep_exports() == 1


def test_force_mends_a_volume_in_error(world, act, status):
    act("os-attach", {"instance_uuid": SERVER, "mountpoint": "/dev/vdb"})
    assert act("os-reset_status", {"status": "error"}, who="admin").status_code == 202
    (row,) = rows(world)
    assert act("os-force_detach", {"attachment_id": row.id, "connector": None},
               who="admin").status_code == 202
    assert status() == "available" and rows(world) == []


def test_force_makes_nothing_of_a_volume_that_nobody_has(act, status):
    assert act("os-reset_status", {"status": "error"}, who="admin").status_code == 202
    assert act("os-force_detach", {}, who="admin").status_code == 202
    assert status() == "error"


def test_wrong_requests(act, call, volume):
    for action, body, field in (
        ("os-reserve", {"a": 1}, "os-reserve"), ("os-attach", {}, "mountpoint"),
        ("os-attach", {"mountpoint": "/dev/vdb"}, "instance_uuid"),
        ("os-attach", {"mountpoint": "", "instance_uuid": SERVER}, "mountpoint"),
        ("os-attach", {"mountpoint": "x", "instance_uuid": "y"}, "instance_uuid"),
        ("os-attach", {"mountpoint": "x", "instance_uuid": SERVER, "mode": "a"}, "mode"),
        ("os-attach", {"mountpoint": "x", "instance_uuid": SERVER, "host_name": "h"},
         "simultaneously"),
        ("os-detach", {"attachment_id": "x"}, "attachment_id"),
        ("os-initialize_connection", {}, "connector"),
        ("os-initialize_connection", {"connector": "x"}, "connector"),
        ("os-terminate_connection", {"connector": 7}, "connector"),
        ("os-force_detach", {"connector": 7}, "connector"),
    ):
        refused = act(action, body, who="admin")
        assert refused.status_code == 400, (action, body)
        assert field in refused.json["badRequest"]["message"], (action, body)


@pytest.mark.parametrize("action, body", [
    ("os-reserve", None), ("os-unreserve", None), ("os-begin_detaching", None),
    ("os-roll_detaching", None), ("os-detach", {}),
    ("os-attach", {"instance_uuid": SERVER, "mountpoint": "/dev/vdb"}),
    ("os-initialize_connection", {"connector": CONNECTOR}),
    ("os-terminate_connection", {"connector": CONNECTOR})])
def test_strangers_and_readers(act, action, body):
    assert act(action, body, who="bob").status_code == 404
    assert act(action, body, who="rita").status_code == 403
    assert act(action, body, who="nova", of=new_id()).status_code == 404
