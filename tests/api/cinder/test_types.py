"""Volume types, and what belongs to them."""

import pytest

from cairn.cinder.db.models import VolumeType


@pytest.fixture
def make(call):
    """make(name, **more) -> the id of a new volume type."""

    def make(name, **more):
        made = call("POST", "/types", {"volume_type": {"name": name, **more}}, who="admin")
        assert made.status_code == 200, made.json
        return made.json["volume_type"]["id"]

    return make


def names(answer):
    return [each["name"] for each in answer.json["volume_types"]]


def test_types_are_made_shown_and_deleted(call, make):
    type_id = make("gold", description="d", extra_specs={"a": "1", "multiattach": "<is> True"})
    shown = call("GET", f"/types/{type_id}", who="admin").json["volume_type"]
    assert shown == {
        "id": type_id, "name": "gold", "description": "d", "is_public": True,
        "os-volume-type-access:is_public": True, "qos_specs_id": None,
        "extra_specs": {"a": "1", "multiattach": "<is> True"}}
    assert call("GET", f"/types/{type_id}").json["volume_type"] == {
        "id": type_id, "name": "gold", "description": "d", "is_public": True,
        "os-volume-type-access:is_public": True, "extra_specs": {"multiattach": "<is> True"}}
    changed = call("PUT", f"/types/{type_id}", {"volume_type": {
        "name": "silver", "is_public": False}}, who="admin").json["volume_type"]
    assert (changed["name"], changed["is_public"]) == ("silver", False)
    assert call("GET", f"/types/{type_id}").status_code == 404
    assert call("DELETE", f"/types/{type_id}", who="admin").status_code == 202
    assert call("GET", f"/types/{type_id}", who="admin").status_code == 404


def test_lists_of_types(call, make):
    make("a"), make("b", extra_specs={"k": "1"})
    private = make("c", **{"os-volume-type-access:is_public": False})
    assert names(call("GET", "/types?sort=name:asc")) == ["a", "b"]
    assert names(call("GET", "/types", who="admin")) == ["b", "a"]
    assert names(call("GET", "/types?is_public=false", who="admin")) == ["c"]
    assert names(call("GET", "/types?is_public=None&sort=name", who="admin")) == ["c", "b", "a"]
    assert names(call("GET", "/types?is_public=None&name=c", who="bob")) == []
    assert names(call("GET", "/types?extra_specs={'k':'1'}", who="admin")) == ["b"]
    assert names(call("GET", "/types?extra_specs={'k':'1'}")) == []
    page = call("GET", "/types?sort=name:asc&limit=1")
    assert names(page) == ["a"]
    [link] = page.json["volume_type_links"]
    marker = page.json["volume_types"][-1]["id"]
    assert link["rel"] == "next" and f"marker={marker}" in link["href"]
    assert names(call("GET", f"/types?sort=name:asc&limit=1&marker={marker}")) == ["b"]
    assert names(call("GET", "/types?sort=name:asc&limit=1&offset=1")) == ["b"]
    assert call("GET", f"/types?marker={private}").status_code == 404


def test_the_default_is_the_projects_then_the_clouds(call, make, create):
    assert call("GET", "/types/default").json["volume_type"]["name"] == "__DEFAULT__"
    gold = make("gold")
    answer = call("PUT", "/default-types/red", {"default_type": {"volume_type": "gold"}},
                  who="admin")
    assert answer.json == {"default_type": {"project_id": "red", "volume_type_id": gold}}
    assert call("GET", "/types/default").json["volume_type"]["name"] == "gold"
    assert call("GET", "/types/default", who="bob").json["volume_type"]["name"] == "__DEFAULT__"
    assert create().json["volume"]["volume_type"] == "gold"
    assert call("GET", "/default-types", who="admin").json["default_types"] == [
        answer.json["default_type"]]
    assert call("DELETE", "/default-types/red", who="admin").status_code == 204
    assert call("GET", "/default-types/red", who="admin").status_code == 404
    assert call("GET", "/types/default").json["volume_type"]["name"] == "__DEFAULT__"


