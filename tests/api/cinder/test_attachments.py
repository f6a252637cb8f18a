"""Attachments: who gets a volume, how it is reached, and what stays of either."""

import pytest

from cairn.cinder.core import attachments, connections, interrupted, keys
from cairn.cinder.db.models import Attachment, Message, QosSpecs, Volume, VolumeType
from cairn.cinder.drivers.base import BackendFailed
from cairn.cinder.errors import InvalidVolume
from cairn.common.context import Context
from cairn.common.db import new_id
from cairn.common.errors import Unavailable

SERVER, OTHER = "5d0dbbee-cd5a-4a0f-a1e4-2b2b65a6a0a1", "6d0dbbee-cd5a-4a0f-a1e4-2b2b65a6a0a2"
NOVA = Context("nova", project_id="service", roles=frozenset({"admin", "service"}))
CONNECTOR = {"host": "node1", "ip": "10.0.0.5", "initiator": "iqn.x", "multipath": False}


class Killed(BaseException):
    """The process is no more: nothing of it runs, not even a handler of errors."""


@pytest.fixture
def reserve(call):
    """reserve(volume, server=..., who=..., **more) -> the response."""

    def reserve(volume, server=SERVER, who="nova", version="3.71", **more):
        return call("POST", "/attachments", {"attachment": {
            "volume_uuid": volume, "instance_uuid": server, **more}}, who=who, version=version)

    return reserve


@pytest.fixture
def connect(call):
    def connect(attachment, who="nova", **more):
        return call("PUT", f"/attachments/{attachment}",
                    {"attachment": {"connector": CONNECTOR | more}}, who=who)

    return connect


@pytest.fixture
def complete(call):
    def complete(attachment, who="nova"):
        return call("POST", f"/attachments/{attachment}/action", {"os-complete": None}, who=who)

    return complete


@pytest.fixture
def attached(reserve, connect, complete):
    """attached(volume, server) -> the id of an attachment that a guest has."""

    def attached(volume, server=SERVER):
        id_ = reserve(volume, server).json["attachment"]["id"]
        assert connect(id_).status_code == 200
        assert complete(id_).status_code == 204
        return id_

    return attached


@pytest.fixture
def status(call):
    return lambda volume: call("GET", f"/volumes/{volume}").json["volume"]["status"]


def exports(world, host="store"):
    return world.driver(host).exports()


def test_a_volume_is_reserved_connected_used_and_free_again(
    world, call, volume, reserve, connect, complete, status
):
    made = reserve(volume)
    assert made.status_code == 200, made.json
    shown = made.json["attachment"]
    assert shown == {"id": shown["id"], "status": "reserved", "instance": SERVER,
                     "volume_id": volume, "attached_at": None, "detached_at": None,
                     "attach_mode": "rw", "connection_info": {}}
    assert status(volume) == "reserved" and not exports(world)
    updated = connect(shown["id"], mountpoint="/dev/vdb")
    assert updated.status_code == 200, updated.json
    info = updated.json["attachment"]["connection_info"]
    assert info.pop("device_path").endswith(volume)
    assert info == {
        "driver_volume_type": "fake", "discard": True, "access_mode": "rw", "volume_id": volume,
        "attachment_id": shown["id"], "qos_specs": None, "encrypted": False, "multiattach": False}
    assert status(volume) == "attaching" and exports(world) == {(volume, shown["id"])}
    assert complete(shown["id"]).status_code == 204
    assert status(volume) == "in-use"
    [seen] = call("GET", f"/volumes/{volume}").json["volume"]["attachments"]
    assert seen["server_id"] == SERVER and seen["device"] == "/dev/vdb"
    assert seen["attachment_id"] == shown["id"] and seen["host_name"] is None
    gone = call("DELETE", f"/attachments/{shown['id']}", who="nova")
    assert gone.status_code == 200 and gone.json == {"attachments": []}
    assert status(volume) == "available" and not exports(world)
    assert world.row(Volume, volume).attach_status == "detached"
    assert call("DELETE", f"/attachments/{shown['id']}", who="nova").status_code == 404


