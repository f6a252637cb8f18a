"""/images: what Tempest's tests of Compute's images hold, with the real Glance behind it."""

import pytest

from . import proxies
from .proxies import NONE

world = proxies.world
call = proxies.call


@pytest.fixture
def image(world):
    return world.cloud.image("alice", name="mine", min_disk=1, min_ram=64)


def ids(answer):
    assert answer.status_code == 200, answer.json
    return [image["id"] for image in answer.json["images"]]


def test_an_image_is_shown_in_the_old_words(call, image):
    shown = call("GET", f"/images/{image}").json["image"]
    assert shown == {
        "id": image, "name": "mine", "minDisk": 1, "minRam": 64, "status": "ACTIVE",
        "progress": 100, "metadata": {}, "OS-EXT-IMG-SIZE:size": 1024,
        "created": shown["created"], "updated": shown["updated"], "links": [
            {"rel": "self", "href": f"http://localhost/v2.1/images/{image}"},
            {"rel": "bookmark", "href": f"http://localhost/images/{image}"},
            {"rel": "alternate", "type": "application/vnd.openstack.image",
             "href": f"http://image.here.public/images/{image}"}]}
    assert call("GET", "/images/detail").json == {"images": [shown]}
    assert call("GET", "/images").json == {"images": [
        {name: shown[name] for name in ("id", "name", "links")}]}


def test_an_image_without_bytes_is_being_saved(world, call):
    queued = world.cloud.image("alice", data=None)
    shown = call("GET", f"/images/{queued}").json["image"]
    assert (shown["status"], shown["progress"], shown["OS-EXT-IMG-SIZE:size"]) == ("SAVING", 25, 0)


def test_an_image_of_a_server_says_so(world, call, image):
    vm = "11111111-2222-3333-4444-555555555555"
    taken = world.cloud.image("alice", instance_uuid=vm, image_type="snapshot",
                              auto_disk_config="True")
    shown = call("GET", f"/images/{taken}").json["image"]
    assert shown["server"] == {"id": vm, "links": [
        {"rel": "self", "href": f"http://localhost/v2.1/servers/{vm}"},
        {"rel": "bookmark", "href": f"http://localhost/servers/{vm}"}]}
    assert shown["OS-DCF:diskConfig"] == "AUTO"
    assert shown["metadata"] == {"instance_uuid": vm, "image_type": "snapshot",
                                 "auto_disk_config": "True"}
    for path in ("/images", "/images/detail"):
        for href in (vm, shown["server"]["links"][0]["href"], shown["server"]["links"][1]["href"]):
            assert ids(call("GET", f"{path}?server={href}")) == [taken]
        assert ids(call("GET", f"{path}?type=snapshot")) == [taken]
        assert ids(call("GET", f"{path}?property-image_type=snapshot")) == [taken]


def test_lists_are_filtered(world, call, image):
    queued = world.cloud.image("alice", name="other", data=None)
    for path in ("/images", "/images/detail"):
        assert ids(call("GET", path)) == [queued, image]
        assert ids(call("GET", f"{path}?status=ACTIVE")) == [image]
        assert ids(call("GET", f"{path}?status=SAVING")) == [queued]
        assert ids(call("GET", f"{path}?status=ERROR")) == []
        assert ids(call("GET", f"{path}?status=nix")) == []
        assert ids(call("GET", f"{path}?name=mine")) == [image]
        assert ids(call("GET", f"{path}?minRam=64&minDisk=1")) == [image]
        assert ids(call("GET", f"{path}?minRam=65")) == []
        assert ids(call("GET", f"{path}?other=ignored")) == [queued, image]
        created = call("GET", f"/images/{image}").json["image"]["created"]
        assert image in ids(call("GET", f"{path}?changes-since={created}"))
        assert ids(call("GET", f"{path}?changes-since=2999-01-01T00:00:00Z")) == []
        for wrong in ("limit=x", "limit=-1", "changes-since=x", "minRam=x", f"marker={NONE}",
                      "property-owner=red", "property-limit=1"):
            assert call("GET", f"{path}?{wrong}").status_code == 400, wrong


def test_a_list_has_pages(world, call):
    made = [world.cloud.image("alice", name=f"i{number}") for number in range(3)]
    first = call("GET", "/images?limit=2").json
    assert [image["id"] for image in first["images"]] == made[:0:-1]
    [following] = first["images_links"]
    assert following["rel"] == "next"
    second = call("GET", following["href"].partition("/v2.1")[2]).json
    assert [image["id"] for image in second["images"]] == made[:1]
    assert "images_links" not in second
    assert call("GET", "/images?limit=0").json == {"images": []}


def test_an_image_is_deleted(call, image):
    assert call("DELETE", f"/images/{image}").status_code == 204
    for method in ("GET", "DELETE"):
        for other in (image, NONE, "invalid", "-1", f"{NONE}1", f"{NONE[:-1]}j", "..", "."):
            assert call(method, f"/images/{other}").status_code == 404, other
        assert call(method, "/images/").status_code == 404


