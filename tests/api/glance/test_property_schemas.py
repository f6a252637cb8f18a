"""What properties are to be: the common ones, and those of an operator's file."""

import dataclasses
import json

import pytest

from cairn.common.settings import BadSetting
from cairn.glance.app import create_app
from cairn.glance.component import PropertySchemas

FILE = {"properties": {"tier": {"type": "string", "enum": ["gold", "iron"]}},
        "required": ["tier"]}
PATCH = "application/openstack-images-v2.1-json-patch"


@pytest.fixture
def ask(glance, people, tmp_path):
    """ask(method, path, **args) of a glance that has the file."""
    file = tmp_path / "schema-image.json"
    file.write_text(json.dumps(FILE))
    own = dataclasses.replace(glance, property_schemas=PropertySchemas(str(file)))
    client = create_app(own, lambda h: people.get(h.get("X-Auth-Token")), {}).test_client()
    return lambda method, path, **args: client.open(
        path, method=method, headers={"X-Auth-Token": "alice"}, **args)


@pytest.mark.parametrize(("body", "status"), [
    ({"tier": "gold"}, 201), ({"tier": "frog"}, 400), ({}, 400), ({"tier": None}, 400),
    ({"tier": "gold", "kernel_id": "free"}, 201), ({"tier": "gold", "other": 5}, 400)])
def test_a_file_says_what_properties_are_to_be(ask, body, status):
    assert ask("POST", "/v2/images", json=body).status_code == status


def test_a_change_is_held_against_the_file_too(ask):
    path = f"/v2/images/{ask('POST', '/v2/images', json={'tier': 'gold'}).json['id']}"
    for value, status in (("iron", 200), ("frog", 400)):
        change = [{"op": "replace", "path": "/tier", "value": value}]
        assert ask("PATCH", path, data=json.dumps(change), content_type=PATCH
                   ).status_code == status


def test_the_published_schema_has_them(ask, call):
    schema = ask("GET", "/v2/schemas/image").json
    assert schema["properties"]["tier"] == FILE["properties"]["tier"] | {"is_base": False}
    assert (schema["required"], "os_distro" in schema["properties"]) == (["tier"], False)
    items = ask("GET", "/v2/schemas/images").json["properties"]["images"]["items"]
    assert items["properties"].keys() == schema["properties"].keys()
    assert "os_distro" in call("GET", "/v2/schemas/image").json["properties"]


def test_without_one_a_kernel_is_an_image_or_nothing(call):
    assert call("POST", "/v2/images", json={"kernel_id": None}).status_code == 201
    assert call("POST", "/v2/images", json={"kernel_id": "x"}).status_code == 400


@pytest.mark.parametrize("text", ["{", "[]", '{"a": 5}'])
def test_a_mistake_in_the_file_is_named_at_the_start(tmp_path, text):
    file = tmp_path / "schema-image.json"
    file.write_text(text)
    with pytest.raises(BadSetting, match="schema_file"):
        PropertySchemas(str(file))
