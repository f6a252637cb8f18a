"""What is changed of a volume at once."""

import pytest

from cairn.cinder.db.models import Volume


@pytest.fixture
def act(call, volume):
    """act(action, body, who=..., version=...) -> the response, of a volume of alice's."""
    return lambda name, body=None, **more: call(
        "POST", f"/volumes/{volume}/action", {name: body}, **more)


def test_names(call, volume):
    answer = call("PUT", f"/volumes/{volume}", {"volume": {
        "name": " new ", "description": "d", "metadata": {"a": "b"}}})
    assert answer.status_code == 200
    shown = call("GET", f"/volumes/{volume}").json["volume"]
    assert (shown["name"], shown["description"], shown["metadata"]) == ("new", "d", {"a": "b"})
    assert call("PUT", f"/volumes/{volume}", {"volume": {"display_name": "old"}}).json[
        "volume"]["name"] == "old"


@pytest.mark.parametrize("kind", ["volumes", "snapshots"])
def test_metadata(world, call, volume, kind):
    id_ = volume
    if kind == "snapshots":
        id_ = call("POST", "/snapshots", {"snapshot": {"volume_id": volume}}).json["snapshot"]["id"]
        world.settle()
    path = f"/{kind}/{id_}/metadata"
    assert call("POST", path, {"metadata": {"a": "1", "b": "2"}}).json == {
        "metadata": {"a": "1", "b": "2"}}
    assert call("POST", path, {"metadata": {"b": "3"}}).json["metadata"] == {"a": "1", "b": "3"}
    assert call("GET", f"{path}/a").json == {"meta": {"a": "1"}}
    assert call("PUT", f"{path}/a", {"meta": {"a": "4"}}).json == {"meta": {"a": "4"}}
    assert call("DELETE", f"{path}/a").status_code == 200
    assert call("GET", path).json == {"metadata": {"b": "3"}}
    assert call("PUT", path, {"metadata": {"c": "d"}}).json == {"metadata": {"c": "d"}}
    for method in ("GET", "DELETE"):
        assert call(method, f"{path}/a").status_code == 404
    assert call("PUT", f"{path}/a", {"meta": {"b": "1"}}).status_code == 400
    assert call("PUT", f"{path}/a", {"meta": {"a": "1", "b": "1"}}).status_code == 400
    for wrong in ({"a": 1}, {"a": "x" * 256}, {"x" * 256: "a"}, {"": "a"}, None, []):
        assert call("POST", path, {"metadata": wrong}).status_code == 400, wrong
    assert call("GET", path, who="bob").status_code == 404
    assert call("POST", path, {"metadata": {}}, who="bob").status_code == 404
    assert call("GET", path, who="rita").status_code == 200
    assert call("POST", path, {"metadata": {}}, who="rita").status_code == 403


def test_flags(call, volume, act):
    assert act("os-set_bootable", {"bootable": "true"}).status_code == 200
    assert act("os-update_readonly_flag", {"readonly": True}).status_code == 202
    shown = call("GET", f"/volumes/{volume}").json["volume"]
    assert shown["bootable"] == "true" and shown["metadata"] == {"readonly": "True"}


def test_readonly_is_shown_once_it_was_said(call, volume, act):
    def shown():
        return call("GET", f"/volumes/{volume}").json["volume"]["metadata"]

    assert shown() == {}
    for readonly in (True, False):
        assert act("os-update_readonly_flag", {"readonly": readonly}).status_code == 202
        assert shown() == {"readonly": str(readonly)}


def test_what_is_used_keeps_its_flag(world, volume, act):
    world.set(volume, status="in-use")
    assert act("os-update_readonly_flag", {"readonly": True}).status_code == 400


def test_metadata_that_another_changed_meanwhile_is_not_written_over(call, volume):
    path = f"/volumes/{volume}/metadata"
    call("PUT", path, {"metadata": {"a": "1", "b": "2"}})
    first = call("GET", path).headers["ETag"]
    assert call("GET", path, version="3.14").headers.get("ETag") is None
    assert call("PUT", f"{path}/a", {"meta": {"a": "3"}}, If_Match=first).status_code == 200
    for method, at, body in (("PUT", path, {"metadata": {}}), ("POST", path, {"metadata": {}}),
                             ("PUT", f"{path}/a", {"meta": {"a": "4"}}),
                             ("DELETE", f"{path}/a", None)):
        refused = call(method, at, body, If_Match=first)
        assert (refused.status_code, "If-Match" in str(refused.json)) == (412, True), method
    assert call("GET", path).json["metadata"] == {"a": "3", "b": "2"}
    # Any of several, in no order of keys; whatever is there; and who is too old to ask.
    second = call("GET", path).headers["ETag"]
    assert call("PUT", path, {"metadata": {"b": "2", "a": "1"}},
                If_Match=f'"x", {second}').status_code == 200
    assert call("GET", path).headers["ETag"] == first
    assert call("DELETE", f"{path}/a", If_Match="*").status_code == 200
    assert call("PUT", path, {"metadata": {}}, version="3.14", If_Match=first).status_code == 200


def test_no_extension_waits_for_a_server(call, volume):
    body = {"os-extend_volume_completion": {"error": False}}
    path = f"/volumes/{volume}/action"
    refused = call("POST", path, body, who="admin")
    assert (refused.status_code, "available" in str(refused.json)) == (400, True)
    assert call("POST", path, body).status_code == 403
    assert call("POST", path, body, who="admin", version="3.70").status_code in (400, 404)
    wrong = call("POST", path, {"os-extend_volume_completion": {"error": "x"}}, who="admin")
    assert wrong.status_code == 400 and "error" in str(wrong.json)
    assert call("POST", "/volumes/none/action", body, who="admin").status_code == 404


def test_image_metadata(call, volume, act):
    assert act("os-set_image_metadata", {"metadata": {"image_id": "5", "a": "b"}}).json == {
        "metadata": {"image_id": "5", "a": "b"}}
    assert act("os-show_image_metadata").json == {"metadata": {"image_id": "5", "a": "b"}}
    assert act("os-unset_image_metadata", {"key": "a"}).status_code == 200
    assert act("os-unset_image_metadata", {"key": "a"}).status_code == 404
    assert call("GET", f"/volumes/{volume}").json["volume"]["volume_image_metadata"] == {
        "image_id": "5"}


def test_status(world, volume, act):
    asked = {"status": "error", "attach_status": "detached", "migration_status": "none"}
    assert act("os-reset_status", asked).status_code == 403
    assert act("os-reset_status", asked, who="admin").status_code == 202
    assert world.row(Volume, volume).status == "error"
    for wrong in ({}, {"status": "well"}, {"state": "error"}, {"attach_status": 1}):
        assert act("os-reset_status", wrong, who="admin").status_code == 400


def test_force_delete(world, volume, act):
    world.set(volume, status="attaching")
    assert act("os-force_delete").status_code == 403
    assert act("os-force_delete", {}, who="admin").status_code == 202
    world.settle()
    assert world.row(Volume, volume) is None


def test_how_it_is_encrypted(world, call, volume):
    assert call("GET", f"/volumes/{volume}/encryption").json == {"encryption_key_id": None}
    assert call("GET", f"/volumes/{volume}/encryption/cipher").status_code == 404
    assert call("GET", f"/volumes/{volume}/encryption/passphrase").status_code == 403
    assert call("GET", f"/volumes/{volume}/encryption/passphrase", who="nova").status_code == 404
    assert call("GET", f"/volumes/{volume}/encryption", who="bob").status_code == 404