def test_an_image_of_nobodys_business(world, call, image):
    assert ids(call("GET", "/images", who="bob")) == []
    for method, path, body in (
        ("GET", "", None), ("DELETE", "", None), ("GET", "/metadata", None),
        ("POST", "/metadata", {"metadata": {"a": "b"}}), ("PUT", "/metadata", {"metadata": {}}),
        ("GET", "/metadata/a", None), ("PUT", "/metadata/a", {"meta": {"a": "b"}}),
        ("DELETE", "/metadata/a", None),
    ):
        assert call(method, f"/images/{image}{path}", body, who="bob").status_code == 404
    public = world.cloud.image()
    assert call("GET", f"/images/{public}", who="bob").status_code == 200
    assert call("DELETE", f"/images/{public}", who="bob").status_code == 403
    assert call("PUT", f"/images/{public}/metadata", {"metadata": {"a": "b"}},
                who="bob").status_code == 403
    protected = world.cloud.image("alice", protected=True)
    assert call("DELETE", f"/images/{protected}").status_code == 403


def test_metadata(call, image):
    path = f"/images/{image}/metadata"
    start = {"os_version": "value1", "os_distro": "value2"}
    assert call("PUT", path, {"metadata": start}).json == {"metadata": start}
    assert call("GET", path).json == {"metadata": start}
    assert call("PUT", path, {"metadata": {"os_version": "2", "architecture": "x"}}).json == {
        "metadata": {"os_version": "2", "architecture": "x"}}
    assert call("POST", path, {"metadata": {"os_version": "alt", "os_distro": "y"}}).json == {
        "metadata": {"os_version": "alt", "os_distro": "y", "architecture": "x"}}
    assert call("GET", f"{path}/os_distro").json == {"meta": {"os_distro": "y"}}
    assert call("PUT", f"{path}/os_version", {"meta": {"os_version": "3"}}).json == {
        "meta": {"os_version": "3"}}
    assert call("DELETE", f"{path}/os_version").status_code == 204
    assert call("GET", path).json == {"metadata": {"os_distro": "y", "architecture": "x"}}
    assert call("GET", f"/images/{image}").json["image"]["metadata"] == {
        "os_distro": "y", "architecture": "x"}
    assert call("PUT", path, {"metadata": {"os_distro": "y", "architecture": "x"}}).json == {
        "metadata": {"os_distro": "y", "architecture": "x"}}


def test_metadata_of_nothing_and_wrong_metadata(call, image):
    for method, path, body in (
        ("GET", "", None), ("POST", "", {"metadata": {"a": "b"}}),
        ("PUT", "", {"metadata": {"a": "b"}}), ("GET", "/a", None),
        ("PUT", "/a", {"meta": {"a": "b"}}), ("DELETE", "/a", None),
    ):
        assert call(method, f"/images/{NONE}/metadata{path}", body).status_code == 404
    path = f"/images/{image}/metadata"
    assert call("GET", f"{path}/none").status_code == 404
    assert call("DELETE", f"{path}/none").status_code == 404
    assert call("GET", f"{path}/name").status_code == 404
    for body in ({"metadata": {"": ""}}, {"metadata": {"a" * 256: "b"}}, {"metadata": {"a": 1}},
                 {"metadata": {"a": "b" * 256}}, {"metadata": {"name": "x"}}, {"metadata": {
                     "visibility": "public"}}, {"meta": {"a": "b"}}, {}, {"metadata": None}):
        for method in ("POST", "PUT"):
            assert call(method, path, body).status_code == 400, body
    for body in ({"meta": {"b": "1"}}, {"meta": {"a": "1", "b": "1"}}, {"meta": {}}, {},
                 {"meta": {"a": 1}}):
        assert call("PUT", f"{path}/a", body).status_code == 400, body
    many = {"metadata": {f"k{number}": "v" for number in range(129)}}
    assert call("PUT", path, many).status_code == 403
    assert call("GET", path).json == {"metadata": {}}


def test_the_last_versions(call, image):
    for path in ("/images", "/images/detail", f"/images/{image}"):
        assert call("GET", path, version="2.36").status_code == 404
    assert call("DELETE", f"/images/{image}", version="2.36").status_code == 404
    path = f"/images/{image}/metadata"
    for method, tail, body in (
        ("GET", "", None), ("PUT", "", {"metadata": {"a": "b"}}), ("GET", "/a", None),
        ("POST", "", {"metadata": {"a": "b"}}), ("PUT", "/a", {"meta": {"a": "b"}}),
    ):
        assert call(method, path + tail, body, version="2.38").status_code == 200
        assert call(method, path + tail, body, version="2.39").status_code == 404
    assert call("DELETE", f"{path}/a", version="2.39").status_code == 404
    assert call("DELETE", f"{path}/a", version="2.38").status_code == 204
