"""Members of shared images."""

import pytest


@pytest.fixture
def shared(call, make):
    """The path of the members of an image of alice's that is shared with bob."""
    path = f"/v2/images/{make()}/members"
    assert call("POST", path, json={"member": "blue"}).status_code == 200
    return path


def listed(call, who, query=""):
    return len(call("GET", f"/v2/images?{query}", who).json["images"])


def test_a_member_is_shown_as_documented(call, shared):
    shown = call("GET", f"{shared}/blue").json
    assert shown.keys() == {"member_id", "image_id", "status", "created_at", "updated_at",
                            "schema"}
    assert (shown["status"], shown["schema"]) == ("pending", "/v2/schemas/member")
    assert call("GET", shared).json["members"] == [shown]


def test_only_the_member_says_what_it_thinks(call, shared):
    for who, status in (("alice", 403), ("rita", 403), ("bob", 200), ("admin", 200)):
        found = call("PUT", f"{shared}/blue", who, json={"status": "accepted"})
        assert found.status_code == status, who
    assert call("PUT", f"{shared}/blue", "bob", json={"status": "frog"}).status_code == 400
    assert call("PUT", f"{shared}/green", "bob", json={"status": "accepted"}).status_code == 404


@pytest.mark.parametrize(("status", "queries"), [
    ("pending", {"": 0, "member_status=pending": 1, "member_status=all": 1,
                 "member_status=rejected": 0, "visibility=shared": 0}),
    ("accepted", {"": 1, "member_status=pending": 0, "visibility=shared": 1,
                  "visibility=shared&member_status=accepted": 1, "visibility=public": 0}),
    ("rejected", {"": 0, "member_status=rejected": 1, "member_status=all": 1}),
])
def test_a_list_shows_what_the_member_took(call, shared, status, queries):
    call("PUT", f"{shared}/blue", "bob", json={"status": status})
    assert {query: listed(call, "bob", query) for query in queries} == queries
    assert listed(call, "alice") == 1


def test_a_member_knows_of_itself_only(call, shared):
    call("POST", shared, json={"member": "green"})
    assert [m["member_id"] for m in call("GET", shared, "bob").json["members"]] == ["blue"]
    assert call("GET", f"{shared}/green", "bob").status_code == 404
    assert len(call("GET", shared, "rita").json["members"]) == 2


@pytest.mark.parametrize(("method", "path", "body"), [
    ("POST", "", {"member": "x"}), ("DELETE", "/blue", None)])
def test_only_the_owner_shares(call, shared, method, path, body):
    assert call(method, shared + path, "bob", json=body).status_code == 403
    assert call(method, shared + path, "rita", json=body).status_code == 403
    assert call(method, shared + path, "nova", json=body).status_code == 403


def test_a_member_that_goes_sees_no_more(call, shared):
    image = shared.removesuffix("/members")
    assert call("GET", image, "bob").status_code == 200
    assert call("DELETE", f"{shared}/blue").status_code == 204
    assert call("DELETE", f"{shared}/blue").status_code == 404
    assert call("GET", image, "bob").status_code == 404


@pytest.mark.parametrize(("body", "status"), [
    ({}, 400), ({"member": ""}, 400), ({"member": 5}, 400), ({"member": "blue"}, 409),
    ({"member": "x" * 256}, 400)])
def test_a_bad_member_is_refused(call, shared, body, status):
    assert call("POST", shared, json=body).status_code == status


@pytest.mark.parametrize("visibility", ["private", "community"])
def test_only_shared_images_have_members(call, make, visibility):
    path = f"/v2/images/{make(visibility=visibility)}/members"
    assert call("POST", path, json={"member": "blue"}).status_code == 403
    assert call("GET", path).status_code == 403
    assert call("GET", f"{path}/blue").status_code == 404


def test_more_members_than_the_quota_are_too_many(call, shared):
    for number in range(127):
        assert call("POST", shared, json={"member": f"m{number}"}).status_code == 200
    assert call("POST", shared, json={"member": "more"}).status_code == 413