def test_a_connector_at_once_exports_at_once(world, volume, reserve, status):
    made = reserve(volume, connector=CONNECTOR, mode="ro")
    assert made.status_code == 200
    assert made.json["attachment"]["status"] == "attaching"
    assert made.json["attachment"]["connection_info"]["access_mode"] == "ro"
    assert status(volume) == "attaching" and len(exports(world)) == 1


def test_a_mode_is_since_3_54(volume, reserve):
    refused = reserve(volume, version="3.53", mode="ro")
    assert refused.status_code == 400 and "mode" in refused.json["badRequest"]["message"]
    assert reserve(volume, version="3.26").status_code == 404


def test_a_volume_is_one_servers(volume, reserve, attached, status):
    attached(volume)
    refused = reserve(volume, OTHER)
    assert refused.status_code == 400
    assert "status must be available" in refused.json["badRequest"]["message"]
    # A server that moves has it twice for a while.
    assert reserve(volume, SERVER).status_code == 200
    assert status(volume) == "in-use"


def test_of_two_at_once_one_gets_it(world, volume, monkeypatch):
    """Both have seen that it is available: the database decides."""
    seen = world.row(Volume, volume)
    assert seen.status == "available"
    connections.create(world.cinder, NOVA, volume, SERVER)
    monkeypatch.setattr(attachments, "hold", lambda session, id_: seen)
    with pytest.raises(InvalidVolume):
        connections.create(world.cinder, NOVA, volume, OTHER)
    with world.db.reading() as session:
        assert session.query(Attachment).count() == 1


def test_several_servers_share_one_that_is_for_several(
    world, call, volume, attached, status
):
    world.set(volume, multiattach=True)
    one, two = attached(volume), attached(volume, OTHER)
    assert status(volume) == "in-use" and len(exports(world)) == 2
    left = call("DELETE", f"/attachments/{one}", who="nova").json["attachments"]
    assert [each["id"] for each in left] == [two]
    assert status(volume) == "in-use"
    call("DELETE", f"/attachments/{two}", who="nova")
    assert status(volume) == "available"


def test_a_reservation_beside_a_user_is_given_back(world, call, volume, reserve, attached, status):
    world.set(volume, multiattach=True)
    attached(volume)
    more = reserve(volume, OTHER).json["attachment"]["id"]
    assert status(volume) == "reserved"
    assert call("DELETE", f"/attachments/{more}", who="nova").status_code == 200
    assert status(volume) == "in-use"


def test_a_readonly_volume_is_only_read(world, volume, reserve, connect):
    world.set(volume, readonly=True)
    made = reserve(volume, mode="rw").json["attachment"]
    assert made["attach_mode"] == "ro"
    assert connect(made["id"]).json["attachment"]["connection_info"]["access_mode"] == "ro"


def test_a_connection_says_what_the_type_promises(world, volume, reserve, connect):
    for consumer, told in (("front-end", {"total_iops_sec": "9"}), ("back-end", None),
                           ("both", {"total_iops_sec": "9"})):
        with world.db.writing() as session:
            qos = QosSpecs(id=new_id(), name=consumer, consumer=consumer,
                           specs={"total_iops_sec": "9"})
            session.add(qos)
            type_ = VolumeType(id=new_id(), name=consumer, qos_specs_id=qos.id)
            session.add(type_)
        world.set(volume, type_id=type_.id, status="available")
        id_ = reserve(volume).json["attachment"]["id"]
        info = connect(id_).json["attachment"]["connection_info"]
        assert info["qos_specs"] == told, consumer


def test_a_host_that_is_down_is_said_and_nothing_is_stuck(
    world, call, volume, reserve, connect, status
):
    id_ = reserve(volume).json["attachment"]["id"]
    world.down("store")
    refused = connect(id_)
    assert refused.status_code == 503 and "serviceUnavailable" in refused.json
    assert world.row(Attachment, id_).status == "reserved" and status(volume) == "reserved"
    with world.db.reading() as session:
        assert session.query(Message).one().event_id == "VOLUME_VOLUME_002_002"
    assert call("DELETE", f"/attachments/{id_}", who="nova").status_code == 200
    assert status(volume) == "available"
    assert reserve(volume, connector=CONNECTOR).status_code == 503
    assert status(volume) == "available"
    with world.db.reading() as session:
        assert session.query(Attachment).count() == 0


