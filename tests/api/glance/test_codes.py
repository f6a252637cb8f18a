"""What each resource answers to what is wrong: the codes of the API reference, of upstream's
functional tests and of tempest's negative ones, by resource."""

import pytest

from cairn.glance.core.patching import NEW, OLD

NONE = "7bd7e6f2-6f0b-4c0e-a9ba-0a7f4f2cbb0f"  # An id of nothing.
LONG = "x" * 256
BYTES = b"12345"


def patch(op, path, *value):
    return [{"op": op, "path": path, **({"value": value[0]} if value else {})}]


def bring(name, **more):
    """The body of an import by that method."""
    stores = {key: more.pop(key) for key in ("stores", "all_stores", "all_stores_must_succeed")
              if key in more}
    return {"method": {"name": name, **more}, **stores}


def task(**more):
    return {"type": "import", "input": {
        "import_from": "http://127.0.0.1/x", "import_from_format": "raw", "image_properties": {},
    }, **more}


def property_(**more):
    return {"name": "new", "title": "N", "type": "string", **more}


NS = "/metadefs/namespaces"
# (who, method and path; body; code[; headers]), one after the other. Bytes are an image's, a list
# to PATCH is a patch.
CASES = {
    "images": [
        ("alice GET /images/{NONE}", None, 404), ("alice GET /images/x", None, 404),
        ("alice GET /images/{BLUE}", None, 404), ("alice DELETE /images/{NONE}", None, 404),
        ("alice DELETE /images/{BLUE}", None, 404), ("alice DELETE /images/{PUBLIC}", None, 403),
        ("alice DELETE /images/{PROTECTED}", None, 403),
        ("bob DELETE /images/{ACTIVE}", None, 403), ("rita DELETE /images/{QUEUED}", None, 403),
        ("alice GET /images/{GONE}", None, 404), ("alice DELETE /images/{GONE}", None, 404),
        ("alice POST /images", "{", 400), ("alice POST /images", [], 400),
        ("alice POST /images", {"name": "x", "container_format": "wrong"}, 400),
        ("alice POST /images", {"name": "x", "disk_format": "wrong"}, 400),
        ("alice POST /images", {"name": LONG}, 400), ("alice POST /images", {"name": 1}, 400),
        ("alice POST /images", {"visibility": "frog"}, 400),
        ("alice POST /images", {"visibility": "public"}, 403),
        ("alice POST /images", {"protected": "yes"}, 400),
        ("alice POST /images", {"os_hidden": "yes"}, 400),
        ("alice POST /images", {"min_ram": "x"}, 400),
        ("alice POST /images", {"min_disk": -1}, 400),
        ("alice POST /images", {"tags": "x"}, 400), ("alice POST /images", {"tags": [LONG]}, 400),
        ("alice POST /images", {"tags": [str(n) for n in range(129)]}, 413),
        ("alice POST /images", {f"p{n}": "x" for n in range(129)}, 413),
        ("alice POST /images", {"p": 1}, 400), ("alice POST /images", {LONG: "x"}, 400),
        ("alice POST /images", {"id": "x"}, 400), ("alice POST /images", {"id": "{QUEUED}"}, 409),
        ("alice POST /images", {"id": "{GONE}"}, 409),
        ("alice POST /images", {"owner": "blue"}, 403),
        *(("alice POST /images", {name: "x"}, 403)
          for name in ("direct_url", "self", "file", "schema", "stores", "location", "deleted",
                       "deleted_at", "os_glance_x", "checksum", "os_hash_algo", "created_at")),
        *(("alice POST /images", {name: value}, 403)
          for name, value in (("status", "active"), ("size", 1), ("virtual_size", 1))),
        ("rita POST /images", {"name": "x"}, 403), ("nobody POST /images", {}, 401),
        ("nobody GET /images", None, 401), ("nobody GET /images/{PUBLIC}", None, 401),
    ],
    "lists of images": [
        *((f"alice GET /images?{query}", None, 400) for query in (
            "limit=x", "limit=-1", "marker={NONE}", "marker={BLUE}", "sort_key=frog",
            "sort_dir=up", "sort=frog:asc", "sort=name:up", "sort=name&sort_key=name",
            "sort_key=name&sort_dir=asc&sort_dir=desc", "visibility=frog", "member_status=frog",
            "os_hidden=abc", "protected=maybe", "size_min=x", "size_max=x", "size=x",
            "min_ram=x", "created_at=gte:x", "updated_at=2026-13-01", "changes-since=x",
            "name=neq:x", "status=gt:active", 'name=in:"a', "container_format=lt:x")),
    ],
    "patches": [
        ("alice PATCH /images/{QUEUED}", [], 415, {"Content-Type": "application/json"}),
        ("alice PATCH /images/{QUEUED}", {}, 400, {"Content-Type": NEW}),
        ("alice PATCH /images/{QUEUED}", "[", 400, {"Content-Type": NEW}),
        ("alice PATCH /images/{QUEUED}", ["x"], 400),
        ("alice PATCH /images/{NONE}", patch("replace", "/name", "x"), 404),
        ("alice PATCH /images/{BLUE}", patch("replace", "/name", "x"), 404),
        ("alice PATCH /images/{PUBLIC}", patch("replace", "/name", "x"), 403),
        ("bob PATCH /images/{ACTIVE}", patch("replace", "/name", "x"), 403),
        ("rita PATCH /images/{QUEUED}", patch("replace", "/name", "x"), 403),
        *(("alice PATCH /images/{QUEUED}", body, 400) for body in (
            [{}], [{"op": "add"}], [{"path": "/name"}], patch("test", "/name", "x"),
            patch("replace", "/name"), patch("add", "name", "x"), patch("add", "/a//b", "x"),
            patch("add", "/a/", "x"), patch("add", "/a/b", "x"), patch("add", "/a~2", "x"),
            patch("add", "/a~", "x"), patch("add", "/", "x"), patch("replace", "/locations/0", {}),
            patch("add", "/locations", []), patch("replace", "/name", 1),
            patch("replace", "/name", LONG), patch("replace", "/visibility", "frog"),
            patch("replace", "/disk_format", "wrong"), patch("replace", "/tags", "x"),
            patch("replace", "/min_ram", "x"), patch("add", "/p", 1))),
        *(("alice PATCH /images/{QUEUED}", patch("replace", f"/{name}", "x"), 403) for name in (
            "id", "status", "checksum", "size", "virtual_size", "direct_url", "self", "file",
            "schema", "created_at", "updated_at", "os_hash_algo", "os_hash_value", "location",
            "deleted", "deleted_at", "os_glance_x")),
        ("alice PATCH /images/{QUEUED}", patch("remove", "/name"), 403),
        ("alice PATCH /images/{QUEUED}", patch("remove", "/tags"), 403),
        ("alice PATCH /images/{QUEUED}", patch("remove", "/id"), 403),
        ("alice PATCH /images/{QUEUED}", patch("replace", "/owner", "blue"), 403),
        ("alice PATCH /images/{QUEUED}", patch("replace", "/visibility", "public"), 403),
        ("alice PATCH /images/{ACTIVE}", patch("replace", "/disk_format", "qcow2"), 403),
        ("alice PATCH /images/{QUEUED}", patch("replace", "/frog", "x"), 409),
        ("alice PATCH /images/{QUEUED}", patch("remove", "/frog"), 409),
        ("alice PATCH /images/{QUEUED}", [{"add": "/name", "value": "x"}], 409,
         {"Content-Type": OLD}),
        ("alice PATCH /images/{QUEUED}", [{"add": "/a", "remove": "/b"}], 400,
         {"Content-Type": OLD}),
        ("alice PATCH /images/{QUEUED}", [{"x": "/a"}], 400, {"Content-Type": OLD}),
        ("alice PATCH /images/{QUEUED}",
         patch("replace", "/tags", [str(n) for n in range(129)]), 413),
        ("alice PATCH /images/{QUEUED}",
         [patch("add", f"/p{n}", "x")[0] for n in range(129)], 413),
    ],
    "data": [
        ("alice GET /images/{NONE}/file", None, 404), ("alice GET /images/{BLUE}/file", None, 404),
        ("rita GET /images/{ACTIVE}/file", None, 403), ("alice GET /images/{OFF}/file", None, 403),
        ("alice GET /images/{ACTIVE}/file?prefer=frog", None, 400),
        ("alice GET /images/{ACTIVE}/file", None, 416, {"Range": "bytes=99-"}),
        ("alice GET /images/{ACTIVE}/file", None, 416, {"Range": "frogs=1-2"}),
        *(("alice PUT /images/{NONE}/" + what, BYTES, 404) for what in ("file", "stage")),
        *(("alice PUT /images/{BLUE}/" + what, BYTES, 404) for what in ("file", "stage")),
        *(("alice PUT /images/{PUBLIC}/" + what, BYTES, 403) for what in ("file", "stage")),
        *(("bob PUT /images/{ACTIVE}/" + what, BYTES, 403) for what in ("file", "stage")),
        *(("rita PUT /images/{QUEUED}/" + what, BYTES, 403) for what in ("file", "stage")),
        *(("alice PUT /images/{ACTIVE}/" + what, BYTES, 409) for what in ("file", "stage")),
        *(("alice PUT /images/{QUEUED}/" + what, {}, 415) for what in ("file", "stage")),
        ("alice PUT /images/{STAGED}/stage", BYTES, 409),
        ("alice PUT /images/{QUEUED}/file", BYTES, 400, {"X-Image-Meta-Store": "frog"}),
        ("alice PUT /images/{QUEUED}/file", BYTES, 400, {"X-OpenStack-Image-Size": "9"}),
        ("alice PUT /images/{QUEUED}/file", BYTES, 400, {"X-OpenStack-Image-Size": "x"}),
        ("alice PUT /images/{QUEUED}/file", b"x" * (9 << 20), 413),
        ("alice POST /images/{NONE}/actions/deactivate", None, 404),
        ("alice POST /images/{BLUE}/actions/deactivate", None, 404),
        ("alice POST /images/{PUBLIC}/actions/deactivate", None, 403),
        ("rita POST /images/{ACTIVE}/actions/deactivate", None, 403),
        ("alice POST /images/{QUEUED}/actions/deactivate", None, 403),
        ("alice POST /images/{QUEUED}/actions/reactivate", None, 403),
        ("alice POST /images/{ACTIVE}/actions/frog", None, 404),
    ],
    "imports": [
        ("alice POST /images/{NONE}/import", bring("web-download", uri="http://127.0.0.1/x"), 404),
        ("alice POST /images/{BLUE}/import", bring("web-download", uri="http://127.0.0.1/x"), 404),
        ("rita POST /images/{QUEUED}/import",
         bring("web-download", uri="http://127.0.0.1/x"), 403),
        ("bob POST /images/{PUBLIC}/import", bring("copy-image", all_stores=True), 403),
        ("alice POST /images/{ACTIVE}/import", bring("copy-image", all_stores=True), 403),
        *(("alice POST /images/{QUEUED}/import", body, 400) for body in (
            {}, "{", {"method": {}}, {"method": "glance-direct"}, bring("frog"),
            bring("web-download"), bring("web-download", uri="file:///etc/passwd"),
            bring("web-download", uri="http://10.0.0.1/x"), bring("web-download", uri="frog"),
            bring("web-download", uri="http://127.0.0.1/x", all_stores="frog"),
            bring("web-download", uri="http://127.0.0.1/x", all_stores_must_succeed="frog"),
            bring("web-download", uri="http://127.0.0.1/x", all_stores=True, stores=["local"]))),
        ("alice POST /images/{QUEUED}/import",
         bring("web-download", uri="http://127.0.0.1/x", stores=["local"]), 400,
         {"X-Image-Meta-Store": "local"}),
        ("alice POST /images/{QUEUED}/import",
         bring("web-download", uri="http://127.0.0.1/x", stores=["frog"]), 409),
        ("alice POST /images/{QUEUED}/import", bring("glance-direct"), 409),
        ("alice POST /images/{ACTIVE}/import", bring("glance-direct"), 409),
        ("alice POST /images/{ACTIVE}/import",
         bring("web-download", uri="http://127.0.0.1/x"), 409),
        ("alice POST /images/{STAGED}/import",
         bring("web-download", uri="http://127.0.0.1/x"), 409),
        ("alice POST /images/{BARE}/import",
         bring("web-download", uri="http://127.0.0.1/x"), 409),
        ("admin POST /images/{QUEUED}/import", bring("copy-image", all_stores=True), 409),
        ("admin POST /images/{ACTIVE}/import", bring("copy-image", stores=["local"]), 400),
        ("alice GET /images/{NONE}/tasks", None, 404),
        ("alice GET /images/{BLUE}/tasks", None, 404),
    ],
    "members": [
        ("alice POST /images/{ACTIVE}/members", {"member": "blue"}, 409),
        ("alice POST /images/{ACTIVE}/members", {}, 400),
        ("alice POST /images/{ACTIVE}/members", {"member": ""}, 400),
        ("alice POST /images/{ACTIVE}/members", "{", 400),
        ("alice POST /images/{NONE}/members", {"member": "x"}, 404),
        ("alice POST /images/{BLUE}/members", {"member": "x"}, 404),
        ("alice POST /images/{PRIVATE}/members", {"member": "x"}, 403),
        ("alice POST /images/{PUBLIC}/members", {"member": "x"}, 403),
        ("bob POST /images/{ACTIVE}/members", {"member": "x"}, 403),
        ("rita POST /images/{ACTIVE}/members", {"member": "x"}, 403),
        ("alice GET /images/{NONE}/members", None, 404),
        ("alice GET /images/{BLUE}/members", None, 404),
        ("alice GET /images/{PRIVATE}/members", None, 403),
        ("alice GET /images/{PUBLIC}/members", None, 403),
        ("bob GET /images/{QUEUED}/members", None, 404),
        ("alice GET /images/{ACTIVE}/members/none", None, 404),
        ("alice GET /images/{PUBLIC}/members/blue", None, 404),
        ("bob GET /images/{QUEUED}/members/blue", None, 404),
        ("alice PUT /images/{ACTIVE}/members/blue", {"status": "accepted"}, 403),
        ("bob PUT /images/{ACTIVE}/members/blue", {"status": "notavalidstatus"}, 400),
        ("bob PUT /images/{ACTIVE}/members/blue", {}, 400),
        ("bob PUT /images/{ACTIVE}/members/none", {"status": "accepted"}, 404),
        ("bob PUT /images/{NONE}/members/blue", {"status": "accepted"}, 404),
        ("bob PUT /images/{PUBLIC}/members/blue", {"status": "accepted"}, 403),
        ("alice DELETE /images/{ACTIVE}/members/none", None, 404),
        ("alice DELETE /images/{NONE}/members/blue", None, 404),
        ("alice DELETE /images/{PRIVATE}/members/blue", None, 403),
        ("bob DELETE /images/{ACTIVE}/members/blue", None, 403),
    ],
    "tags": [
        (f"alice PUT /images/{{QUEUED}}/tags/{LONG}", None, 400),
        ("alice PUT /images/{NONE}/tags/x", None, 404),
        ("alice PUT /images/{BLUE}/tags/x", None, 404),
        ("alice PUT /images/{PUBLIC}/tags/x", None, 403),
        ("rita PUT /images/{QUEUED}/tags/x", None, 403),
        ("alice DELETE /images/{QUEUED}/tags/x", None, 404),
        ("alice DELETE /images/{NONE}/tags/x", None, 404),
        ("alice DELETE /images/{PUBLIC}/tags/x", None, 403),
    ],
    "locations and stores": [
        ("alice GET /images/{ACTIVE}/locations", None, 403),
        ("nova GET /images/{NONE}/locations", None, 404),
        ("alice POST /images/{QUEUED}/locations", {}, 400),
        ("alice POST /images/{QUEUED}/locations", {"url": ""}, 400),
        ("alice POST /images/{QUEUED}/locations", {"url": "http://127.0.0.1/x", "x": 1}, 400),
        ("alice POST /images/{QUEUED}/locations",
         {"url": "http://127.0.0.1/x", "validation_data": {"os_hash_algo": "sha512"}}, 400),
        ("alice POST /images/{QUEUED}/locations",
         {"url": "http://127.0.0.1/x",
          "validation_data": {"os_hash_algo": "sha512", "os_hash_value": "frog"}}, 400),
        ("alice POST /images/{ACTIVE}/locations", {"url": "http://127.0.0.1/x"}, 409),
        ("alice POST /images/{NONE}/locations", {"url": "http://127.0.0.1/x"}, 404),
        ("alice POST /images/{BLUE}/locations", {"url": "http://127.0.0.1/x"}, 404),
        ("bob POST /images/{ACTIVE}/locations", {"url": "http://127.0.0.1/x"}, 403),
        ("alice DELETE /stores/local/{ACTIVE}", None, 403),
        ("admin DELETE /stores/frog/{ACTIVE}", None, 409),
        ("admin DELETE /stores/local/{NONE}", None, 404),
        ("admin DELETE /stores/local/{QUEUED}", None, 409),
        ("admin DELETE /stores/local/{ACTIVE}", None, 403),
        ("admin DELETE /stores/second/{ACTIVE}", None, 403),
        ("alice GET /info/stores/detail", None, 403),
    ],
    "tasks": [
        ("alice GET /tasks", None, 403), ("alice POST /tasks", task(), 403),
        ("alice GET /tasks/{NONE}", None, 403), ("admin GET /tasks/{NONE}", None, 404),
        ("admin DELETE /tasks/{NONE}", None, 405),
        *(("admin POST /tasks", body, 400) for body in (
            {}, "{", task(type="frog"), task(input={}), task(input="x"), task(frog=1),
            {"type": "import"}, {"input": {}})),
        *((f"admin GET /tasks?{query}", None, 400) for query in (
            "status=frog", "type=frog", "limit=x", "limit=-1", "marker={NONE}", "sort_key=frog",
            "sort_dir=up")),
    ],
    "cache": [
        ("alice GET /cache", None, 403), ("alice PUT /cache/{ACTIVE}", None, 403),
        ("alice DELETE /cache/{ACTIVE}", None, 403), ("alice DELETE /cache", None, 403),
        ("alice POST /cache/clean", None, 403), ("alice POST /cache/prune", None, 403),
        ("admin PUT /cache/{NONE}", None, 404), ("admin PUT /cache/{QUEUED}", None, 400),
        ("admin DELETE /cache/{NONE}", None, 404), ("admin GET /cache/nodes/{NONE}", None, 404),
        ("admin DELETE /cache", None, 400, {"X-Image-Cache-Clear-Target": "frog"}),
    ],
    "namespaces": [
        (f"alice GET {NS}/None", None, 404), (f"bob GET {NS}/Secret", None, 404),
        (f"alice POST {NS}", {"namespace": "N"}, 403),
        (f"alice PUT {NS}/Full", {"namespace": "Full"}, 403),
        (f"alice DELETE {NS}/Full", None, 403), (f"bob DELETE {NS}/Secret", None, 404),
        *((f"admin POST {NS}", body, 400) for body in (
            {}, "{", [], {"namespace": ""}, {"namespace": "x" * 81}, {"namespace": 1},
            {"namespace": "N", "frog": 1}, {"namespace": "N", "visibility": "shared"},
            {"namespace": "N", "protected": "yes"}, {"namespace": "N", "description": "x" * 501},
            {"namespace": "N", "display_name": "x" * 81},
            {"namespace": "N", "properties": {"p": {"title": "P"}}},
            {"namespace": "N", "objects": [{}]}, {"namespace": "N", "tags": ["x"]},
            {"namespace": "N", "resource_type_associations": [{}]})),
        *((f"admin POST {NS}", {"namespace": "N", name: "x"}, 403)
          for name in ("self", "schema", "created_at", "updated_at")),
        (f"admin POST {NS}", {"namespace": "Full"}, 409),
        (f"admin PUT {NS}/None", {"namespace": "N"}, 404),
        (f"admin PUT {NS}/Full", {"namespace": "Secret"}, 409),
        (f"admin PUT {NS}/Full", {}, 400),
        (f"admin PUT {NS}/Full", {"namespace": "F", "x": 1}, 400),
        (f"admin DELETE {NS}/None", None, 404), (f"admin DELETE {NS}/Locked", None, 403),
        *((f"alice GET {NS}?{query}", None, 400) for query in (
            "visibility=frog", "limit=x", "limit=-1", "sort_key=frog", "sort_dir=up")),
        (f"alice GET {NS}?marker=None", None, 404),
    ],
    "contents of namespaces": [
        *((f"alice GET {NS}/None/{what}", None, 404)
          for what in ("objects", "properties", "tags", "resource_types")),
        *((f"alice GET {NS}/Full/{what}/none", None, 404)
          for what in ("objects", "properties", "tags")),
        *((f"admin DELETE {NS}/Full/{what}/none", None, 404)
          for what in ("objects", "properties", "tags", "resource_types")),
        *((f"admin DELETE {NS}/None/{what}", None, 404)
          for what in ("objects", "properties", "tags")),
        *((f"admin DELETE {NS}/Locked/{what}", None, 403)
          for what in ("objects", "properties", "tags", "objects/o", "properties/p", "tags/t",
                       "resource_types/OS::Glance::Image")),
        (f"alice POST {NS}/Full/objects", {"name": "new"}, 403),
        (f"admin POST {NS}/None/objects", {"name": "new"}, 404),
        (f"admin POST {NS}/Full/objects", {"name": "o"}, 409),
        (f"admin POST {NS}/Full/objects", {}, 400),
        (f"admin POST {NS}/Full/objects", {"name": "x" * 81}, 400),
        (f"admin POST {NS}/Full/objects", {"name": "new", "x": 1}, 400),
        (f"admin POST {NS}/Full/objects", {"name": "new", "self": "x"}, 403),
        (f"admin PUT {NS}/Full/objects/none", {"name": "new"}, 404),
        (f"admin PUT {NS}/Full/objects/o", {"name": "o2"}, 409),
        (f"admin PUT {NS}/Full/objects/o", {}, 400),
        *((f"alice GET {NS}/Full/objects?{query}", None, 400)
          for query in ("limit=x", "limit=-1", "limit=0", "sort_key=frog", "sort_dir=up")),
        (f"alice GET {NS}/Full/objects?marker=none", None, 404),
        (f"alice POST {NS}/Full/properties", property_(), 403),
        (f"admin POST {NS}/None/properties", property_(), 404),
        (f"admin POST {NS}/Full/properties", property_(name="p"), 409),
        *((f"admin POST {NS}/Full/properties", body, 400) for body in (
            {}, {"name": "new"}, {"name": "new", "title": "N"}, property_(type="frog"),
            property_(minimum="x"), property_(x=1), property_(name="x" * 81))),
        (f"admin PUT {NS}/Full/properties/none", property_(), 404),
        (f"admin PUT {NS}/Full/properties/p", property_(name="p2"), 409),
        (f"admin PUT {NS}/Full/properties/p", {}, 400),
        (f"alice GET {NS}/Full/properties/p?resource_type=none", None, 404),
        (f"alice GET {NS}/Full/properties/p?resource_type=OS::Glance::Image", None, 404),
        (f"alice POST {NS}/Full/tags/new", None, 403), (f"alice POST {NS}/Full/tags", {}, 403),
        (f"admin POST {NS}/None/tags/new", None, 404),
        (f"admin POST {NS}/Full/tags/t", None, 409),
        (f"admin POST {NS}/Full/tags/{'x' * 81}", None, 400),
        (f"admin POST {NS}/Full/tags", {"tags": [{}]}, 400),
        (f"admin POST {NS}/Full/tags", {"tags": "x"}, 400),
        (f"admin POST {NS}/Full/tags", {"tags": [{"name": "a"}, {"name": "a"}]}, 409),
        (f"admin POST {NS}/None/tags", {"tags": [{"name": "a"}]}, 404),
        (f"admin PUT {NS}/Full/tags/none", {"name": "new"}, 404),
        (f"admin PUT {NS}/Full/tags/t", {"name": "t2"}, 409),
        (f"admin PUT {NS}/Full/tags/t", {}, 400),
        (f"alice GET {NS}/Full/tags?marker=none", None, 404),
        (f"alice GET {NS}/Full/tags?limit=x", None, 400),
        (f"alice POST {NS}/Full/resource_types", {"name": "x"}, 403),
        (f"admin POST {NS}/None/resource_types", {"name": "x"}, 404),
        (f"admin POST {NS}/Full/resource_types", {}, 400),
        (f"admin POST {NS}/Full/resource_types", {"name": "x" * 81}, 400),
        (f"admin POST {NS}/Full/resource_types", {"name": "OS::Glance::Image"}, 409),
    ],
    "paths": [
        ("alice GET /nix", None, 404), ("alice GET /images/x/y/z", None, 404),
        ("alice GET /schemas/frog", None, 404), ("alice GET /schemas/metadefs/frog", None, 404),
        ("alice PATCH /images", [], 405), ("alice PUT /images/{QUEUED}", {}, 405),
        ("alice DELETE /images", None, 405), ("alice POST /images/{QUEUED}/file", None, 405),
        ("alice PUT /info/import", {}, 405), ("alice DELETE /schemas/image", None, 405),
    ],
}


