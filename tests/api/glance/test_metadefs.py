"""Metadata definitions through the API."""

import pytest

NS = "/v2/metadefs/namespaces"
FULL = {
    "namespace": "Full", "visibility": "public",
    "resource_type_associations": [{"name": "OS::Glance::Image", "prefix": "hw_"}],
    "properties": {"p": {"title": "P", "type": "string"}},
    "objects": [{"name": "o", "required": ["q"], "properties": {
        "q": {"title": "Q", "type": "array", "items": {"type": "string"}}}}],
    "tags": [{"name": "t"}],
}
KEY = {"name": "k", "title": "K", "type": "integer", "minimum": 1, "enum": [1, 2]}


@pytest.fixture
def full(call):
    made = call("POST", NS, "admin", json=FULL)
    assert made.status_code == 201, made.json
    return f"{NS}/Full"


def test_a_namespace_shows_all_that_is_in_it(call, full):
    shown = call("GET", full).json
    assert shown["resource_type_associations"][0]["prefix"] == "hw_"
    assert (list(shown["properties"]), shown["tags"]) == (["p"], [{"name": "t"}])
    assert shown["objects"][0]["self"] == "/v2/metadefs/namespaces/Full/objects/o"
    assert shown["schema"] == "/v2/schemas/metadefs/namespace"


def test_a_resource_type_puts_its_prefix_before_the_keys(call, full):
    shown = call("GET", f"{full}?resource_type=OS::Glance::Image").json
    assert list(shown["properties"]) == ["hw_p"]
    assert list(shown["objects"][0]["properties"]) == shown["objects"][0]["required"] == ["hw_q"]
    one = f"{full}/properties/%s?resource_type=OS::Glance::Image"
    assert call("GET", one % "hw_p").json["name"] == "p"
    assert call("GET", one % "p").status_code == 404


@pytest.mark.parametrize(("method", "path"), [
    ("POST", ""), ("PUT", "/Full"), ("DELETE", "/Full"), ("POST", "/Full/objects"),
    ("DELETE", "/Full/objects/o"), ("POST", "/Full/tags/x"), ("DELETE", "/Full/tags"),
    ("POST", "/Full/resource_types"), ("DELETE", "/Full/properties"),
])
def test_only_administrators_define(call, full, method, path):
    body = {"namespace": "N"} if path in ("", "/Full") else {"name": "x"}
    assert call(method, NS + path, json=body).status_code == 403
    assert call("GET", f"{full}/objects/o").status_code == 200


def test_what_is_private_is_another_projects_404(call, full):
    call("POST", NS, "admin", json={"namespace": "Red", "owner": "red"})
    assert call("GET", f"{NS}/Red").status_code == 200
    for path in ("", "/objects", "/properties", "/tags", "/resource_types"):
        assert call("GET", f"{NS}/Red{path}", "bob").status_code == 404
    names = [[n["namespace"] for n in call("GET", NS, who).json["namespaces"]]
             for who in ("alice", "bob")]
    assert names == [["Red", "Full"], ["Full"]]


def test_what_is_protected_stays(call):
    call("POST", NS, "admin", json=FULL | {"protected": True})
    for path in ("", "/objects", "/objects/o", "/properties/p", "/tags/t",
                 "/resource_types/OS::Glance::Image"):
        assert call("DELETE", f"{NS}/Full{path}", "admin").status_code == 403
    call("PUT", f"{NS}/Full", "admin", json={"namespace": "Full"})
    assert call("DELETE", f"{NS}/Full", "admin").status_code == 204
    assert call("GET", f"{NS}/Full/objects", "admin").status_code == 404


@pytest.mark.parametrize(("body", "status", "says"), [
    ({}, 400, "namespace"), ({"namespace": "x" * 81}, 400, "namespace"),
    ({"namespace": "N", "frog": 1}, 400, "frog"), ({"namespace": "Full"}, 409, "Full"),
    ({"namespace": "N", "properties": {"p": {"title": "P"}}}, 400, "properties.p"),
    ({"namespace": "N", "created_at": "x"}, 403, "created_at"),
    ({"namespace": "N", "tags": [{"name": "a"}, {"name": "a"}]}, 409, "a"),
])
def test_a_bad_namespace_is_refused_by_name_and_leaves_nothing(call, full, body, status, says):
    refused = call("POST", NS, "admin", json=body)
    assert refused.status_code == status, refused.json
    assert says in refused.json["message"]
    assert call("GET", f"{NS}/N", "admin").status_code == 404


def test_namespaces_are_listed_by_pages_and_by_resource_type(call, full):
    for name in "abc":
        call("POST", NS, "admin", json={"namespace": name})
    seen, url = [], f"{NS}?limit=2&sort_key=namespace&sort_dir=asc"
    while url:
        page = call("GET", url, "admin").json
        seen += [n["namespace"] for n in page["namespaces"]]
        url = page.get("next")
    assert seen == ["Full", "a", "b", "c"]
    found = call("GET", f"{NS}?resource_types=OS::Glance::Image,x&visibility=public").json
    assert [n["namespace"] for n in found["namespaces"]] == ["Full"]
    assert found["namespaces"][0]["resource_type_associations"][0]["name"] == "OS::Glance::Image"