def test_what_is_used_stays_so_while_its_host_is_down(world, call, volume, attached, status):
    id_ = attached(volume)
    world.down("store")
    assert call("DELETE", f"/attachments/{id_}", who="nova").status_code == 503
    assert world.row(Attachment, id_).status == "attached" and status(volume) == "in-use"
    world.add_host("store")
    assert call("DELETE", f"/attachments/{id_}", who="nova").status_code == 200
    assert status(volume) == "available" and not exports(world)


def test_what_a_dead_request_was_deleting_stays_when_the_next_fails(
    world, call, volume, attached, status
):
    """Who is told that it failed may rely on it: nobody ends the attachment later."""
    id_ = attached(volume)
    world.set(id_, Attachment, status="detaching")
    world.down("store")
    assert call("DELETE", f"/attachments/{id_}", who="nova").status_code == 503
    assert world.row(Attachment, id_).status == "attached"
    world.add_host("store")
    assert interrupted.settle(world.cinder, seconds=-1) == 0
    assert status(volume) == "in-use" and exports(world)


def test_a_backend_that_fails_tells_admins_alone_why(world, call, volume, reserve, connect):
    id_ = reserve(volume).json["attachment"]["id"]

    def fail(moment, name):
        if moment == "export":
            raise BackendFailed(reason="/secret/place")

    world.driver().hook = fail
    refused = connect(id_)
    assert refused.status_code == 503 and "/secret" not in refused.text
    world.driver().hook = lambda *words: None
    assert connect(id_).status_code == 200


def test_a_deletion_overtakes_an_export(world, call, volume, reserve, connect, status):
    """Whoever deletes while the host still exports leaves no export."""
    id_ = reserve(volume).json["attachment"]["id"]
    deleted = []

    def overtake(moment, name):
        if moment == "export done" and not deleted:
            deleted.append(call("DELETE", f"/attachments/{id_}", who="nova").status_code)

    world.driver().hook = overtake
    assert connect(id_).status_code == 404
    assert deleted == [200] and not exports(world) and status(volume) == "available"


def test_the_sweep_takes_what_is_nobodys_and_no_export_in_the_making(
    world, volume, reserve, connect, attached
):
    used = attached(volume)
    with world.db.writing() as session:
        session.delete(session.query(Attachment).one())
    assert exports(world) == {(volume, used)}
    assert world.reporters["store"].sweep_exports() == 1 and not exports(world)
    world.set(volume, status="available")
    id_, swept = reserve(volume).json["attachment"]["id"], []

    def sweep(moment, name):
        if moment == "export done":
            swept.append(world.reporters["store"].sweep_exports())

    world.driver().hook = sweep
    assert connect(id_).status_code == 200
    assert swept == [0] and exports(world) == {(volume, id_)}


def test_a_servers_disk_is_detached_by_compute(world, call, volume, attached, status):
    id_ = attached(volume)
    world.cloud.compute.used[SERVER, volume] = id_
    for who in ("alice", "admin"):
        refused = call("DELETE", f"/attachments/{id_}", who=who)
        assert refused.status_code == 409
        assert "using the Compute API" in refused.json["conflictingRequest"]["message"]
        refused = call("POST", f"/volumes/{volume}/action", {"os-detach": {}}, who=who)
        assert refused.status_code == 409
        refused = call("POST", f"/volumes/{volume}/action",
                       {"os-terminate_connection": {"connector": CONNECTOR}}, who=who)
        assert refused.status_code == 409
    assert status(volume) == "in-use" and exports(world)
    world.cloud.compute.used[SERVER, volume] = new_id()  # It has it under another by now.
    assert call("DELETE", f"/attachments/{id_}").status_code == 200


def test_compute_that_does_not_answer_is_no_permission(world, call, volume, attached):
    id_ = attached(volume)

    def silent(*words):
        raise Unavailable(reason="compute does not answer")

    world.cloud.compute.attachment = silent
    assert call("DELETE", f"/attachments/{id_}").status_code == 503
    assert call("DELETE", f"/attachments/{id_}", who="nova").status_code == 200


def test_how_a_servers_disk_is_opened_is_not_its_owners_to_know(call, volume, attached):
    id_ = attached(volume)
    for who, told in (("alice", False), ("rita", False), ("nova", True), ("admin", True)):
        shown = call("GET", f"/attachments/{id_}", who=who).json["attachment"]
        assert bool(shown["connection_info"]) is told, who


