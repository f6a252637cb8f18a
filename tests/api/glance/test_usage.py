"""Limits that keystone has registered, and what a project uses of them."""

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace

import pytest

from cairn.common.errors import Unavailable
from cairn.glance.app import create_app
from cairn.glance.core import usage
from cairn.glance.worker.process import make as make_worker

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

        monkeypatch.setattr(usage, "_remembered", {})
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


class Meanwhile(io.BytesIO):
    """Bytes of which the first are read only when something else was done."""

    def __init__(self, data, what):
        super().__init__(data)
        self.what = what

    def readinto(self, buffer):
        what, self.what = self.what, lambda: None
        what()
        return super().readinto(buffer)

    def read(self, size=-1):
        what, self.what = self.what, lambda: None
        what()
        return super().read(size)


@pytest.mark.parametrize("tells", [True, False], ids=["told lengths", "chunked"])
@pytest.mark.parametrize("where", ["file", "stage"])
def test_two_uploads_at_once_do_not_take_the_same_room(limited, where, tells):
    call = limited(image_size_total=2, image_stage_total=2)
    first, second = make(call).json["id"], make(call).json["id"]
    codes = []

    def send(image_id, what):
        length = {"content_length": 2 * MIB} if tells else {
            "environ_overrides": {"wsgi.input_terminated": True}}
        codes.append(call("PUT", f"/v2/images/{image_id}/{where}", **length,
                          input_stream=Meanwhile(bytes(2 * MIB), what),
                          content_type="application/octet-stream").status_code)

    send(first, lambda: send(second, lambda: None))
    assert sorted(codes) == [204, 413]
    used = call("GET", "/v2/info/usage").json["usage"]
    assert used["image_size_total" if where == "file" else "image_stage_total"]["usage"] == 2


def test_an_endless_upload_ends_where_the_room_does(limited):
    call = limited(image_size_total=2)
    image_id = make(call).json["id"]
    body = io.BytesIO(bytes(6 * MIB))
    refused = call("PUT", f"/v2/images/{image_id}/file", input_stream=body,
                   environ_overrides={"wsgi.input_terminated": True},
                   content_type="application/octet-stream")
    assert refused.status_code == 413
    assert call("GET", f"/v2/images/{image_id}").json["size"] is None


def test_many_made_at_once_are_no_more_than_the_limit(limited):
    call = limited(image_count_total=3)
    call("GET", "/v2/info/usage")
    with ThreadPoolExecutor(6) as people:
        codes = [made.result().status_code for made in
                 [people.submit(make, call) for _ in range(6)]]
    assert sorted(codes) == [201, 201, 201, 413, 413, 413]


def test_imports_at_once_do_not_take_the_same_room(limited, glance):
    call = limited(image_size_total=3)
    ids = [make(call).json["id"] for _ in range(2)]
    for image_id in ids:
        assert put(call, image_id, 2 * MIB, "stage") == 204
    for image_id in ids:
        assert call("POST", f"/v2/images/{image_id}/import", json={
            "method": {"name": "glance-direct"}}).status_code == 202
    make_worker(glance).drain()
    assert sorted(call("GET", f"/v2/images/{i}").json["status"] for i in ids) == [
        "active", "queued"]
    assert call("GET", "/v2/info/usage").json["usage"]["image_size_total"]["usage"] == 2
