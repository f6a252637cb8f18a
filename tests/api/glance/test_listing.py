"""Lists of images: filters, sorting, pages."""

import pytest
from sqlalchemy import event


@pytest.fixture
def some(call, make):
    """Images by name: a (tags), b (properties), c (protected), d (hidden), and bob's e."""
    return {
        "a": make(name="a", tags=["x", "y"], min_ram=1), "b": make(name="b", os_distro="debian"),
        "c": make(name="c", protected=True, visibility="private"),
        "d": make(name="d", os_hidden=True), "e": make("bob", name="e", visibility="community"),
        "f,g": make(name="f,g", disk_format="qcow2")}


def names(call, query, who="alice"):
    found = call("GET", f"/v2/images?{query}", who)
    assert found.status_code == 200, found.json
    return [image["name"] for image in found.json["images"]]


@pytest.mark.parametrize(("query", "found"), [
    ("", "a b c f,g"), ("os_hidden=true", "d"), ("protected=true", "c"),
    ("protected=false", "a b f,g"), ("visibility=all", "a b c e f,g"),
    ("visibility=community", "e"), ("visibility=private", "c"), ("owner=red", "a b c f,g"),
    ("owner=blue&visibility=all", "e"), ("tag=x", "a"), ("tag=x&tag=y", "a"),
    ("tag=x&tag=z", ""), ("os_distro=debian", "b"), ("os_distro=x", ""), ("name=in:a,b", "a b"),
    ('name=in:"f,g",a', "a f,g"), ("name=eq:a", "a"), ("name=x:y", ""), ("min_ram=1", "a"),
    ("min_ram_min=1", "a"), ("size_min=1", ""), ("status=in:queued,active", "a b c f,g"),
    ("disk_format=qcow2", "f,g"), ("container_format=bare", "a b c f,g"), ("checksum=x", ""),
    ("created_at=gt:2020-01-01T00:00:00Z", "a b c f,g"), ("updated_at=lt:2020-01-01", ""),
    ("created_at=neq:2020-01-01T00:00:00%2B02:00", "a b c f,g"), ("limit=0", ""),
    ("size_max=1", ""), ("member_status=pending", "a b c f,g"), ("marker=", "a b c f,g"),
    # Of what is repeated the last counts, but an image has all the tags that are named.
    ("name=a&name=b", "b"), ("os_distro=x&os_distro=debian", "b"), ("protected=frog&protected=true",
                                                                   "c"),
    ("limit=0&limit=9", "a b c f,g"), ("visibility=private&visibility=community", "e"),
    ("os_hidden=false&os_hidden=true", "d"),
])
def test_filters_narrow_a_list(call, some, query, found):
    assert " ".join(sorted(names(call, query))) == found


def test_ids_narrow_a_list(call, some):
    assert sorted(names(call, f"id=in:{some['a']},{some['b']}")) == ["a", "b"]
    assert names(call, f"id={some['a']}") == ["a"]


def test_a_time_that_was_shown_is_found(call, some):
    when = call("GET", f"/v2/images/{some['a']}").json["created_at"]
    assert "a" in names(call, f"created_at=eq:{when}")
    assert "a" in names(call, f"created_at=lte:{when}")
    assert "a" not in names(call, f"created_at=gt:{when}")


@pytest.mark.parametrize(("query", "found"), [
    ("sort=name:desc", "f,g c b a"), ("sort_key=name&sort_dir=asc", "a b c f,g"),
    ("sort=disk_format:desc,name:asc", "a b c f,g"), ("sort_key=created_at&sort_dir=asc",
                                                      "a b c f,g"),
    ("sort_key=disk_format&sort_key=name&sort_dir=asc&sort_dir=desc", "f,g c b a"), ("",
     "f,g c b a")])
def test_a_list_is_sorted_as_asked(call, some, query, found):
    assert " ".join(names(call, query)) == found


@pytest.mark.parametrize("query", [
    "limit=x", "limit=-1", "marker=frog", "sort_key=frog", "sort_dir=up", "sort=name:up",
    "sort=name&sort_key=size", "sort_key=name&sort_dir=asc&sort_dir=desc", "visibility=frog",
    "member_status=frog", "os_hidden=frog", "protected=frog", "size_min=x", "min_ram=x",
    "created_at=gt:frog", "created_at=frog", 'name=in:"a', "name=neq:a", "changes-since=2020"])
def test_a_bad_query_is_refused(call, some, query):
    refused = call("GET", f"/v2/images?{query}")
    assert refused.status_code == 400
    assert query.split("=")[0].split("_")[0] in refused.json["message"]


