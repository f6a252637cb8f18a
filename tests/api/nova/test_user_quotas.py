"""Limits that one user has in a project, beside the project's."""

import pytest

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g a"
RED = "/v2.1/os-quota-sets/red"
ALICE = f"{RED}?user_id=alice"


@pytest.fixture
def limit(call):
    """limit(path, **limits) -> the response of the admin's PUT."""

    def limit(path, **limits):
        return call("PUT", path, {"quota_set": limits}, who="admin")

    return limit


def limits(call, path=RED, who="admin"):
    return call("GET", path, who=who).json["quota_set"]


def test_a_users_limit_is_not_the_projects(call, limit):
    assert limit(RED, ram=5120).json["quota_set"]["ram"] == 5120
    assert limit(ALICE, ram="2048").json["quota_set"]["ram"] == 2048
    assert limits(call, ALICE)["ram"] == 2048
    assert limits(call, ALICE, who="alice")["ram"] == 2048
    # Of what was not said to be the user's, the project's holds.
    assert limits(call, ALICE)["cores"] == 20
    assert limits(call)["ram"] == limits(call, f"{RED}?user_id=rita")["ram"] == 5120


def test_one_without_an_id_is_the_projects(call, limit):
    assert limit(f"{RED}?user_id=", cores=7).json["quota_set"]["cores"] == 7
    assert limits(call)["cores"] == 7


def test_deleting_a_users_limits_leaves_the_projects(call, limit):
    limit(RED, cores=9)
    limit(ALICE, cores=3)
    limit(f"{RED}?user_id=rita", cores=2)
    assert call("DELETE", ALICE, who="admin").status_code == 202
    assert limits(call)["cores"] == limits(call, ALICE)["cores"] == 9
    assert limits(call, f"{RED}?user_id=rita")["cores"] == 2


def test_deleting_the_projects_limits_deletes_its_users(call, limit):
    limit(RED, cores=9)
    limit(ALICE, cores=3)
    limit("/v2.1/os-quota-sets/blue?user_id=alice", cores=4)
    assert call("DELETE", RED, who="admin").status_code == 202
    assert limits(call)["cores"] == limits(call, ALICE)["cores"] == 20
    assert limits(call, "/v2.1/os-quota-sets/blue?user_id=alice")["cores"] == 4


def test_users_share_out_what_the_project_has(call, limit):
    limit(RED, cores=10)
    assert limit(ALICE, cores=11).status_code == 400
    assert limit(ALICE, cores=-1).status_code == 400
    assert limit(ALICE, cores=8).status_code == 200
    refused = limit(f"{RED}?user_id=rita", cores=3)
    assert refused.status_code == 400
    assert "cores must be less than or equal to 2" in refused.json["badRequest"]["message"]
    # What the user has already counts for the user, not against.
    assert limit(ALICE, cores=10).status_code == 200
    assert limit(RED, cores=9).status_code == 400
    assert limit(RED, cores=9, force=True).status_code == 200


def test_of_what_is_not_limited_a_user_may_get_anything(call, limit):
    limit(RED, cores=-1)
    assert limit(ALICE, cores=1000).status_code == 200
    assert limit(ALICE, cores=-1).status_code == 200


def test_a_users_limit_is_held_at_boot(call, create, limit):
    limit(ALICE, instances=1, cores=-1, force=True)
    assert create().status_code == 202
    refused = create()
    assert refused.status_code == 403
    assert "Requested 1, but already used 1 of 1 instances" in (
        refused.json["forbidden"]["message"])
    assert create(who="anna").status_code == 202
    assert call("GET", f"{RED}/detail").json["quota_set"]["instances"]["in_use"] == 2


def test_and_the_projects_too(call, create, limit):
    limit(RED, instances=1)
    limit(ALICE, instances=2, force=True)
    assert create().status_code == 202
    assert create().status_code == 403


def test_what_was_refused_is_not_counted(call, create, limit, world):
    limit(ALICE, cores=1)
    server = create().json["server"]["id"]
    assert create().status_code == 403
    assert call("DELETE", f"/v2.1/servers/{server}").status_code == 204
    world.settle()
    detail = call("GET", f"{RED}/detail").json["quota_set"]
    assert detail["cores"] == {"limit": 20, "in_use": 0, "reserved": 0}
    assert create().status_code == 202


def test_usage_of_a_user_is_told(call, create, server, world):
    assert create(who="alice").status_code == 202
    detail = call("GET", f"{RED}/detail?user_id=alice").json["quota_set"]
    assert (detail["instances"]["in_use"], detail["ram"]["in_use"]) == (2, 1024)
    detail = call("GET", f"{RED}/detail?user_id=rita").json["quota_set"]
    assert detail["instances"]["in_use"] == 0


def test_no_limit_is_below_what_the_user_has(call, limit, server):
    assert limit(ALICE, cores=0).status_code == 400
    assert limit(f"{RED}?user_id=rita", cores=0).status_code == 200


def test_groups_keys_and_metadata_have_users_limits_too(call, create, limit):
    limit(ALICE, server_groups=1, key_pairs=1, metadata_items=1)
    group = {"server_group": {"name": "g", "policy": "affinity"}}
    assert call("POST", "/v2.1/os-server-groups", group).status_code == 200
    assert call("POST", "/v2.1/os-server-groups", group).status_code == 403
    for name, code in (("a", 201), ("b", 403)):
        key = {"keypair": {"name": name, "public_key": KEY}}
        assert call("POST", "/v2.1/os-keypairs", key).status_code == code
    assert create(metadata={"a": "1", "b": "2"}).status_code == 403
    assert create(metadata={"a": "1"}).status_code == 202


def test_a_users_limit_widens_none_of_the_projects(call, create, limit):
    limit(RED, key_pairs=0, metadata_items=1, server_groups=0)
    limit(ALICE, key_pairs=-1, metadata_items=5, server_groups=5, force=True)
    key = {"keypair": {"name": "a", "public_key": KEY}}
    assert call("POST", "/v2.1/os-keypairs", key).status_code == 403
    assert create(metadata={"a": "1", "b": "2"}).status_code == 403
    group = {"server_group": {"name": "g", "policy": "affinity"}}
    assert call("POST", "/v2.1/os-server-groups", group).status_code == 403


def test_a_user_id_that_nobody_has_is_refused(call, limit):
    for method in ("GET", "PUT", "DELETE"):
        body = {"quota_set": {"cores": 1}} if method == "PUT" else None
        path = f"{RED}?user_id={'x' * 65}"
        assert call(method, path, body, who="admin").status_code == 400


def test_versions_know_the_parameter(call, limit):
    body = {"quota_set": {"cores": 1}}
    for version in ("2.1", "2.36", "2.57", "2.75"):
        put = call("PUT", ALICE, body, who="admin", version=version)
        assert put.json["quota_set"]["cores"] == 1
        assert limits(call)["cores"] == 20
    put = call("PUT", f"{RED}?bogus=1", body, who="admin", version="2.75")
    assert put.status_code == 400