def test_what_is_a_default_stays(call, make):
    cloud = call("GET", "/types/default").json["volume_type"]["id"]
    gold = make("gold")
    call("PUT", "/default-types/red", {"default_type": {"volume_type": gold}}, who="admin")
    for id_, word in ((cloud, "cloud"), (gold, "red")):
        refused = call("DELETE", f"/types/{id_}", who="admin")
        assert refused.status_code == 400
        assert word in refused.json["badRequest"]["message"]


def test_a_type_in_use_stays_as_it_is(world, call, make, create):
    type_id = make("gold", extra_specs={"a:b": "1"})
    made = create(volume_type="gold").json["volume"]["id"]
    encryption = {"encryption": {"provider": "luks"}}
    for method, path, body in (
        ("DELETE", "", None), ("POST", "/extra_specs", {"extra_specs": {"a": "2"}}),
        ("PUT", "/extra_specs/a:b", {"a:b": "2"}), ("DELETE", "/extra_specs/a:b", None),
        ("POST", "/encryption", encryption),
    ):
        refused = call(method, f"/types/{type_id}{path}", body, who="admin")
        assert refused.status_code == 400, path
        assert "in use" in refused.json["badRequest"]["message"]
    world.settle()
    call("DELETE", f"/volumes/{made}")
    world.settle()
    assert call("DELETE", f"/types/{type_id}", who="admin").status_code == 202


def test_private_types_are_for_those_who_were_granted_them(call, make, create):
    type_id = make("gold", **{"os-volume-type-access:is_public": False})
    path = f"/types/{type_id}"
    assert create(volume_type="gold").status_code == 404
    grant = {"addProjectAccess": {"project": "red"}}
    assert call("POST", f"{path}/action", grant, who="admin").status_code == 202
    assert call("POST", f"{path}/action", grant, who="admin").status_code == 409
    assert call("GET", f"{path}/os-volume-type-access", who="admin").json == {
        "volume_type_access": [{"volume_type_id": type_id, "project_id": "red"}]}
    assert create(volume_type="gold").status_code == 202
    assert call("GET", path, who="bob").status_code == 404
    assert names(call("GET", "/types")) == ["gold"]
    take = {"removeProjectAccess": {"project": "red"}}
    assert call("POST", f"{path}/action", take, who="admin").status_code == 202
    assert call("POST", f"{path}/action", take, who="admin").status_code == 404
    assert call("GET", path).status_code == 404


def test_extra_specs(call, make):
    path = f"/types/{make('gold')}/extra_specs"
    assert call("POST", path, {"extra_specs": {"a": "1", "b": "2"}}, who="admin").json == {
        "extra_specs": {"a": "1", "b": "2"}}
    assert call("PUT", f"{path}/a", {"a": "3"}, who="admin").json == {"a": "3"}
    assert call("GET", f"{path}/a", who="admin").json == {"a": "3"}
    assert call("GET", f"{path}/a").status_code == 404
    assert call("GET", path).json == {"extra_specs": {}}
    assert call("DELETE", f"{path}/a", who="admin").status_code == 202
    assert call("GET", path, who="admin").json == {"extra_specs": {"b": "2"}}


def test_encryption(world, call, make, create):
    type_id = make("safe")
    path = f"/types/{type_id}/encryption"
    asked = {"provider": "luks", "cipher": "aes-xts-plain64", "key_size": 256,
             "control_location": "front-end"}
    made = call("POST", path, {"encryption": asked}, who="admin").json["encryption"]
    assert made == asked | {"volume_type_id": type_id, "encryption_id": made["encryption_id"]}
    assert call("GET", path, who="admin").json == made
    assert call("GET", f"{path}/cipher", who="admin").json == {"cipher": "aes-xts-plain64"}
    change = {"encryption": {"key_size": 128, "provider": "Some"}}
    assert call("PUT", f"{path}/{made['encryption_id']}", change, who="admin").json == change
    assert call("GET", path, who="admin").json == made | change["encryption"]
    # As python-cinderclient calls it.
    assert call("PUT", f"{path}/provider", change, who="admin").status_code == 200
    assert create(volume_type="safe").json["volume"]["encrypted"] is True
    refused = call("DELETE", f"{path}/{made['encryption_id']}", who="admin")
    assert refused.status_code == 400
    plain = make("plain")
    path = f"/types/{plain}/encryption"
    made = call("POST", path, {"encryption": asked}, who="admin").json["encryption"]
    assert call("DELETE", f"{path}/{made['encryption_id']}", who="admin").status_code == 202
    assert call("GET", path, who="admin").json == {}


