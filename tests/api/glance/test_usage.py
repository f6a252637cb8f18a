"""Limits that keystone has registered, and what a project uses of them."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from cairn.common.errors import Unavailable
from cairn.glance.app import create_app
from cairn.glance.core import usage

MIB = 1 << 20


@pytest.fixture
def limited(glance, people, monkeypatch):
    """limited(image_size_total=3, own={...}) -> call(method, path, ...) where those hold."""
    def limited(own=(), fails=False, **registered):
        def get(service, path, headers):
            if fails:
                raise Unavailable(reason="keystone is away")
            kind = path.partition("?")[0].strip("/")
            found = [{"resource_name": name, "default_limit": value}
                     for name, value in registered.items()]
            if kind == "limits":
                found = [{"resource_name": name, "resource_limit": value, "project_id": "red"}
                         for name, value in dict(own).items()]
            return SimpleNamespace(json=lambda: {kind: found})

        monkeypatch.setattr(usage, "_known", {})
        client = create_app(replace(glance, cloud=SimpleNamespace(get=get)),
                            lambda h: people.get(h.get("X-Auth-Token")), {}).test_client()

        def call(method, path, **args):
            return client.open(path, method=method, headers={"X-Auth-Token": "alice"}, **args)

        return call

    return limited


def make(call):
    return call("POST", "/v2/images", json={"disk_format": "raw", "container_format": "bare"})


def put(call, image_id, size, where="file"):
    return call("PUT", f"/v2/images/{image_id}/{where}", data=bytes(size),
                content_type="application/octet-stream").status_code


def test_the_size_of_all_images_is_limited(limited):
    call = limited(image_size_total=2)
    first, second = make(call).json["id"], make(call).json["id"]
    assert put(call, first, 3 * MIB) == 413
    assert put(call, first, 2 * MIB) == 204
    assert put(call, second, MIB) == 413
    assert call("GET", f"/v2/images/{second}").json["status"] == "queued"
    shown = call("GET", "/v2/info/usage").json["usage"]
    assert shown["image_size_total"] == {"usage": 2, "limit": 2}
    assert shown["image_count_total"] == {"usage": 2, "limit": -1}


def test_a_project_may_have_a_limit_of_its_own(limited):
    call = limited(image_size_total=0, own={"image_size_total": 5})
    assert put(call, make(call).json["id"], 2 * MIB) == 204


def test_what_is_staged_is_limited(limited):
    call = limited(image_stage_total=1)
    assert put(call, make(call).json["id"], 2 * MIB, "stage") == 413
    assert put(call, make(call).json["id"], MIB, "stage") == 204


def test_how_many_are_made_and_come_in_is_limited(limited):
    call = limited(image_count_total=1, image_count_uploading=0)
    image_id = make(call).json["id"]
    assert make(call).status_code == 413
    assert put(call, image_id, 10) == 413
    assert call("GET", f"/v2/images/{image_id}").json["status"] == "queued"


def test_without_limits_or_without_keystone_nothing_is_limited(limited):
    for call in (limited(), limited(fails=True)):
        assert put(call, make(call).json["id"], 2 * MIB) == 204
