"""What is accepted as a name is addressable afterwards."""

from urllib.parse import quote

import pytest

NS = "/v2/metadefs/namespaces"
REFUSED = ["a/b", ".", "..", "a\nb", ""]
ACCEPTED = ["a b", "a?b", "a#b", "\u00e9t\u00e9", "a%2Fb", "...", "a.b", "a;b", "a:b", " a "]


def bodies(name):
    """What has a name inside, by the path that it is posted to."""
    key = {"name": name, "title": "K", "type": "string"}
    return [
        ("/v2/images", {"name": "tiny", "tags": [name]}), (NS, {"namespace": name}),
        (f"{NS}/N/objects", {"name": name}), (f"{NS}/N/properties", key),
        (f"{NS}/N/tags", {"tags": [{"name": name}]}), (f"{NS}/N/resource_types", {"name": name}),
        (NS, {"namespace": "M", "properties": {name: {"title": "K", "type": "string"}}}),
        (NS, {"namespace": "M", "objects": [{"name": name}]}),
        (NS, {"namespace": "M", "tags": [{"name": name}]}),
        (NS, {"namespace": "M", "resource_type_associations": [{"name": name}]})]


@pytest.fixture
def image(call, make):
    assert call("POST", NS, "admin", json={"namespace": "N"}).status_code == 201
    return make(visibility="shared")


@pytest.mark.parametrize("name", REFUSED, ids=range(len(REFUSED)))
def test_what_no_path_leads_to_is_refused(call, image, name):
    members = (f"/v2/images/{image}/members", {"member": name})
    for path, body in [*bodies(name), members]:
        assert call("POST", path, "admin", json=body).status_code == 400, (path, body)
    tags = [{"op": "replace", "path": "/tags", "value": [name]}]
    assert call("PATCH", f"/v2/images/{image}", json=tags, content_type=(
        "application/openstack-images-v2.1-json-patch")).status_code == 400


@pytest.mark.parametrize("name", ACCEPTED, ids=range(len(ACCEPTED)))
def test_what_is_accepted_is_found_and_taken_away(call, image, name):
    own = quote(name, safe="")
    for path, body in bodies(name)[2:6]:
        assert call("POST", path, "admin", json=body).status_code == 201, path
        if not path.endswith("resource_types"):
            assert call("GET", f"{path}/{own}", "admin").json["name"] == name
        assert call("DELETE", f"{path}/{own}", "admin").status_code == 204
        assert call("DELETE", f"{path}/{own}", "admin").status_code == 404
    assert call("POST", NS, "admin", json={"namespace": name}).status_code == 201
    assert call("DELETE", f"{NS}/{own}", "admin").status_code == 204
    members, tags = f"/v2/images/{image}/members", f"/v2/images/{image}/tags"
    assert call("POST", members, json={"member": name}).status_code == 200
    assert call("GET", f"{members}/{own}").json["member_id"] == name
    assert call("DELETE", f"{members}/{own}").status_code == 204
    assert call("PUT", f"{tags}/{own}").status_code == 204
    assert call("GET", f"/v2/images/{image}").json["tags"] == [name]
    assert call("DELETE", f"{tags}/{own}").status_code == 204


@pytest.mark.parametrize("path", ["/v2/%s/images", "/v2/%s/tasks", "/v2/%s/metadefs/namespaces"])
def test_no_project_is_in_a_path(call, path):
    """Glance's own paths have none, unlike those of compute and block storage."""
    assert call("GET", path % ("red0" * 8), "admin").status_code == 404
