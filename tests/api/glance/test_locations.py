"""Images whose bytes are at others': the API of locations, and locations in patches."""

import hashlib
import json
from dataclasses import replace

import pytest

from cairn.glance.app import create_app

BYTES = b"\x00" * 70000 + b"the end"
PATCH = "application/openstack-images-v2.1-json-patch"


def add(call, image_id, url, who="alice", **given):
    body = {"url": url} | ({"validation_data": given} if given else {})
    return call("POST", f"/v2/images/{image_id}/locations", who, json=body)


def shown(call, image_id):
    return call("GET", f"/v2/images/{image_id}").json


def test_a_location_is_added_and_hashed(call, make, web, work):
    image_id = make()
    assert add(call, image_id, f"{web.url}/image").status_code == 202
    work()
    image = shown(call, image_id)
    assert (image["status"], image["stores"], image["size"]) == ("active", "web", len(BYTES))
    assert image["os_hash_value"] == hashlib.sha512(BYTES).hexdigest()
    assert image["checksum"] == hashlib.md5(BYTES).hexdigest()
    assert call("GET", f"/v2/images/{image_id}/file").data == BYTES
    part = call("GET", f"/v2/images/{image_id}/file", headers={"Range": "bytes=70000-70002"})
    assert (part.status_code, part.data) == (206, b"the")
    assert call("GET", f"/v2/images/{image_id}/locations", "nova").json[0]["url"] == (
        f"{web.url}/image")
    assert call("GET", f"/v2/images/{image_id}/locations").status_code == 403
    assert call("GET", f"/v2/images/{image_id}/locations", "bob").status_code == 404
    assert call("DELETE", f"/v2/images/{image_id}").status_code == 204


def test_the_hash_that_is_given_is_checked(call, make, web, work):
    right, wrong = make(), make()
    add(call, right, f"{web.url}/image", os_hash_algo="sha256",
        os_hash_value=hashlib.sha256(BYTES).hexdigest())
    add(call, wrong, f"{web.url}/image", os_hash_algo="sha256", os_hash_value="00" * 32)
    work()
    assert shown(call, right)["os_hash_algo"] == "sha256"
    assert shown(call, right)["status"] == "active"
    image = shown(call, wrong)
    assert (image["status"], image["os_hash_algo"], image["checksum"]) == ("queued", None, None)
    assert call("GET", f"/v2/images/{wrong}/tasks").json["tasks"][0]["status"] == "failure"


@pytest.mark.parametrize(("given", "code"), [
    ({"os_hash_algo": "sha512", "os_hash_value": "00"}, 400),
    ({"os_hash_value": "00" * 64}, 400), ({"os_hash_algo": "frog", "os_hash_value": "00"}, 400),
    ({"os_hash_algo": "md5", "os_hash_value": "zz" * 16}, 400)])
def test_a_hash_that_cannot_be_is_refused(call, make, web, given, code):
    assert add(call, make(), f"{web.url}/image", **given).status_code == code


def test_where_locations_may_not_lead(call, make, upload, folder, web):
    other = make("bob")
    upload(other, BYTES, "bob")
    image_id = make()
    assert add(call, image_id, f"file://{folder / other}").status_code == 403
    assert add(call, image_id, f"file://{folder / other}", "nova").status_code == 400
    assert add(call, image_id, "rbd://x/y/z", "nova").status_code == 400
    assert add(call, image_id, "http://169.254.169.254/").status_code == 400
    assert add(call, image_id, f"{web.url}/image", "bob").status_code == 404
    assert add(call, image_id, f"{web.url}/image", "rita").status_code == 403
    upload(image_id, BYTES)
    assert add(call, image_id, f"{web.url}/image").status_code == 409


def test_an_image_in_use_without_a_hash_stays_when_its_hash_fails(call, make, web, work):
    web.answers["/gone"] = (200, {"Content-Length": "99999"}, b"short")
    image_id = make()
    add(call, image_id, f"{web.url}/gone")
    work()
    image = shown(call, image_id)
    assert (image["status"], image["os_hash_algo"]) == ("active", None)


