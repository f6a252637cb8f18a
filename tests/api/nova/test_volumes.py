"""Volumes of servers, as clients and Cinder see them."""

import json
import uuid

import pytest

from cairn.nova.core import volumes as core

NONE = str(uuid.uuid4())


@pytest.fixture
def cinder(world):
    return world.cloud.cinder


@pytest.fixture
def attachments(call, server):
    """attachments(method, volume id or "", body, ...) -> the response."""

    def ask(method, volume="", body=None, **more):
        path = f"/v2.1/servers/{server}/os-volume_attachments" + (f"/{volume}" if volume else "")
        return call(method, path, body and {"volumeAttachment": body}, **more)

    return ask


@pytest.fixture
def attached(world, cinder, attachments):
    """The id of a volume that alice's server has."""
    volume = cinder.volume()
    assert attachments("POST", "", {"volumeId": volume}).status_code == 200
    world.settle()
    return volume


def test_since_2101_a_volume_is_on_its_way(world, cinder, attachments):
    volume = cinder.volume()
    asked = attachments("POST", "", {"volumeId": volume}, version="2.101")
    assert (asked.status_code, asked.data) == (202, b"")
    shown = attachments("GET", volume, version="2.101").json["volumeAttachment"]
    assert shown["device"] == "/dev/vdb"
    world.settle()
    assert cinder.volumes[volume]["status"] == "in-use"


def test_a_volume_comes_and_goes(world, call, cinder, attachments, server):
    volume = cinder.volume()
    made = attachments("POST", "", {"volumeId": volume, "tag": "data"}).json["volumeAttachment"]
    [attachment] = cinder.attachments
    assert made == {"serverId": server, "volumeId": volume, "device": "/dev/vdb", "tag": "data",
                    "delete_on_termination": False, "id": volume}
    shown = attachments("GET", volume).json["volumeAttachment"]
    assert (shown["attachment_id"], bool(shown["bdm_uuid"])) == (attachment, True)
    assert cinder.volumes[volume]["status"] == "reserved"
    world.settle()
    assert cinder.volumes[volume]["status"] == "in-use"
    assert world.drivers["one"].volumes[server] == {"/dev/vdb": (volume, None)}
    assert attachments("GET", volume).json["volumeAttachment"]["volumeId"] == volume
    assert len(attachments("GET").json["volumeAttachments"]) == 1
    shown = call("GET", f"/v2.1/servers/{server}").json["server"]
    expected = [{"id": volume, "delete_on_termination": False}]
    assert shown["os-extended-volumes:volumes_attached"] == expected
    listed = call("GET", "/v2.1/servers/detail", version="2.1").json["servers"]
    assert listed[0]["os-extended-volumes:volumes_attached"] == [{"id": volume}]
    assert attachments("DELETE", volume).status_code == 202
    world.settle()
    assert (cinder.volumes[volume]["status"], cinder.attachments) == ("available", {})
    assert attachments("GET", volume).status_code == 404
    assert world.drivers["one"].volumes[server] == {}


@pytest.mark.parametrize(("version", "keys"), [
    ("2.1", {"id"}), ("2.70", {"id", "tag"}), ("2.79", {"id", "tag", "delete_on_termination"}),
    ("2.89", {"tag", "delete_on_termination", "attachment_id", "bdm_uuid"}),
])
def test_what_is_shown_of_one(attachments, attached, version, keys):
    shown = attachments("GET", attached, version=version).json["volumeAttachment"]
    assert set(shown) == {"serverId", "volumeId", "device"} | keys
    [listed] = attachments("GET", version=version).json["volumeAttachments"]
    assert listed == shown