@pytest.mark.parametrize(("query", "status"), [
    ("limit=x", 400), ("limit=-1", 400), ("sort_key=frog", 400), ("sort_dir=up", 400),
    ("visibility=frog", 400), ("marker=frog", 404)])
def test_a_bad_query_is_refused(call, full, query, status):
    assert call("GET", f"{NS}?{query}").status_code == status


def test_a_renamed_namespace_keeps_its_contents(call, full):
    renamed = call("PUT", full, "admin", json={"namespace": "New", "description": "d"}).json
    assert (renamed["namespace"], renamed["visibility"]) == ("New", "private")
    assert call("GET", full, "admin").status_code == 404
    assert call("GET", f"{NS}/New/objects/o", "admin").json["name"] == "o"


def test_objects_come_change_and_go(call, full):
    path = f"{full}/objects"
    assert call("POST", path, "admin", json={"name": "o"}).status_code == 409
    made = call("POST", path, "admin", json={"name": "new", "description": "d"})
    assert (made.status_code, made.json["schema"]) == (201, "/v2/schemas/metadefs/object")
    assert [o["name"] for o in call("GET", f"{path}?sort_key=name&sort_dir=asc").json["objects"]
            ] == ["new", "o"]
    assert call("PUT", f"{path}/new", "admin", json={"name": "o"}).status_code == 409
    assert call("PUT", f"{path}/new", "admin", json={"name": "n2"}).json["name"] == "n2"
    assert call("DELETE", f"{path}/n2", "admin").status_code == 204
    assert call("GET", f"{path}/n2").status_code == 404


def test_properties_come_change_and_go(call, full):
    path = f"{full}/properties"
    assert call("POST", path, "admin", json=KEY).json == KEY
    assert call("POST", path, "admin", json=KEY).status_code == 409
    assert call("POST", path, "admin", json={"name": "x", "type": "integer"}).status_code == 400
    changed = call("PUT", f"{path}/k", "admin", json=KEY | {"name": "k2", "maximum": 3})
    assert (changed.json["name"], changed.json["maximum"]) == ("k2", 3)
    assert set(call("GET", path).json["properties"]) == {"p", "k2"}
    assert call("DELETE", f"{path}/k2", "admin").status_code == 204
    assert call("DELETE", path, "admin").status_code == 204
    assert call("GET", path).json == {"properties": {}}


def test_many_tags_replace_or_are_added(call, full):
    path = f"{full}/tags"

    def put(names, **headers):
        return call("POST", path, "admin", json={"tags": [{"name": n} for n in names]},
                    headers=headers).status_code

    def names():
        return sorted(t["name"] for t in call("GET", path).json["tags"])

    assert (put("ab"), names()) == (201, ["a", "b"])
    assert (put("c", **{"X-Openstack-Append": "True"}), names()) == (201, ["a", "b", "c"])
    assert (put("c", **{"X-Openstack-Append": "True"}), names()) == (409, ["a", "b", "c"])
    assert (put("dd"), put(""), names()) == (409, 201, ["a", "b", "c"])
    assert call("PUT", f"{path}/a", "admin", json={"name": "b"}).status_code == 409
    assert call("PUT", f"{path}/a", "admin", json={"name": "z"}).json["name"] == "z"
    assert call("POST", f"{path}/one", "admin").json["name"] == "one"
    assert call("DELETE", f"{path}/one", "admin").status_code == 204
    assert call("GET", f"{path}/one").status_code == 404


def test_a_namespace_goes_on_resource_types(call, full):
    path = f"{full}/resource_types"
    made = call("POST", path, "admin", json={"name": "OS::Nova::Flavor", "prefix": "hw:"})
    assert (made.status_code, made.json["prefix"]) == (201, "hw:")
    assert call("POST", path, "admin", json={"name": "OS::Nova::Flavor"}).status_code == 409
    assert len(call("GET", path).json["resource_type_associations"]) == 2
    assert call("DELETE", f"{path}/OS::Nova::Flavor", "admin").status_code == 204
    assert call("DELETE", f"{path}/OS::Nova::Flavor", "admin").status_code == 404


def test_resource_types_are_those_of_a_cloud_and_any_that_was_used(call, full):
    call("POST", f"{full}/resource_types", "admin", json={"name": "My::Thing"})
    known = [t["name"] for t in call("GET", "/v2/metadefs/resource_types").json["resource_types"]]
    assert known[0] == "My::Thing" and "OS::Glance::Image" in known
    assert len(set(known)) == len(known)


@pytest.mark.parametrize("name", [
    "namespace", "namespaces", "object", "objects", "property", "properties", "tag", "tags",
    "resource_type", "resource_types"])
def test_every_definition_has_its_schema(call, name):
    assert call("GET", f"/v2/schemas/metadefs/{name}").json["properties"]
    assert call("GET", "/v2/schemas/metadefs/frog").status_code == 404
