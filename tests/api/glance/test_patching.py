"""Changing images: JSON patches, tags, actions, and whose images they are."""

import dataclasses
import json

import pytest
from sqlalchemy import update

from cairn.common.policy import Policy
from cairn.glance.app import create_app
from cairn.glance.db.models import Image
from cairn.glance.policy import RULES

NEW = "application/openstack-images-v2.1-json-patch"
OLD = "application/openstack-images-v2.0-json-patch"


@pytest.fixture
def patch(call):
    def patch(image_id, *changes, who="alice", kind=NEW):
        return call("PATCH", f"/v2/images/{image_id}", who, data=json.dumps(changes),
                    content_type=kind)

    return patch


def to(name, value, op="add"):
    return {"op": op, "path": f"/{name}", "value": value}


@pytest.mark.parametrize(("field", "value", "status"), [
    ("status", "active", 403), ("size", 5, 403), ("created_at", "x", 403), ("self", "x", 403),
    ("stores", "x", 403), ("locations", [], 403), ("location", "x", 403), ("deleted", "x", 403),
    ("os_glance_import_task", "x", 403), ("owner", "blue", 403), ("visibility", "public", 403),
    ("tags", ["x" * 256], 400), ("min_ram", 2**31, 400), ("kernel_id", "x", 400),
    ("k" * 256, "v", 400), ("k", "é" * 40000, 400), ("k", 5, 400),
    ("k", None, 400), ("tags", list("a" * 129), 201),
    ("tags", [str(n) for n in range(129)], 413),
])
def test_a_field_is_taken_or_refused_by_name(call, field, value, status):
    made = call("POST", "/v2/images", json={field: value})
    assert made.status_code == status, made.json
    if status in (400, 403):
        assert field[:20] in made.json["message"] or field in ("owner", "visibility")


def test_more_properties_than_the_quota_are_too_many(call, make, patch):
    many = {f"p{n}": "v" for n in range(128)}
    assert call("POST", "/v2/images", json=many | {"one": "more"}).status_code == 413
    image_id = make(**many)
    assert patch(image_id, to("more", "v")).status_code == 413
    assert patch(image_id, to("p1", "w")).status_code == 200
    swapped = [{"op": "remove", "path": "/p1"}, to("more", "v")]
    assert patch(image_id, *swapped).status_code == 200


@pytest.mark.parametrize(("change", "status", "says"), [
    (to("a/b", "v"), 400, "/a/b"), ({"op": "add", "path": "a", "value": "v"}, 400, "path 'a'"),
    (to("a~2", "v"), 400, "~"), (to("tags/-", "v"), 400, "tags"), (to("", "v"), 400, "empty"),
    ({"path": "/a", "value": "v"}, 400, "op"), ({"op": "add", "path": "/a"}, 400, "value"),
    ("frog", 400, "objects"), (to("id", "v"), 403, "id"), (to("os_glance_x", "v"), 403, "os_gl"),
    ({"op": "remove", "path": "/name"}, 403, "name"), (to("min_disk", "x"), 400, "min_disk"),
    ({"op": "remove", "path": "/frog"}, 409, "frog"), (to("owner", "blue"), 403, "Owner"),
    (to("locations/-", {"url": "http://x", "metadata": {}}), 403, "ocations"),
    (to("locations", [{"url": "http://x"}], "replace"), 400, "locations"),
])
def test_a_bad_change_is_refused_and_changes_nothing(call, make, patch, change, status, says):
    image_id = make()
    before = call("GET", f"/v2/images/{image_id}").json
    refused = patch(image_id, to("first", "v"), change)
    assert refused.status_code == status, refused.json
    assert says in refused.json["message"]
    assert call("GET", f"/v2/images/{image_id}").json == before


def test_any_name_of_a_property_can_be_written(make, patch):
    image_id = make()
    shown = patch(image_id, to("a~1b", "1"), to("a~0b", "2"), to("ключ", "été"), to("A", "3"),
                  to("a", "4")).json
    assert [shown[name] for name in ("a/b", "a~b", "ключ", "A", "a")] == [
        "1", "2", "été", "3", "4"]


def test_in_the_older_form_an_add_never_replaces(make, patch):
    image_id = make(foo="bar")
    assert patch(image_id, {"add": "/foo", "value": "x"}, kind=OLD).status_code == 409
    assert patch(image_id, {"add": "/name", "value": "x"}, kind=OLD).status_code == 409
    assert patch(image_id, {"add": "/new", "value": "x"}, kind=OLD).status_code == 200
    assert patch(image_id, {"remove": "/new"}, kind=OLD).status_code == 200
    assert patch(image_id, {"add": "/a", "remove": "/b"}, kind=OLD).status_code == 400


def test_another_kind_of_patch_is_not_understood(patch, make):
    refused = patch(make(), kind="application/json")
    assert refused.status_code == 415
    assert NEW in refused.json["message"]


@pytest.mark.parametrize(("visibility", "who", "status"), [
    ("private", "bob", 404), ("community", "bob", 403), ("community", "rita", 403),
    ("private", "rita", 403), ("private", "admin", 200)])