@pytest.mark.parametrize(("body", "version", "code"), [
    ({"tag": "x"}, "2.48", 400), ({"delete_on_termination": True}, "2.78", 400),
    ({"device": "vdb"}, "2.96", 400), ({"device": "/dev/vda"}, "2.96", 409),
    ({"device": "/dev/vdq", "tag": "x", "delete_on_termination": True}, "2.96", 200),
    ({"bogus": 1}, "2.96", 400), ({"volumeId": "x"}, "2.96", 400),
    ({"volumeId": NONE}, "2.96", 404), ({"device": None}, "2.1", 200),
])
def test_what_is_asked_of_one(world, attachments, cinder, body, version, code):
    answer = attachments("POST", "", {"volumeId": cinder.volume()} | body, version=version)
    assert answer.status_code == code, answer.json
    if code != 200:
        assert cinder.attachments == {}


def test_it_must_be_available(world, attachments, cinder, attached):
    for properties in ({"status": "creating"}, {"status": "in-use"}, {"status": "error"}):
        refused = attachments("POST", "", {"volumeId": cinder.volume(**properties)})
        assert refused.status_code == 400
        assert "status must be available" in refused.json["badRequest"]["message"]
    assert attachments("POST", "", {"volumeId": attached}).status_code == 400


def test_of_two_at_once_cinder_takes_one(world, attachments, cinder, monkeypatch):
    volume = cinder.volume()
    # The other was quicker, after we looked.
    show = core.show

    def slow(nova, ctx, volume_id):
        shown = dict(show(nova, ctx, volume_id))
        cinder.volumes[volume]["status"] = "reserved"
        return shown

    monkeypatch.setattr(core, "show", slow)
    assert attachments("POST", "", {"volumeId": volume}).status_code == 400
    assert attachments("GET").json == {"volumeAttachments": []}
    assert cinder.attachments == {}


def test_a_volume_for_many(world, call, create, server, cinder, attachments):
    volume = cinder.volume(multiattach=True)
    assert attachments("POST", "", {"volumeId": volume}, version="2.59").status_code == 400
    assert attachments("POST", "", {"volumeId": volume}, version="2.60").status_code == 200
    world.settle()
    other = create("other").json["server"]["id"]
    world.settle()
    path = f"/v2.1/servers/{other}/os-volume_attachments"
    body = {"volumeAttachment": {"volumeId": volume}}
    assert call("POST", path, body).status_code == 200
    world.settle()
    assert len(cinder.attachments) == 2
    assert attachments("POST", "", {"volumeId": volume}).status_code == 400  # It has it.
    attachments("DELETE", volume)
    world.settle()
    assert cinder.volumes[volume]["status"] == "in-use"


def test_zones(world, call, server, cinder, attachments):
    from dataclasses import replace

    world.nova.__dict__["api"] = replace(world.nova.api, cross_az_attach=False)
    refused = attachments("POST", "", {"volumeId": cinder.volume(availability_zone="far")})
    assert refused.status_code == 400
    assert "availability_zone" in refused.json["badRequest"]["message"]
    assert attachments("POST", "", {"volumeId": cinder.volume()}).status_code == 200


def test_too_many(world, attachments, cinder):
    from dataclasses import replace

    world.nova.__dict__["api"] = replace(world.nova.api, max_disk_devices=2)
    assert attachments("POST", "", {"volumeId": cinder.volume()}).status_code == 200
    refused = attachments("POST", "", {"volumeId": cinder.volume()})
    assert refused.status_code == 403
    assert "(2)" in refused.json["forbidden"]["message"]
    assert len(cinder.attachments) == 1


def test_each_has_a_name_of_its_own(world, attachments, cinder):
    names = [attachments("POST", "", {"volumeId": cinder.volume(), **more}).json[
        "volumeAttachment"]["device"] for more in ({}, {"device": "/dev/vdc"}, {}, {})]
    assert names == ["/dev/vdb", "/dev/vdc", "/dev/vdd", "/dev/vde"]


