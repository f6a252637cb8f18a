"""Property protections: who may create, read, update and delete which properties."""

import dataclasses
import json

import pytest

from cairn.common.policy import Policy, Rule
from cairn.common.settings import BadSetting
from cairn.glance.app import create_app
from cairn.glance.policy import RULES, Protections

ROLES = """
[^x_owner_]
create = admin, member
read = admin,member
update = member
delete = admin
[^x_none_]
create = !
read = @
update = !
delete = !
[.*]
create = @
read = @
update = @
delete = @
"""
POLICIES = """
[^secret]
create = namer
read = namer
update = namer
delete = nobody_wrote_this
[.*]
create = @
read = @
update = @
delete = @
"""
PATCH = "application/openstack-images-v2.1-json-patch"


@pytest.fixture
def guarded(glance, people, tmp_path):
    """guarded(rules, form) -> call, as conftest's, under these protections."""
    def make(text, form="roles"):
        file = tmp_path / "protections.conf"
        file.write_text(text)
        protections = Protections(str(file), form)
        rules = {**{name: Rule("!") for name in protections.policies}, **RULES}
        policies = tmp_path / "policy.yaml"
        policies.write_text('"namer": "role:admin"\n' if form == "policies" else "{}")
        own = dataclasses.replace(
            glance, policy=Policy(rules, str(policies)), protections=protections)
        client = create_app(own, lambda h: people.get(h.get("X-Auth-Token")), {}).test_client()

        def call(method, path, who="alice", body=None, kind="application/json"):
            return client.open(path, method=method, headers={"X-Auth-Token": who},
                               data=None if body is None else json.dumps(body),
                               content_type=kind)

        return call

    return make


def change(call, image_id, who, op, name, value="v"):
    body = [{"op": op, "path": f"/{name}", "value": value}]
    return call("PATCH", f"/v2/images/{image_id}", who, body, PATCH).status_code


def test_roles_decide_over_each_operation(guarded):
    call = guarded(ROLES)
    made = call("POST", "/v2/images", "alice", {"x_owner_a": "1", "free": "2"})
    assert made.status_code == 201, made.json
    image_id = made.json["id"]
    assert change(call, image_id, "alice", "replace", "x_owner_a") == 200
    assert change(call, image_id, "alice", "remove", "x_owner_a") == 403
    assert change(call, image_id, "admin", "remove", "x_owner_a") == 200
    assert change(call, image_id, "alice", "add", "x_none_a") == 403
    assert change(call, image_id, "alice", "replace", "free") == 200
    assert call("POST", "/v2/images", "alice", {"x_none_a": "1"}).status_code == 403


def test_who_may_not_read_does_not_see_nor_find_nor_remove(guarded):
    call = guarded(ROLES)
    image_id = call("POST", "/v2/images", "alice", {"x_owner_a": "1", "free": "2"}).json["id"]
    assert "x_owner_a" not in call("GET", f"/v2/images/{image_id}", "rita").json
    shown = call("GET", "/v2/images?free=2", "rita").json["images"]
    assert [("x_owner_a" in i, i["free"]) for i in shown] == [(False, "2")]
    assert call("GET", "/v2/images?x_owner_a=1", "rita").json["images"] == []
    assert len(call("GET", "/v2/images?x_owner_a=1", "alice").json["images"]) == 1


def test_a_name_that_no_rule_fits_is_nobodys(guarded):
    call = guarded(ROLES.split("[.*]")[0])
    assert call("POST", "/v2/images", "admin", {"free": "2"}).status_code == 403


def test_policies_decide_too(guarded):
    call = guarded(POLICIES, "policies")
    assert call("POST", "/v2/images", "alice", {"secret_a": "1"}).status_code == 403
    made = call("POST", "/v2/images", "admin", {"secret_a": "1", "visibility": "public"})
    assert made.status_code == 201, made.json
    assert "secret_a" not in call("GET", f"/v2/images/{made.json['id']}", "alice").json
    assert change(call, made.json["id"], "admin", "remove", "secret_a") == 403


@pytest.mark.parametrize(("text", "form", "says"), [
    ("[(]\ncreate=@\nread=@\nupdate=@\ndelete=@\n", "roles", "regular expression"),
    ("[a]\ncreate=@\nread=@\nupdate=@\n", "roles", "delete is missing"),
    ("[a]\ncreate=@,!\nread=@\nupdate=@\ndelete=@\n", "roles", "contradict"),
    ("[a]\ncreate=x,y\nread=@\nupdate=@\ndelete=@\n", "policies", "contradict"),
    ("create=@", "roles", "property_protection_file"), ("", "frogs", "frogs"),
])
def test_a_mistake_in_the_file_is_named_at_the_start(tmp_path, text, form, says):
    file = tmp_path / "protections.conf"
    file.write_text(text)
    with pytest.raises(BadSetting, match=says):
        Protections(str(file), form)