# In patches ---------------------------------------------------------------------------------------

@pytest.fixture
def patch(glance, people):
    """patch(image id, change, ...) where locations are shown."""
    open_ = replace(glance, settings=replace(
        glance.settings, show_multiple_locations=True, show_image_direct_url=True))
    client = create_app(
        open_, lambda headers: people.get(headers.get("X-Auth-Token")), {}).test_client()

    def patch(image_id, *changes, who="alice"):
        headers = {"X-Auth-Token": who}
        if not changes:
            return client.get(f"/v2/images/{image_id}", headers=headers).json
        return client.patch(f"/v2/images/{image_id}", headers=headers,
                            data=json.dumps(changes), content_type=PATCH)

    return patch


def change(operation, path, value=None):
    return {"op": operation, "path": path} | ({} if value is None else {"value": value})


def location(url, **metadata):
    return {"url": url, "metadata": metadata}


def test_locations_are_hidden_by_default(call, make, web):
    refused = call("PATCH", f"/v2/images/{make()}", data=json.dumps(
        [change("add", "/locations/-", location(f"{web.url}/image"))]), content_type=PATCH)
    assert refused.status_code == 403
    assert "locations" not in shown(call, make())


def test_locations_come_and_go(make, web, patch):
    image_id = make()
    assert patch(image_id)["locations"] == []
    first, second = (location(f"{web.url}/image{part}", n=part) for part in ("", "#new"))
    assert patch(image_id, change("add", "/locations/-", first)).status_code == 200
    image = patch(image_id, change("add", "/locations/-", second)).json
    assert (image["status"], image["os_hash_algo"]) == ("active", None)
    assert [p["url"] for p in image["locations"]] == [first["url"], second["url"]]
    assert image["direct_url"] == first["url"]
    assert patch(image_id, change("add", "/locations/-", second)).status_code == 400
    kept = image["locations"]
    assert patch(image_id, change("replace", "/locations", kept)).status_code == 200
    kept[0]["metadata"]["date"] = "today"
    assert patch(image_id, change("replace", "/locations", kept)).json["locations"] == kept
    for wrong in (kept[:1], [kept[0], location(f"{web.url}/image#3")], []):
        assert patch(image_id, change("replace", "/locations", wrong)).status_code == 400
    assert patch(image_id, change("remove", "/locations/0")).status_code == 403
    assert patch(image_id, change("remove", "/locations/7"), who="admin").status_code == 400
    removed = patch(image_id, change("remove", "/locations/0"), who="admin").json
    assert [p["url"] for p in removed["locations"]] == [second["url"]]
    assert patch(image_id, change("remove", "/locations/0"), who="admin").status_code == 403


@pytest.mark.parametrize("url", ["gopher://x/", "file:///etc/passwd", "http://169.254.169.254/"])
def test_a_location_nobody_may_name(make, patch, url):
    assert patch(make(), change("add", "/locations/-", location(url))).status_code == 400


def test_what_a_location_is_said_to_hold(make, web, patch):
    image_id = make()
    facts = {"checksum": "1" * 32, "os_hash_algo": "sha512", "os_hash_value": "ab" * 64}
    said = location(f"{web.url}/image") | {"validation_data": facts}
    image = patch(image_id, change("add", "/locations/-", said)).json
    assert {name: image[name] for name in facts} == facts
    assert "validation_data" not in image["locations"][0]
    other = location(f"{web.url}/image#2") | {"validation_data": facts}
    for name, value in (("checksum", "2" * 32), ("os_hash_value", "cd" * 64)):
        wrong = other | {"validation_data": facts | {name: value}}
        assert patch(image_id, change("add", "/locations/-", wrong)).status_code == 409
    assert patch(image_id, change("add", "/locations/-", other)).status_code == 200
