"""The cache in front of slow stores."""

from dataclasses import replace

import pytest

from cairn.glance.app import create_app
from cairn.glance.core import cache
from cairn.glance.core.cache import Cacher
from cairn.glance.settings import CacheSettings

BYTES = b"\x00" * 70000 + b"the end"


@pytest.fixture
def fill(glance):
    def fill():
        cacher = Cacher(glance)
        while cacher.fetch():
            pass

    return fill


@pytest.fixture
def far(call, make, web, work):
    """An image in the slow store."""
    image_id = make()
    call("POST", f"/v2/images/{image_id}/locations", json={"url": f"{web.url}/image"})
    work()
    return image_id


def state(call):
    return call("GET", "/v2/cache", "admin").json


def test_what_was_read_from_far_is_near_the_next_time(call, far, fill, web, folder):
    assert call("GET", f"/v2/images/{far}/file").data == BYTES
    assert state(call)["queued_images"] == [far]
    fill()
    assert (folder / "cache" / far).read_bytes() == BYTES
    web.answers.clear()
    assert call("GET", f"/v2/images/{far}/file").data == BYTES
    entry = state(call)["cached_images"][0]
    assert (entry["image_id"], entry["hits"], entry["size"]) == (far, 1, len(BYTES))


def test_a_damaged_copy_is_not_sent(call, far, fill, folder):
    call("PUT", f"/v2/cache/{far}", "admin")
    fill()
    (folder / "cache" / far).write_bytes(b"half")
    assert call("GET", f"/v2/images/{far}/file").data == BYTES


def test_what_is_not_what_it_was_is_not_kept(call, far, fill, web):
    code, headers, body = web.answers["/image"]
    web.answers["/image"] = (code, headers, body[:-1] + b"!")
    call("PUT", f"/v2/cache/{far}", "admin")
    fill()
    assert state(call) == {"cached_images": [], "queued_images": []}


def test_an_image_is_queued_and_evicted(call, make, upload, fill, folder):
    image_id = make()
    assert call("PUT", f"/v2/cache/{image_id}", "admin").status_code == 400
    upload(image_id, BYTES)
    assert call("PUT", f"/v2/cache/{image_id}", "admin").status_code == 202
    fill()
    assert len(state(call)["cached_images"]) == 1
    assert call("GET", f"/v2/cache/nodes/{image_id}", "admin").status_code == 200
    assert call("DELETE", f"/v2/cache/{image_id}", "admin").status_code == 204
    assert state(call)["cached_images"] == []
    assert not (folder / "cache" / image_id).exists()


@pytest.mark.parametrize(("target", "cached", "queued"), [
    ("", 0, 0), ("cache", 0, 1), ("queue", 1, 0)])
def test_the_cache_is_cleared(call, make, upload, fill, target, cached, queued):
    for done in (True, False):
        image_id = make()
        upload(image_id, BYTES)
        call("PUT", f"/v2/cache/{image_id}", "admin")
        if done:
            fill()
    headers = {"X-Image-Cache-Clear-Target": target}
    assert call("DELETE", "/v2/cache", "admin", headers=headers).status_code == 204
    after = state(call)
    assert (len(after["cached_images"]), len(after["queued_images"])) == (cached, queued)
    assert call("DELETE", "/v2/cache", "admin",
                headers={"X-Image-Cache-Clear-Target": "frog"}).status_code == 400


def test_what_is_gone_is_forgotten_and_the_rest_made_to_fit(call, make, upload, fill, glance):
    for _ in range(2):
        image_id = make()
        upload(image_id, BYTES)
        call("PUT", f"/v2/cache/{image_id}", "admin")
    fill()
    call("DELETE", f"/v2/images/{image_id}")
    assert call("POST", "/v2/cache/clean", "admin").status_code == 204
    assert len(state(call)["cached_images"]) == 1
    assert cache.prune(replace(glance, cache=replace(glance.cache, max_size=0))) == (1, len(BYTES))
    assert call("POST", "/v2/cache/prune", "admin").json == {
        "total_files_pruned": 0, "total_bytes_pruned": 0}


@pytest.mark.parametrize(("method", "path"), [
    ("GET", "/v2/cache"), ("DELETE", "/v2/cache"), ("PUT", "/v2/cache/x"),
    ("DELETE", "/v2/cache/x"), ("POST", "/v2/cache/clean"), ("POST", "/v2/cache/prune"),
    ("GET", "/v2/cache/nodes/x")])
def test_the_cache_is_for_administrators_where_there_is_one(call, glance, people, method, path):
    assert call(method, path).status_code == 403
    none = create_app(replace(glance, cache=CacheSettings()),
                      lambda headers: people["admin"], {}).test_client()
    assert none.open(path, method=method).status_code == 404


def test_an_image_nobody_has_is_not_queued(call):
    assert call("PUT", "/v2/cache/none", "admin").status_code == 404
    assert call("DELETE", "/v2/cache/none", "admin").status_code == 404