def test_lists(world, call, create, volume, reserve):
    id_ = reserve(volume).json["attachment"]["id"]
    assert call("GET", "/attachments").json["attachments"] == [
        {"id": id_, "status": "reserved", "instance": SERVER, "volume_id": volume}]
    assert call("GET", "/attachments/detail").json["attachments"][0]["attach_mode"] == "rw"
    for query, count in (
        (f"volume_id={volume}", 1), (f"volume_id={new_id()}", 0), (f"instance_id={SERVER}", 1),
        ("status=reserved", 1), ("attach_status=attached", 0), ("limit=0", 0), ("offset=1", 0),
    ):
        listed = call("GET", f"/attachments?{query}")
        assert len(listed.json["attachments"]) == count, query
    assert call("GET", "/attachments", who="bob").json == {"attachments": []}
    assert call("GET", "/attachments", who="nova").json == {"attachments": []}
    assert len(call("GET", f"/attachments?all_tenants=1&instance_id={SERVER}&volume_id={volume}",
                    who="nova").json["attachments"]) == 1
    assert call("GET", "/attachments?color=red").status_code == 400
    assert call("GET", f"/attachments?marker={new_id()}").status_code == 404
    assert call("GET", "/attachments?sort=color:asc").status_code == 400


def test_wrong_requests(world, call, create, volume, reserve, connect, complete):
    for body, field in (
        ({}, "attachment"), ({"attachment": {}}, "volume_uuid"),
        ({"attachment": {"volume_uuid": "x"}}, "volume_uuid"),
        ({"attachment": {"volume_uuid": volume, "instance_uuid": 7}}, "instance_uuid"),
        ({"attachment": {"volume_uuid": volume, "mode": "x"}}, "mode"),
        ({"attachment": {"volume_uuid": volume, "connector": []}}, "connector"),
        ({"attachment": {"volume_uuid": volume, "color": "red"}}, "color"),
    ):
        refused = call("POST", "/attachments", body)
        assert refused.status_code == 400, body
        assert field in refused.json["badRequest"]["message"], body
    assert reserve(new_id()).status_code == 404
    assert connect(new_id()).status_code == 404
    assert complete(new_id()).status_code == 404
    id_ = reserve(volume).json["attachment"]["id"]
    assert complete(id_).status_code == 400  # It has not been connected.
    for connector in ({}, {"host": 7}, {"host": "x" * 300}, {"mode": "x"}, "x", None):
        refused = call("PUT", f"/attachments/{id_}", {"attachment": {"connector": connector}})
        assert refused.status_code == 400, connector
        assert "connector" in refused.json["badRequest"]["message"]
    world.set(volume, status="error")
    assert connect(id_).status_code == 400
    world.set(volume, status="deleting")
    assert reserve(volume).status_code == 400


def test_strangers_and_readers(call, volume, reserve, connect, complete, attached):
    assert reserve(volume, who="bob").status_code == 404
    assert reserve(volume, who="rita").status_code == 403
    id_ = reserve(volume, who="alice").json["attachment"]["id"]
    assert call("GET", f"/attachments/{id_}", who="rita").status_code == 200
    for who, code in (("bob", 404), ("rita", 403)):
        assert connect(id_, who=who).status_code == code
        assert complete(id_, who=who).status_code == code
        assert call("DELETE", f"/attachments/{id_}", who=who).status_code == code
    assert call("GET", f"/attachments/{id_}", who="bob").status_code == 404


def test_what_is_being_done_to_a_volume_goes_on(world, call, volume, attached):
    """A backup of a volume in use ends: nobody has the volume any more."""
    id_ = attached(volume)
    world.set(volume, status="backing-up", previous_status="in-use")
    assert call("DELETE", f"/attachments/{id_}", who="nova").status_code == 200
    row = world.row(Volume, volume)
    assert (row.status, row.previous_status) == ("backing-up", "available")