def test_links_keep_what_was_asked(call, some):
    first = call("GET", "/v2/images?limit=1&tag=x&tag=y").json
    assert first["first"] == "/v2/images?limit=1&tag=x&tag=y"
    assert first["next"] == f"/v2/images?limit=1&tag=x&tag=y&marker={some['a']}"
    assert call("GET", first["next"]).json["images"] == []


@pytest.mark.parametrize("sort", ["size:asc", "name:desc,size:asc", "updated_at:asc"])
def test_pages_leave_nothing_out_where_values_are_missing_or_equal(call, some, upload, sort):
    upload(some["a"], b"\0" * 512)
    seen, url = [], f"/v2/images?limit=1&sort={sort}"
    while url:
        page = call("GET", url).json
        seen += [image["name"] for image in page["images"]]
        url = page.get("next")
    assert sorted(seen) == ["a", "b", "c", "f,g"]


@pytest.mark.parametrize("path", ["/v2/images", "/v2/images?sort=name:asc&limit=2",
                                  "/v2/images/ID"])
def test_images_are_read_by_two_statements_whatever_they_have(glance, call, make, path):
    ids = [make(tags=["a", "b"], os_distro="debian") for _ in range(3)]
    statements = []
    for engine in {glance.db.engine, glance.db._reading.kw["bind"]}:
        event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    assert call("GET", path.replace("ID", ids[0])).status_code == 200
    assert len(statements) == 2, statements


@pytest.fixture
def tasks(call):
    """The numbers of two pending tasks, the older first."""
    body = {"type": "import", "input": {"import_from": "http://127.0.0.1/x",
                                        "import_from_format": "raw", "image_properties": {}}}
    return [call("POST", "/v2/tasks", "admin", json=body).json["id"] for _ in range(2)]


@pytest.mark.parametrize(("query", "numbers"), [
    ("", [1, 0]), ("status=pending", [1, 0]), ("status=success", []), ("type=import", [1, 0]),
    ("type=api_image_import", []), ("type=import&status=failure", []), ("limit=1", [1]),
    ("sort_key=created_at&sort_dir=asc", [0, 1]), ("sort_key=status&sort_dir=asc", [0, 1]),
    ("status=success&status=pending", [1, 0]), ("limit=0", []), ("limit=0&limit=1", [1]),
])
def test_filters_narrow_a_list_of_tasks(call, tasks, query, numbers):
    listed = call("GET", f"/v2/tasks?{query}", "admin").json
    assert [task["id"] for task in listed["tasks"]] == [tasks[number] for number in numbers]
    assert listed["first"] == (f"/v2/tasks?{query}" if query else "/v2/tasks")


def test_the_next_tasks_are_of_the_same_list(call, tasks):
    query = "status=pending&limit=1&sort_key=created_at&sort_dir=asc"
    first = call("GET", f"/v2/tasks?{query}", "admin").json
    assert first["next"] == f"/v2/tasks?{query}&marker={tasks[0]}"
    second = call("GET", first["next"], "admin").json
    assert [task["id"] for task in second["tasks"]] == [tasks[1]]
    assert second["first"] == first["first"]


NS = "/v2/metadefs/namespaces"


@pytest.mark.parametrize(("query", "named"), [
    ("", "b a"), ("visibility=public", "b"), ("visibility=private", "a"), ("visibility=", "b a"),
    ("resource_types=X", "a"), ("resource_types=X,Y", "b a"), ("resource_types=Z", ""),
    ("sort_key=namespace&sort_dir=asc", "a b"), ("sort_key=display_name&sort_dir=desc", "a b"),
    ("limit=1", "b"), ("limit=1&marker=b", "a"), ("limit=0", ""), ("marker=", "b a"),
    ("visibility=public&visibility=private", "a"), ("resource_types=X&resource_types=Y", "b"),
    ("marker=a&marker=b", "a"),
])
def test_filters_narrow_a_list_of_namespaces(call, query, named):
    for body in ({"namespace": "a", "display_name": "2", "visibility": "private",
                  "resource_type_associations": [{"name": "X"}]},
                 {"namespace": "b", "display_name": "1", "visibility": "public",
                  "resource_type_associations": [{"name": "Y"}]}):
        assert call("POST", NS, "admin", json=body).status_code == 201
    listed = call("GET", f"{NS}?{query}", "admin").json
    assert " ".join(entry["namespace"] for entry in listed["namespaces"]) == named