def test_who_may_change_what(make, patch, call, visibility, who, status):
    image_id = make(visibility=visibility)
    assert patch(image_id, to("name", "x"), who=who).status_code == status
    assert call("PUT", f"/v2/images/{image_id}/tags/x", who).status_code == (
        204 if status == 200 else status)
    assert call("DELETE", f"/v2/images/{image_id}", who).status_code == (
        204 if status == 200 else status)


def test_stores_are_shown_and_not_written(make, upload, patch, call):
    image_id = make()
    upload(image_id, b"\0" * 1024)
    assert patch(image_id, to("stores", "x")).status_code == 403
    kept = patch(image_id, {"op": "remove", "path": "/stores"}, to("a", "b"))
    assert (kept.status_code, kept.json["stores"], kept.json["a"]) == (200, "local", "b")


def test_formats_are_fixed_while_content_is_held_against_them(make, patch, glance):
    image_id = make()
    for status in ("importing", "saving", "uploading", "active"):
        with glance.db.writing() as session:
            session.execute(update(Image).where(Image.id == image_id).values(status=status))
        assert patch(image_id, to("disk_format", "qcow2", "replace")).status_code == 403
        assert patch(image_id, to("container_format", "ova", "replace")).status_code == 403


def test_formats_are_fixed_once_there_are_bytes(make, upload, patch):
    image_id = make()
    assert patch(image_id, to("disk_format", "qcow2", "replace")).status_code == 200
    assert patch(image_id, to("disk_format", "raw", "replace")).status_code == 200
    upload(image_id, b"\0" * 1024)
    assert patch(image_id, to("disk_format", "qcow2", "replace")).status_code == 403
    assert patch(image_id, to("os_hidden", True, "replace")).json["os_hidden"] is True


def test_tags_are_put_and_deleted(call, make):
    image_id = make(tags=["b"])
    path = f"/v2/images/{image_id}/tags"
    assert call("PUT", f"{path}/a").status_code == call("PUT", f"{path}/A").status_code == 204
    assert call("GET", f"/v2/images/{image_id}").json["tags"] == ["A", "a", "b"]
    assert call("DELETE", f"{path}/a").status_code == 204
    assert call("DELETE", f"{path}/a").status_code == 404
    assert call("PUT", f"{path}/{'x' * 256}").status_code == 400


def test_a_tag_beyond_the_quota_is_too_many(call, make):
    image_id = make(tags=[str(n) for n in range(128)])
    assert call("PUT", f"/v2/images/{image_id}/tags/5").status_code == 204
    assert call("PUT", f"/v2/images/{image_id}/tags/more").status_code == 413


@pytest.mark.parametrize("action", ["deactivate", "reactivate"])
def test_an_action_needs_bytes_and_the_owner(call, make, upload, action):
    image_id = make(visibility="community")
    path = f"/v2/images/{image_id}/actions/{action}"
    assert call("POST", path).status_code == 403
    upload(image_id, b"\0" * 1024)
    assert call("POST", path, "bob").status_code == call("POST", path, "rita").status_code == 403
    assert call("POST", path).status_code == call("POST", path).status_code == 204
    assert call("POST", f"/v2/images/frog/actions/{action}").status_code == 404


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_an_empty_id_is_no_image(call, method):
    assert call(method, "/v2/images/").status_code == 404


@pytest.mark.parametrize(("accept", "kind"), [
    ("*/*", "text/plain"), ("application/json", "application/json"), ("", "application/json")])
def test_a_refusal_is_worded_as_the_client_reads_it(call, accept, kind):
    refused = call("GET", "/v2/images/frog", headers={"Accept": accept})
    assert (refused.status_code, refused.mimetype) == (404, kind)
    assert "No image found with ID frog" in refused.text


def test_rules_are_those_of_upstream():
    """A rule's name, check string and scopes are a promise to those who override them."""
    assert RULES["get_image"].check == (
        "rule:context_is_admin or (role:reader and (project_id:%(project_id)s or "
        "project_id:%(member_id)s or 'community':%(visibility)s or 'public':%(visibility)s or "
        "'shared':%(visibility)s))")
    assert all(rule.scopes == ("project",) for name, rule in RULES.items() if name not in (
        "default", "service_api", "metadef_default", "metadef_admin"))


def test_an_operators_rule_may_ask_for_a_property(glance, people, tmp_path):
    file = tmp_path / "policy.yaml"
    file.write_text('"get_image": "role:admin or not \'yes\':%(secret)s"\n'
                    '"download_image": "role:admin or \'raw\':%(disk_format)s"\n')
    own = dataclasses.replace(glance, policy=Policy(RULES, str(file)))
    client = create_app(own, lambda h: people.get(h.get("X-Auth-Token")), {}).test_client()

    def ask(method, path, who="alice", **args):
        return client.open(path, method=method, headers={"X-Auth-Token": who}, **args)

    ids = [ask("POST", "/v2/images", json={"container_format": "bare"} | fields).json["id"]
           for fields in ({"secret": "yes"}, {"disk_format": "raw"}, {"disk_format": "qcow2"})]
    assert [ask("GET", f"/v2/images/{i}").status_code for i in ids] == [404, 200, 200]
    assert [ask("GET", f"/v2/images/{i}/file").status_code for i in ids] == [404, 204, 403]
    assert {i["id"] for i in ask("GET", "/v2/images").json["images"]} == set(ids[1:])
    assert len(ask("GET", "/v2/images?owner=red", "admin").json["images"]) == 3