def test_passphrases_are_services(world, call, volume):
    path = f"/volumes/{volume}/encryption/passphrase"
    assert call("GET", path, who="nova").status_code == 404
    with world.db.writing() as session:
        key = keys.keep(session, world.cinder, None)
    world.set(volume, encryption_key_id=key)
    assert len(call("GET", path, who="nova").json["passphrase"]) == 64
    for who in ("alice", "rita", "bob", "admin"):
        assert call("GET", path, who=who).status_code == 403, who
    assert call("GET", f"/volumes/{new_id()}/encryption/passphrase",
                who="nova").status_code == 404


def die(world, moment):
    """The process of a request ends when the storage host comes to that; whoever asks after it is
    not disturbed."""

    def kill(now, name):
        if now == moment:
            world.driver().hook = lambda *words: None
            raise Killed

    world.driver().hook = kill


@pytest.mark.parametrize("method", ["export", "unexport"])
def test_an_answer_that_was_lost_is_asked_for_again(
    world, call, volume, reserve, connect, status, monkeypatch, method
):
    """The broker died, or who was asked, when it was done."""
    id_ = reserve(volume).json["attachment"]["id"]
    if method == "unexport":
        assert connect(id_).status_code == 200
    manager = world.managers["store"]
    do, lost = getattr(manager, method), []

    def lose_once(*args, **kwargs):
        answer = do(*args, **kwargs)
        if not lost:
            lost.append(method)
            raise Unavailable(reason="No answer from cinder.volume of store in time.")
        return answer

    monkeypatch.setattr(manager, method, lose_once)
    if method == "export":
        assert connect(id_).status_code == 200
        assert exports(world) == {(volume, id_)}
    else:
        assert call("DELETE", f"/attachments/{id_}", who="nova").status_code == 200
        assert status(volume) == "available" and not exports(world)
    assert lost


@pytest.mark.parametrize("moment", ["unexport", "unexport done"])
def test_what_a_dead_request_began_to_detach_is_detached(
    world, call, volume, attached, status, moment
):
    id_ = attached(volume)
    die(world, moment)
    with pytest.raises(Killed):
        call("DELETE", f"/attachments/{id_}", who="nova")
    assert world.row(Attachment, id_).status == "detaching"
    assert interrupted.settle(world.cinder, 60.0) == 0  # It may go on still.
    assert interrupted.settle(world.cinder, -1.0) == 1
    assert status(volume) == "available" and not exports(world)


def test_it_waits_for_a_host_that_is_away(world, call, volume, attached, status):
    id_ = attached(volume)
    die(world, "unexport")
    with pytest.raises(Killed):
        call("DELETE", f"/attachments/{id_}", who="nova")
    managers, away = world.managers, {}
    world.managers = away
    assert interrupted.settle(world.cinder, -1.0) == 0
    assert world.row(Attachment, id_).status == "detaching"
    world.managers = managers
    assert interrupted.settle(world.cinder, -1.0) == 1 and status(volume) == "available"


@pytest.mark.parametrize("moment", ["export", "export done"])
def test_what_a_dead_request_began_to_connect_is_reserved_again(
    world, call, volume, reserve, connect, complete, status, moment
):
    id_ = reserve(volume).json["attachment"]["id"]
    die(world, moment)
    with pytest.raises(Killed):
        connect(id_)
    assert status(volume) == "attaching"
    assert interrupted.settle(world.cinder, 60.0) == 0
    assert interrupted.settle(world.cinder, -1.0) == 1
    assert status(volume) == "reserved" and world.row(Attachment, id_).status == "reserved"
    [told] = call("GET", "/messages").json["messages"]
    assert told["resource_uuid"] == volume and id_ in told["user_message"]
    # Either may follow.
    if moment == "export":
        assert connect(id_).status_code == 200 and complete(id_).status_code == 204
        assert status(volume) == "in-use"
    assert call("DELETE", f"/attachments/{id_}", who="nova").status_code == 200
    assert status(volume) == "available" and not exports(world)


def test_a_slow_request_that_was_thought_dead_connects(
    world, volume, reserve, connect, complete, status
):
    id_ = reserve(volume).json["attachment"]["id"]

    def wait(moment, name):
        if moment == "export done":
            assert interrupted.settle(world.cinder, -1.0) == 1

    world.driver().hook = wait
    assert connect(id_).status_code == 200 and status(volume) == "attaching"
    assert complete(id_).status_code == 204 and status(volume) == "in-use"
    assert interrupted.settle(world.cinder, -1.0) == 0