def test_states_and_strangers(world, call, cinder, attachments, attached, server):
    other = cinder.volume()
    for who, code in (("bob", 404), ("rita", 403)):
        assert attachments("POST", "", {"volumeId": other}, who=who).status_code == code
        assert attachments("DELETE", attached, who=who).status_code == code
    assert attachments("GET", attached, who="bob").status_code == 404
    assert attachments("DELETE", other).status_code == 404
    world.set(server, task_state="rebuilding")
    assert attachments("POST", "", {"volumeId": other}).status_code == 409
    assert attachments("DELETE", attached).status_code == 409
    world.set(server, task_state=None, locked_by="admin")
    assert attachments("POST", "", {"volumeId": other}).status_code == 409
    assert attachments("DELETE", attached).status_code == 409
    assert [a["volume_id"] for a in cinder.attachments.values()] == [attached]


def test_it_is_detached_once(world, attachments, cinder, attached):
    assert attachments("DELETE", attached).status_code == 202
    assert attachments("DELETE", attached).status_code == 400
    other = cinder.volume()
    attachments("POST", "", {"volumeId": other})
    assert attachments("DELETE", other).status_code == 400  # It is attaching.


def test_what_goes_with_the_server(world, call, attachments, cinder, server):
    goes, stays = cinder.volume(), cinder.volume()
    attachments("POST", "", {"volumeId": goes, "delete_on_termination": True})
    attachments("POST", "", {"volumeId": stays, "delete_on_termination": "true"})
    world.settle()
    body = {"volumeId": stays, "delete_on_termination": False}
    assert attachments("PUT", stays, body, version="2.84").status_code == 403
    for wrong in ({"device": "/dev/vdz"}, {"tag": "x"}, {"serverId": NONE}, {"id": NONE}):
        assert attachments("PUT", stays, body | wrong).status_code == 400
    assert attachments("PUT", stays, body | {"serverId": server, "id": stays}).status_code == 202
    call("DELETE", f"/v2.1/servers/{server}")
    world.settle()
    assert list(cinder.volumes) == [stays]
    assert (cinder.volumes[stays]["status"], cinder.attachments) == ("available", {})


def test_an_admin_swaps_volumes(world, attachments, cinder, attached, server):
    new = cinder.volume(size=2)
    for version in ("2.84", "2.85"):
        swap = {"volumeId": new}
        assert attachments("PUT", attached, swap, version=version).status_code == 403
    for wrong in ({"volumeId": NONE}, {"volumeId": cinder.volume(status="in-use")},
                  {"volumeId": cinder.volume(size=0)}):
        assert attachments("PUT", attached, wrong, who="admin").status_code == 400
    assert attachments("PUT", NONE, {"volumeId": new}, who="admin").status_code == 404
    assert attachments("PUT", attached, {"volumeId": new}, who="admin").status_code == 202
    assert [v["volumeId"] for v in attachments("GET").json["volumeAttachments"]] == [attached]
    world.settle()
    assert cinder.volumes[attached]["status"] == "available"
    assert [v["volumeId"] for v in attachments("GET").json["volumeAttachments"]] == [new]
    assert world.drivers["one"].volumes[server] == {"/dev/vdb": (new, None)}


def test_secrets_reach_the_host_alone(world, call, cinder, attachments, server, caplog):
    volume = cinder.volume(encrypted=True)
    attachments("POST", "", {"volumeId": volume})
    world.settle()
    assert world.drivers["one"].volumes[server]["/dev/vdb"] == (volume, f"opens {volume}")
    paths = (f"/v2.1/servers/{server}", f"/v2.1/servers/{server}/os-volume_attachments/{volume}",
             f"/v2.1/servers/{server}/os-instance-actions")
    told = json.dumps([call("GET", path, who="admin").json for path in paths])
    with world.db.reading() as session:
        from cairn.nova.db.models import Event, Work, WorkStep
        told += str([row.payload for row in session.query(Event)])
        told += str([row.args for row in session.query(Work)])
        told += str([row.result for row in session.query(WorkStep)])
    for secret in ("a-chap-secret", f"opens {volume}"):
        assert secret not in told + caplog.text
    # Another host is told nothing, not even with a work of that server to do.
    from cairn.common.context import Context
    from cairn.common.errors import NotFound
    with pytest.raises(NotFound):
        world.conductor.passphrases(Context(host="two"), server)


