"""Glance through its API, as clients use it."""

import datetime as dt
import hashlib
import os
import struct

import pytest
from sqlalchemy import update

from cairn.common.db import utcnow
from cairn.glance.core.sweeper import Sweeper
from cairn.glance.db.models import Image

PATCH = "application/openstack-images-v2.1-json-patch"
BYTES = b"\x00" * 70000 + b"the end"


def qcow2(backing=b"", size=1 << 30):
    """The head of a qcow2 image, with a backing file if asked."""
    head = b"QFI\xfb" + struct.pack(">IQIIQIIQQIIQ", 3, 512 if backing else 0, len(backing), 16,
                                    size, 0, 2, 65536, 131072, 1, 0, 0)
    head += struct.pack(">QQQII", 0, 0, 0, 4, 104)
    return head.ljust(512, b"\0") + backing.ljust(65536 * 3, b"\0")


def patch(call, image_id, changes, who="alice"):
    import json
    return call("PATCH", f"/v2/images/{image_id}", who, data=json.dumps(changes),
                content_type=PATCH)


def test_every_version_points_to_v2(call):
    found = call("GET", "/")
    assert found.status_code == 300
    assert found.json["versions"][0]["status"] == "CURRENT"
    assert call("GET", "/versions").status_code == 200


def test_bytes_go_in_and_come_out_the_same(call, make, upload):
    image_id = make()
    assert call("GET", f"/v2/images/{image_id}/file").status_code == 204
    assert upload(image_id, BYTES).status_code == 204
    shown = call("GET", f"/v2/images/{image_id}").json
    assert (shown["status"], shown["size"], shown["virtual_size"]) == (
        "active", len(BYTES), len(BYTES))
    assert shown["os_hash_value"] == hashlib.sha512(BYTES).hexdigest()
    got = call("GET", f"/v2/images/{image_id}/file")
    assert got.data == BYTES
    assert got.headers["Content-MD5"] == hashlib.md5(BYTES).hexdigest()


def test_a_second_upload_conflicts(make, upload):
    image_id = make()
    upload(image_id, BYTES)
    assert upload(image_id, BYTES).status_code == 409


@pytest.mark.parametrize(("declared", "data", "says"), [
    ("qcow2", BYTES, "qcow2"), ("raw", qcow2(), "it is qcow2"), ("vmdk", qcow2(), "vmdk"),
    ("qcow2", qcow2(backing=b"/etc/shadow"), "backing"),
])
def test_content_that_lies_is_refused_and_forgotten(call, make, upload, folder, declared, data,
                                                    says):
    image_id = make(disk_format=declared)
    refused = upload(image_id, data)
    assert refused.status_code == 415, refused.json
    assert says in refused.json["message"]
    assert call("GET", f"/v2/images/{image_id}").json["status"] == "queued"
    assert list(folder.iterdir()) == []


def test_a_true_qcow2_tells_its_virtual_size(call, make, upload):
    image_id = make(disk_format="qcow2")
    assert upload(image_id, qcow2()).status_code == 204
    assert call("GET", f"/v2/images/{image_id}").json["virtual_size"] == 1 << 30


def test_more_than_the_cap_is_refused(make, upload, folder):
    assert upload(make(), b"\0" * (9 << 20)).status_code == 413
    assert list(folder.iterdir()) == []


def test_a_dead_upload_goes_back_to_queued(call, make, glance, folder):
    image_id = make()
    half = folder / f"{image_id}.123.part"
    half.write_bytes(b"half")
    os.utime(half, (1, 1))
    with glance.db.writing() as session:
        session.execute(update(Image).values(
            status="saving", saving_by="x", saving_until=utcnow() - dt.timedelta(seconds=1)))
    Sweeper(glance).sweep()
    assert call("GET", f"/v2/images/{image_id}").json["status"] == "queued"
    assert list(folder.iterdir()) == []


def test_deleting_removes_the_bytes(call, make, upload, folder):
    image_id = make()
    upload(image_id, BYTES)
    assert call("DELETE", f"/v2/images/{image_id}").status_code == 204
    assert list(folder.iterdir()) == []
    assert call("GET", f"/v2/images/{image_id}").status_code == 404


def test_a_protected_image_stays(call, make):
    image_id = make(protected=True)
    assert call("DELETE", f"/v2/images/{image_id}").status_code == 403
    patch(call, image_id, [{"op": "replace", "path": "/protected", "value": False}])
    assert call("DELETE", f"/v2/images/{image_id}").status_code == 204


def test_a_patch_changes_what_it_names(call, make):
    image_id = make(hw_frogs="green")
    changed = patch(call, image_id, [
        {"op": "replace", "path": "/name", "value": "new"},
        {"op": "add", "path": "/os_distro", "value": "cairn"},
        {"op": "remove", "path": "/hw_frogs"},
        {"op": "replace", "path": "/tags", "value": ["b", "a"]}]).json
    assert (changed["name"], changed["os_distro"], changed["tags"]) == (
        "new", "cairn", ["a", "b"])
    assert "hw_frogs" not in changed


def test_a_patch_may_be_in_the_older_form(call, make):
    image_id = make()
    changed = call("PATCH", f"/v2/images/{image_id}", data='[{"replace": "/name", "value": "n"}]',
                   content_type="application/openstack-images-v2.0-json-patch")
    assert changed.json["name"] == "n"


