"""Images whose bytes are at others': the API of locations, and locations in patches."""

import hashlib
import json
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from cairn.glance.app import create_app
from cairn.glance.db.data import ImageLocation
from cairn.glance.drivers import gate as gates
from cairn.glance.worker.process import make as make_worker

from .servers import silent_server

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


def said(url, data, **other):
    """A location and what its data is said to be."""
    facts = {"checksum": hashlib.md5(data).hexdigest(), "os_hash_algo": "sha512",
             "os_hash_value": hashlib.sha512(data).hexdigest()} | other
    return location(url) | {"validation_data": facts}


def test_a_hash_that_is_said_counts_once_it_was_computed_here(call, make, web, patch, work):
    image_id = make()
    image = patch(image_id, change("add", "/locations/-", said(f"{web.url}/image", BYTES))).json
    assert (image["status"], image["os_hash_value"], image["checksum"]) == ("importing", None, None)
    assert image["locations"] == []
    again = said(f"{web.url}/image#2", BYTES)
    assert patch(image_id, change("add", "/locations/-", again)).status_code == 409
    work()
    image = patch(image_id)
    assert (image["status"], image["size"]) == ("active", len(BYTES))
    assert image["os_hash_value"] == hashlib.sha512(BYTES).hexdigest()
    assert "validation_data" not in image["locations"][0]
    for name, value in (("checksum", "2" * 32), ("os_hash_value", "cd" * 64),
                        ("os_hash_algo", "sha256")):
        wrong = said(f"{web.url}/image#2", BYTES, **{name: value})
        assert patch(image_id, change("add", "/locations/-", wrong)).status_code == 409


@pytest.mark.parametrize("lie", [
    {"os_hash_value": "de" * 64}, {"checksum": "1" * 32}])
def test_another_images_hash_is_nobodys_to_take(make, web, patch, work, lie, call):
    image_id = make()
    patch(image_id, change("add", "/locations/-", said(f"{web.url}/image", BYTES, **lie)))
    work()
    image = patch(image_id)
    assert (image["status"], image["os_hash_value"], image["checksum"]) == ("queued", None, None)
    assert call("GET", f"/v2/images/{image_id}/tasks").json["tasks"][0]["status"] == "failure"


@pytest.mark.parametrize("way", ["upload", "import", "location", "patch"])
def test_bytes_that_were_not_what_was_said_never_come_back(
        call, make, web, patch, work, upload, way):
    """Its owner would have an image with a hash, and other bytes in front."""
    image_id = make()
    add(call, image_id, f"{web.url}/image", os_hash_algo="sha512", os_hash_value="de" * 64)
    work()
    assert shown(call, image_id)["stores"] == "web"
    assert call("GET", f"/v2/images/{image_id}/file").status_code == 204
    web.answers["/good"] = (200, {}, b"good")
    if way == "upload":
        upload(image_id, b"good")
    elif way == "import":
        call("POST", f"/v2/images/{image_id}/import", json={
            "method": {"name": "web-download", "uri": f"{web.url}/good"}})
    elif way == "location":
        add(call, image_id, f"{web.url}/good")
    else:
        patch(image_id, change("add", "/locations/-", location(f"{web.url}/good")))
    work()
    image = patch(image_id)
    assert (image["status"], len(image["locations"])) == ("active", 1)
    assert call("GET", f"/v2/images/{image_id}/file").data == b"good"


def test_it_is_not_even_where_nothing_is_hashed(glance, people, make, web, call):
    """do_secure_hash off: what is said is still computed or not told."""
    lax = replace(glance, settings=replace(glance.settings, do_secure_hash=False))
    image_id, silent = make(), make()
    add(call, image_id, f"{web.url}/image", os_hash_algo="sha512", os_hash_value="ab" * 64)
    add(call, silent, f"{web.url}/image")
    make_worker(lax).drain()
    assert shown(call, image_id)["os_hash_value"] is None
    assert shown(call, image_id)["status"] == "queued"
    assert shown(call, silent)["os_hash_value"] is None
    assert shown(call, silent)["status"] == "active"


