"""Paused, suspended, rescued: what a server may be besides on and off."""

import pytest


def act(call, server, body, **more):
    return call("POST", f"/v2.1/servers/{server}/action", body, **more)


def status(call, server):
    return call("GET", f"/v2.1/servers/{server}").json["server"]["status"]


@pytest.mark.parametrize(("there", "word", "back"), [
    ("pause", "PAUSED", "unpause"), ("suspend", "SUSPENDED", "resume"),
])
def test_there_and_back(world, call, server, there, word, back):
    assert act(call, server, {back: None}).status_code == 409
    assert act(call, server, {there: None}, who="bob").status_code == 404
    assert act(call, server, {there: None}, who="rita").status_code == 403
    assert act(call, server, {there: None}).status_code == 202
    world.settle()
    assert status(call, server) == word
    assert act(call, server, {there: None}).status_code == 409
    assert act(call, server, {back: None}).status_code == 202
    world.settle()
    assert status(call, server) == "ACTIVE"


@pytest.mark.parametrize("asleep", ["pause", "suspend"])
def test_what_sleeps_is_deleted(world, call, server, asleep):
    act(call, server, {asleep: None})
    world.settle()
    assert call("DELETE", f"/v2.1/servers/{server}").status_code == 204
    world.settle()
    assert call("GET", f"/v2.1/servers/{server}").status_code == 404
    assert world.drivers["one"].domains == {}


def test_rescued_from_its_own_image_and_back(world, call, server):
    answer = act(call, server, {"rescue": {"adminPass": "Secret-1"}})
    assert (answer.status_code, answer.json) == (200, {"adminPass": "Secret-1"})
    world.settle()
    assert status(call, server) == "RESCUE"
    image = call("GET", f"/v2.1/servers/{server}").json["server"]["image"]["id"]
    assert world.drivers["one"].rescued == {server: image}
    for refused in ({"rescue": None}, {"pause": None}, {"reboot": {"type": "HARD"}}):
        assert act(call, server, refused).status_code == 409, refused
    assert call("POST", f"/v2.1/servers/{server}/os-volume_attachments", {
        "volumeAttachment": {"volumeId": world.cloud.cinder.volume()}}).status_code == 409
    assert act(call, server, {"unrescue": None}).status_code == 202
    world.settle()
    assert (status(call, server), world.drivers["one"].rescued) == ("ACTIVE", {})
    assert act(call, server, {"unrescue": None}).status_code == 409


def test_rescued_from_another_image_with_a_password_made_up(world, call, server):
    other = world.cloud.image(name="other")
    answer = act(call, server, {"rescue": {"rescue_image_ref": other}})
    assert len(answer.json["adminPass"]) == 12
    world.settle()
    assert world.drivers["one"].rescued == {server: other}


@pytest.mark.parametrize(("body", "says"), [
    ({"rescue_image_ref": "x"}, "rescue_image_ref"),
    ({"rescue_image_ref": "f" * 32}, "could not be found"),
    ({"more": 1}, "more"), ({"adminPass": 1}, "adminPass"),
])
def test_a_rescue_that_cannot_be_is_named(world, call, server, body, says):
    refused = act(call, server, {"rescue": body})
    assert refused.status_code == 400
    assert says in refused.json["badRequest"]["message"]
    assert status(call, server) == "ACTIVE"


def test_a_server_on_a_volume_is_rescued_from_an_image_that_says_how(world, call, create):
    made = create(imageRef="", block_device_mapping_v2=[{
        "source_type": "volume", "destination_type": "volume", "boot_index": 0,
        "uuid": world.cloud.cinder.volume(bootable="true")}])
    assert made.status_code == 202, made.json
    server = made.json["server"]["id"]
    world.settle()
    stable = world.cloud.image(hw_rescue_device="disk")
    for version, image, says in (
            ("2.86", stable, "volume-backed"), ("2.96", world.cloud.image(), "hw_rescue_device"),
            ("2.96", None, "rescue_image_ref")):
        refused = act(call, server, {"rescue": {"rescue_image_ref": image} if image else None},
                      version=version)
        assert refused.status_code == 400
        assert says in refused.json["badRequest"]["message"]
    assert act(call, server, {"rescue": {"rescue_image_ref": stable}}).status_code == 200
    world.settle()
    assert status(call, server) == "RESCUE"