@pytest.mark.parametrize(("change", "status"), [
    ({"op": "replace", "path": "/status", "value": "active"}, 403),
    ({"op": "replace", "path": "/min_ram", "value": "lots"}, 400),
    ({"op": "replace", "path": "/none", "value": "x"}, 409),
    ({"op": "move", "path": "/name"}, 400), ({"op": "add", "path": "name", "value": "x"}, 400),
    ({"op": "replace", "path": "/visibility", "value": "public"}, 403),
])
def test_a_bad_patch_is_refused(call, make, change, status):
    assert patch(call, make(), [change]).status_code == status


@pytest.mark.parametrize(("fields", "names"), [
    ({"disk_format": "frog"}, "disk_format"), ({"min_ram": -1}, "min_ram"),
    ({"os_distro": 7}, "os_distro"), ({"id": "frog"}, "id")])
def test_bad_input_is_refused_by_name(call, fields, names):
    refused = call("POST", "/v2/images", json=fields)
    assert refused.status_code == 400
    assert names in refused.json["message"]


@pytest.mark.parametrize(("visibility", "status", "listed"), [
    ("private", 404, False), ("shared", 404, False), ("community", 200, False)])
def test_what_another_project_sees(call, make, visibility, status, listed):
    image_id = make(visibility=visibility)
    assert call("GET", f"/v2/images/{image_id}", "bob").status_code == status
    ids = [i["id"] for i in call("GET", "/v2/images", "bob").json["images"]]
    assert (image_id in ids) == listed
    assert call("DELETE", f"/v2/images/{image_id}", "bob").status_code in (403, 404)


def test_public_is_for_administrators_to_give(call, make):
    assert call("POST", "/v2/images", json={"visibility": "public"}).status_code == 403
    image_id = make("admin", visibility="public")
    assert call("GET", f"/v2/images/{image_id}", "bob").status_code == 200
    assert call("DELETE", f"/v2/images/{image_id}", "bob").status_code == 403


def test_a_member_accepts_and_then_lists_it(call, make):
    image_id = make()
    assert call("POST", f"/v2/images/{image_id}/members",
                json={"member": "blue"}).status_code == 200
    assert call("GET", f"/v2/images/{image_id}", "bob").status_code == 200
    assert call("GET", "/v2/images", "bob").json["images"] == []
    accepted = call("PUT", f"/v2/images/{image_id}/members/blue", "bob",
                    json={"status": "accepted"})
    assert accepted.status_code == 200
    assert [i["id"] for i in call("GET", "/v2/images", "bob").json["images"]] == [image_id]


def test_pages_follow_each_other(call, make):
    made = {make(name=f"n{i}") for i in range(5)}
    seen, url = [], "/v2/images?limit=2&sort=name:asc"
    while url:
        page = call("GET", url).json
        seen += [i["id"] for i in page["images"]]
        url = page.get("next")
    assert len(seen) == 5 and set(seen) == made


@pytest.mark.parametrize(("query", "count"), [
    ("name=n1", 1), ("name=in:n0,n1", 2), ("size_min=1", 0), ("tag=t", 1), ("os_distro=x", 1),
    ("created_at=gte:2020-01-01T00:00:00Z", 2), ("visibility=private", 0)])
def test_lists_are_filtered(call, make, query, count):
    make(name="n0", tags=["t"])
    make(name="n1", os_distro="x")
    assert len(call("GET", f"/v2/images?{query}").json["images"]) == count


@pytest.mark.parametrize("query", ["limit=x", "sort_key=frog", "visibility=frog", "protected=x",
                                   "created_at=gte:frog", "marker=frog"])
def test_a_bad_query_is_refused(call, query):
    assert call("GET", f"/v2/images?{query}").status_code in (400, 404)


def test_a_deactivated_image_gives_no_bytes(call, make, upload):
    image_id = make()
    upload(image_id, BYTES)
    assert call("POST", f"/v2/images/{image_id}/actions/deactivate", "admin").status_code == 204
    assert call("GET", f"/v2/images/{image_id}/file").status_code == 403
    call("POST", f"/v2/images/{image_id}/actions/reactivate", "admin")
    assert call("GET", f"/v2/images/{image_id}/file").status_code == 200


def test_nova_reads_every_image(call, make, upload):
    image_id = make()
    upload(image_id, BYTES)
    assert call("GET", f"/v2/images/{image_id}/file", "nova").data == BYTES


def test_a_reader_changes_nothing(call, make):
    assert call("POST", "/v2/images", "rita", json={}).status_code == 403
    assert call("DELETE", f"/v2/images/{make()}", "rita").status_code == 403


def test_schemas_name_the_formats(call):
    properties = call("GET", "/v2/schemas/image").json["properties"]
    assert "qcow2" in properties["disk_format"]["enum"]


@pytest.mark.parametrize("end", ["\n", "\r\nX: y", "\0", " "])
def test_an_id_is_a_uuid_and_nothing_after_it(call, end):
    uuid = "5a9c1c7e-0000-4000-8000-000000000001"
    assert call("POST", "/v2/images", json={"id": uuid + end}).status_code == 400
    for name in ("kernel_id", "ramdisk_id"):
        assert call("POST", "/v2/images", json={name: uuid + end}).status_code == 400
