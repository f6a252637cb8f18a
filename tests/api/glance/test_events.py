"""What glance records of its changes; that each records something, all of its tests say."""

import json

import pytest

from cairn.glance.db.models import Event, EventReader

PATCH = "application/openstack-images-v2.1-json-patch"
DEFS = "/v2/metadefs/namespaces"


@pytest.fixture
def recorded(glance, follow):
    """recorded() -> the events since the last time."""
    return follow(glance.db, Event, EventReader)


def types(rows):
    return [row.type for row in rows]


def test_the_life_of_an_image(call, make, upload, recorded):
    image_id = make(os_distro="debian", tags=["b", "a"])
    made, = recorded()
    assert (made.type, made.resource_type, made.resource_id) == ("image.create", "image", image_id)
    assert (made.project_id, made.user_id) == ("red", "alice")
    assert made.payload.items() >= {
        "id": image_id, "status": "queued", "visibility": "shared", "is_public": False,
        "tags": ["a", "b"], "properties": {"os_distro": "debian"}, "deleted": False}.items()
    upload(image_id, b"bytes")
    sent, active = recorded()
    assert (sent.type, active.type) == ("image.upload", "image.activate")
    assert (active.payload["status"], active.payload["size"]) == ("active", 5)
    assert active.payload["checksum"] == call("GET", f"/v2/images/{image_id}").json["checksum"]
    changes = [{"op": "replace", "path": "/name", "value": "new"}]
    call("PATCH", f"/v2/images/{image_id}", data=json.dumps(changes), content_type=PATCH)
    call("PUT", f"/v2/images/{image_id}/tags/c")
    call("POST", f"/v2/images/{image_id}/actions/deactivate")
    named, tagged, stopped = recorded()
    assert types([named, tagged, stopped]) == ["image.update"] * 3
    assert (named.payload["name"], tagged.payload["tags"]) == ("new", ["a", "b", "c"])
    assert stopped.payload["status"] == "deactivated"
    call("DELETE", f"/v2/images/{image_id}", "admin")
    gone, = recorded()
    # The project is the image's, the user who did it.
    assert (gone.type, gone.project_id, gone.user_id) == ("image.delete", "red", "root")
    assert gone.payload["deleted"] is True


def test_what_was_done_before_is_no_change(call, make, upload, recorded):
    image_id = make()
    upload(image_id, b"bytes")
    call("POST", f"/v2/images/{image_id}/actions/deactivate")
    recorded()
    assert call("POST", f"/v2/images/{image_id}/actions/deactivate").status_code == 204
    assert call("PATCH", f"/v2/images/{image_id}", data="[]", content_type=PATCH
                ).status_code == 200
    assert recorded() == []


def test_what_is_refused_or_breaks_records_nothing(call, make, upload, recorded):
    image_id = make(disk_format="qcow2")
    recorded()
    assert upload(image_id, b"no qcow2").status_code == 415
    assert call("DELETE", f"/v2/images/{image_id}", "bob").status_code == 404
    assert recorded() == []


def test_members(call, make, recorded):
    image_id = make()
    recorded()
    path = f"/v2/images/{image_id}/members"
    call("POST", path, json={"member": "blue"})
    call("PUT", f"{path}/blue", "bob", json={"status": "accepted"})
    call("DELETE", f"{path}/blue")
    rows = recorded()
    assert types(rows) == ["image.member.create", "image.member.update", "image.member.delete"]
    assert [row.payload["status"] for row in rows] == ["pending", "accepted", "accepted"]
    assert {(row.resource_id, row.project_id) for row in rows} == {(image_id, "red")}


def test_an_import_is_a_task_that_ends(call, make, work, web, recorded):
    image_id = make()
    recorded()
    method = {"name": "web-download", "uri": f"{web.url}/image"}
    assert call("POST", f"/v2/images/{image_id}/import", json={"method": method}
                ).status_code == 202
    work()
    rows = recorded()
    assert types(rows) == ["task.create", "image.activate", "task.success"]
    assert rows[1].payload["status"] == "active" and rows[2].project_id == "red"
    # An address may have a password in it.
    assert web.url not in str([row.payload for row in rows])


def test_definitions(call, recorded):
    call("POST", DEFS, "admin", json={"namespace": "n"})
    call("PUT", f"{DEFS}/n", "admin", json={"namespace": "m"})
    call("POST", f"{DEFS}/m/objects", "admin", json={"name": "o"})
    call("PUT", f"{DEFS}/m/objects/o", "admin", json={"name": "p"})
    call("POST", f"{DEFS}/m/tags", "admin", json={"tags": [{"name": "t"}]})
    call("DELETE", f"{DEFS}/m/objects", "admin")
    call("DELETE", f"{DEFS}/m", "admin")
    rows = recorded()
    assert types(rows) == [
        "metadef_namespace.create", "metadef_namespace.update", "metadef_object.create",
        "metadef_object.update", "metadef_namespace.delete_tags", "metadef_tag.create",
        "metadef_namespace.delete_objects", "metadef_namespace.delete"]
    assert (rows[1].payload["namespace"], rows[1].payload["namespace_old"]) == ("m", "n")
    assert (rows[3].payload["name"], rows[3].payload["name_old"]) == ("p", "o")