def test_a_second_location_must_have_the_same_bytes(make, web, patch, work, upload):
    web.answers["/other"] = (200, {}, b"something else")
    image_id = make()
    assert upload(image_id, BYTES).status_code == 204
    for page in ("other", "image"):
        url = f"{web.url}/{page}"
        added = patch(image_id, change("add", "/locations/-", location(url, n=1)))
        assert (added.status_code, len(added.json["locations"])) == (200, 1)
        work()
    image = patch(image_id)
    assert [p["url"] for p in image["locations"]][1:] == [f"{web.url}/image"]
    assert image["locations"][1]["metadata"] == {"n": 1, "store": "web"}
    assert (image["status"], image["size"]) == ("active", len(BYTES))


def test_files_of_hosts_are_shown_to_administrators_only(make, patch, upload, folder):
    image_id = make()
    upload(image_id, BYTES)
    image = patch(image_id)
    assert [p["url"] for p in image["locations"]] == [f"store://local/{image_id}"]
    assert image["direct_url"] == image["locations"][0]["url"]
    assert str(folder) not in json.dumps(image)
    headers = patch(image_id, change("replace", "/name", "x"), who="admin").json
    assert headers["locations"][0]["url"] == f"file://{folder / image_id}"
    # What was shown can be sent back.
    image["locations"][0]["metadata"]["note"] = "mine"
    kept = patch(image_id, change("replace", "/locations", image["locations"]))
    assert kept.json["locations"] == image["locations"]


def test_a_trap_at_a_location_is_taken_out_of_use(call, make, web, work):
    web.answers["/trap"] = (200, {}, qcow2_of(b"/etc/passwd"))
    for declared in ("qcow2", "raw"):
        image_id = make(disk_format=declared)
        add(call, image_id, f"{web.url}/trap")
        work()
        image = shown(call, image_id)
        assert (image["status"], image["size"], "stores" in image) == ("queued", None, False)


def qcow2_of(backing):
    """The head of a qcow2 whose data is another file's."""
    head = struct.pack(">4sIQIIQIIQQIIQ", b"QFI\xfb", 2, 72, len(backing), 16, 1 << 20, 0, 1,
                       65536, 131072, 1, 0, 0)
    return (head + backing).ljust(1 << 18, b"\0")


@pytest.mark.parametrize("algorithm", ["sha1", "md5"])
def test_a_hash_that_can_be_forged_is_none(call, make, web, patch, algorithm):
    value = hashlib.new(algorithm, BYTES).hexdigest()
    refused = add(call, make(), f"{web.url}/image", os_hash_algo=algorithm, os_hash_value=value)
    assert refused.status_code == 400
    wrong = location(f"{web.url}/image") | {"validation_data": {
        "os_hash_algo": algorithm, "os_hash_value": value}}
    assert patch(make(), change("add", "/locations/-", wrong)).status_code == 409


def test_a_service_does_not_name_the_bytes_of_another_image(call, make, glance, monkeypatch):
    web = glance.stores.find("web")
    monkeypatch.setattr(web, "kind", "rbd")
    first, second = make(), make()
    with glance.db.writing() as session:
        session.add(ImageLocation(image_id=first, store="web", url="http://8.8.8.8/x", meta={}))
    assert add(call, second, "http://8.8.8.8/x", "nova").status_code == 409


def test_a_slow_server_holds_nobody_else(make, patch, call, monkeypatch):
    """The PATCH waits for its server with no row locked, and not for ever."""
    monkeypatch.setattr(gates, "OPENING", 2.0)
    image_id = make()
    with silent_server() as url:
        begun = time.monotonic()
        with ThreadPoolExecutor(1) as beside:
            slow = beside.submit(
                patch, image_id, change("add", "/locations/-", location(f"{url}/x")))
            time.sleep(0.2)
            assert call("DELETE", f"/v2/images/{image_id}").status_code == 204
            assert not slow.done()
            assert slow.result().status_code == 400
        assert time.monotonic() - begun < 30