def test_qos_specs(world, call, make):
    gold, silver = make("gold"), make("silver")
    made = call("POST", "/qos-specs", {"qos_specs": {
        "name": "fast", "consumer": "front-end", "read_iops_sec": "2000"}}, who="admin").json
    shown = made["qos_specs"]
    path = f"/qos-specs/{shown['id']}"
    assert made["links"][0]["href"].endswith(path)
    assert shown["specs"] == {"read_iops_sec": "2000"}
    assert call("GET", "/qos-specs", who="admin").json == {"qos_specs": [shown]}
    assert call("PUT", path, {"qos_specs": {"x": "5"}}, who="admin").json == {
        "qos_specs": {"x": "5"}}
    assert call("PUT", f"{path}/delete_keys", {"keys": ["x"]}, who="admin").status_code == 202
    assert call("PUT", f"{path}/delete_keys", {"keys": ["x"]}, who="admin").status_code == 404
    for type_id in (gold, silver):
        assert call("GET", f"{path}/associate?vol_type_id={type_id}",
                    who="admin").status_code == 202
    assert call("GET", f"{path}/associations", who="admin").json["qos_associations"] == [
        {"association_type": "volume_type", "name": "gold", "id": gold},
        {"association_type": "volume_type", "name": "silver", "id": silver}]
    assert call("DELETE", path, who="admin").status_code == 400
    assert call("GET", f"{path}/disassociate?vol_type_id={gold}", who="admin").status_code == 202
    assert world.row(VolumeType, gold).qos_specs_id is None
    assert world.row(VolumeType, silver).qos_specs_id == shown["id"]
    assert call("GET", f"{path}/disassociate_all", who="admin").status_code == 202
    assert world.row(VolumeType, silver).qos_specs_id is None
    call("GET", f"{path}/associate?vol_type_id={gold}", who="admin")
    assert call("DELETE", f"{path}?force=true", who="admin").status_code == 202
    assert world.row(VolumeType, gold).qos_specs_id is None
    assert call("GET", path, who="admin").status_code == 404


def test_group_types(call):
    made = call("POST", "/group_types", {"group_type": {
        "name": "g", "group_specs": {"consistent_group_snapshot_enabled": "<is> False"}}},
        who="admin")
    assert made.status_code == 202
    id_ = made.json["group_type"]["id"]
    call("POST", "/group_types", {"group_type": {"name": "p", "is_public": False}}, who="admin")
    path = f"/group_types/{id_}"
    assert "group_specs" not in call("GET", path).json["group_type"]
    for query, there in (("", ["g"]), ("?is_public=false", ["p"]),
                         ("?is_public=None&sort=name:asc", ["g", "p"])):
        answer = call("GET", f"/group_types{query}", who="admin").json["group_types"]
        assert [each["name"] for each in answer] == there
    assert [each["name"] for each in call("GET", "/group_types?is_public=false").json[
        "group_types"]] == ["g"]
    assert call("PUT", path, {"group_type": {"name": "h"}}, who="admin").json["group_type"][
        "name"] == "h"
    specs = f"{path}/group_specs"
    assert call("POST", specs, {"group_specs": {"a": "1"}}, who="admin").status_code == 202
    assert call("PUT", f"{specs}/a", {"a": "2"}, who="admin").json == {"a": "2"}
    assert call("GET", f"{specs}/a", who="admin").json == {"a": "2"}
    assert call("DELETE", f"{specs}/a", who="admin").status_code == 202
    assert call("GET", f"{specs}/a", who="admin").status_code == 404
    assert call("GET", path, version="3.10").status_code == 404
    assert call("DELETE", path, who="admin").status_code == 202
    assert call("GET", path).status_code == 404