@pytest.fixture
def world(call, make, upload):
    """What the paths of CASES name, by the name."""
    ids = {name: make(name=name, visibility="shared") for name in (
        "QUEUED", "ACTIVE", "STAGED", "OFF", "GONE")}
    ids["PROTECTED"] = make(protected=True)
    ids["PRIVATE"] = make(visibility="private")
    ids["BARE"] = make(disk_format=None, container_format=None)
    ids["BLUE"] = make("bob", visibility="private")
    ids["PUBLIC"] = make("admin", visibility="public")
    done = [upload(ids[name], BYTES) for name in ("ACTIVE", "OFF")]
    done += [
        upload(ids["PUBLIC"], BYTES, "admin"),
        call("PUT", f"/v2/images/{ids['STAGED']}/stage", data=BYTES,
             content_type="application/octet-stream"),
        call("POST", f"/v2/images/{ids['OFF']}/actions/deactivate"),
        call("DELETE", f"/v2/images/{ids['GONE']}"),
        call("POST", f"/v2/images/{ids['ACTIVE']}/members", json={"member": "blue"})]
    inside = {
        "resource_type_associations": [{"name": "OS::Glance::Image", "prefix": "hw_"}],
        "properties": {name: {"title": "P", "type": "string"} for name in ("p", "p2")},
        "objects": [{"name": "o"}, {"name": "o2"}], "tags": [{"name": "t"}, {"name": "t2"}]}
    done += [call("POST", f"/v2{NS}", "admin", json={"namespace": name, **inside, **more})
             for name, more in (("Full", {"visibility": "public"}), ("Secret", {}),
                                ("Locked", {"visibility": "public", "protected": True}))]
    assert [answer.status_code for answer in done if answer.status_code >= 400] == []
    return {**ids, "NONE": NONE}


def content(method, body):
    """How a test's body is sent: its bytes, and what they are said to be."""
    if isinstance(body, bytes):
        return {"data": body, "content_type": "application/octet-stream"}
    if isinstance(body, str):
        return {"data": body, "content_type": "application/json"}
    if method == "PATCH":
        return {"json": body, "content_type": NEW}
    return {} if body is None else {"json": body}


@pytest.mark.parametrize("resource", CASES)
def test_what_is_wrong(call, world, resource):
    wrong = []
    for request, body, code, *headers in CASES[resource]:
        who, method, path = request.split(" ")
        if isinstance(body, dict) and "id" in body:
            body = {"id": body["id"].format(**world)}
        sent = content(method, body)
        if headers and "Content-Type" in headers[0]:
            sent["content_type"] = headers[0]["Content-Type"]
        answer = call(method, f"/v2{path.format(**world)}", who,
                      headers=headers[0] if headers else None, **sent)
        if answer.status_code != code:
            wrong.append((request, str(body)[:200], code, answer.status_code, answer.json))
            continue
        told = answer.json
        assert told["code"].startswith(f"{code} ") and told["title"] and told["message"], request
    assert wrong == []