# --- What Cinder tells, and asks ---


def tell(call, server, name, tag=None, who="neutron", version="2.96"):
    event = {"name": name, "server_uuid": server, **({"tag": tag} if tag else {})}
    return call("POST", "/v2.1/os-server-external-events", {"events": [event]}, who=who,
                version=version)


def test_a_volume_that_grows(world, call, cinder, server, attached):
    cinder.volumes[attached]["size"] = 3
    assert tell(call, server, "volume-extended", attached).status_code == 200
    world.settle()
    actions = call("GET", f"/v2.1/servers/{server}/os-instance-actions").json["instanceActions"]
    assert actions[0]["action"] == "extend_volume"
    path = f"/v2.1/servers/{server}/os-instance-actions/{actions[0]['request_id']}"
    [event] = call("GET", path, who="admin").json["instanceAction"]["events"]
    assert (event["event"], event["result"]) == ("compute_extend_volume", "Success")
    assert world.drivers["one"].sizes == {attached: 3 << 30}
    assert tell(call, server, "volume-extended", NONE).status_code == 200
    assert len(world.drivers["one"].sizes) == 1


@pytest.mark.parametrize(("name", "before", "since"), [
    ("volume-extended", "2.50", "2.51"), ("volume-reimaged", "2.92", "2.93")])
def test_since_when_it_may_tell(call, server, attached, name, before, since):
    assert tell(call, server, name, attached, version=before).status_code == 400
    assert tell(call, server, name, attached, version=since).status_code == 200
    assert tell(call, server, name, attached, who="alice").status_code == 403


def test_hypervisors_do_not_assist_in_snapshots(call, cinder, attached):
    def ask(volume, who="admin", **more):
        info = {"snapshot_id": NONE, "type": "qcow2", "new_file": "f", **more}
        return call("POST", "/v2.1/os-assisted-volume-snapshots", {"snapshot": {
            "volume_id": volume, "create_info": info}}, who=who)

    assert ask(attached, who="alice").status_code == 403
    assert ask(attached, type="raw").status_code == 400
    assert "No volume Block Device" in ask(cinder.volume()).json["badRequest"]["message"]
    assert "Invalid volume" in ask(attached).json["badRequest"]["message"]
    path = f"/v2.1/os-assisted-volume-snapshots/{NONE}?delete_info="
    for info in ("x", "{}", "[]", json.dumps({"volume_id": NONE})):
        assert call("DELETE", path + info, who="admin").status_code == 400


def test_uses_are_told_to_services(world, call, attached, server, cinder):
    [attachment] = cinder.attachments
    told = call("GET", "/v2.1/os-volume-uses", who="neutron").json
    assert told == {"hosts": ["one"], "volume_uses": [{
        "server_id": server, "volume_id": attached, "attachment_id": attachment,
        "state": "attached", "host": "one", "gone": False, "busy": False}]}
    guests = call("GET", "/v2.1/os-volume-uses/one/guests", who="neutron").json
    assert guests == {"guests": [{"server_id": server, "volumes": [attached]}]}
    world.down("one")
    assert call("GET", "/v2.1/os-volume-uses/one/guests", who="neutron").status_code == 409


def test_uses_are_busy_while_a_work_is_open(world, call, attached, attachments):
    attachments("DELETE", attached)
    [use] = call("GET", "/v2.1/os-volume-uses", who="neutron").json["volume_uses"]
    assert (use["state"], use["busy"]) == ("detaching", True)
    world.settle()
    assert call("GET", "/v2.1/os-volume-uses", who="neutron").json["volume_uses"] == []
