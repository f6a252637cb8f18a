"""/os-keypairs"""

from cairn.common.context import Context

from .conftest import PEOPLE

KEY = ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPgGj6M1Zz5q8hUq5xj0O8u2zGm0rY1s0o7m3uJ0f0Zk "
       "alice@example.org")


def test_an_imported_key_is_kept(call):
    made = call("POST", "/v2.1/os-keypairs", {"keypair": {"name": "k", "public_key": KEY}})
    assert made.status_code == 201
    assert made.json["keypair"]["fingerprint"].count(":") == 15
    assert "private_key" not in made.json["keypair"]
    shown = call("GET", "/v2.1/os-keypairs/k").json["keypair"]
    assert (shown["public_key"], shown["type"], shown["deleted"]) == (KEY, "ssh", False)
    assert call("GET", "/v2.1/os-keypairs/k", who="bob").status_code == 404
    again = call("POST", "/v2.1/os-keypairs", {"keypair": {"name": "k", "public_key": KEY}})
    assert again.status_code == 409
    assert call("DELETE", "/v2.1/os-keypairs/k").status_code == 204
    assert call("GET", "/v2.1/os-keypairs").json["keypairs"] == []


def test_a_generated_key_is_shown_once(call):
    made = call("POST", "/v2.1/os-keypairs", {"keypair": {"name": "k"}}, version="2.1")
    assert made.status_code == 200
    assert made.json["keypair"]["private_key"].startswith("-----BEGIN RSA PRIVATE KEY-----")
    assert "type" not in made.json["keypair"]
    assert call("DELETE", "/v2.1/os-keypairs/k", version="2.1").status_code == 202


def test_bad_keys_are_refused(call):
    for body, field in (
        ({"name": "k", "public_key": "no key"}, "public_key"), ({"public_key": KEY}, "name"),
        ({"name": "k" * 256, "public_key": KEY}, "name"), ({"name": "k"}, "public_key"),
    ):
        refused = call("POST", "/v2.1/os-keypairs", {"keypair": body})
        assert refused.status_code == 400
        assert field in refused.json["badRequest"]["message"]


def test_only_admins_see_others_keys(call):
    call("POST", "/v2.1/os-keypairs", {"keypair": {"name": "k", "public_key": KEY}})
    path = "/v2.1/os-keypairs/k?user_id=alice"
    assert call("GET", path, who="admin").status_code == 200
    assert call("GET", path, who="bob").status_code == 403
    assert call("GET", path, who="admin", version="2.1").status_code == 404


def test_the_quota_counts_keys(call):
    call("PUT", "/v2.1/os-quota-sets/red", {"quota_set": {"key_pairs": 1}}, who="admin")
    call("POST", "/v2.1/os-keypairs", {"keypair": {"name": "a", "public_key": KEY}})
    refused = call("POST", "/v2.1/os-keypairs", {"keypair": {"name": "b", "public_key": KEY}})
    assert refused.status_code == 403


def test_a_token_without_a_project_makes_none(call, monkeypatch):
    monkeypatch.setitem(PEOPLE, "unscoped", Context("alice"))
    body = {"keypair": {"name": "k", "public_key": KEY}}
    assert call("POST", "/v2.1/os-keypairs", body, who="unscoped").status_code == 403
    assert call("GET", "/v2.1/os-keypairs", who="unscoped").status_code == 403
    assert call("GET", "/v2.1/os-keypairs").json["keypairs"] == []


def test_a_name_can_be_put_into_a_path(call):
    for name in ("a/b", "a\nb", "a\0"):
        for version in ("2.1", "2.10", "2.92"):
            body = {"keypair": {"name": name, "public_key": KEY}}
            refused = call("POST", "/v2.1/os-keypairs", body, version=version)
            assert refused.status_code == 400
            assert "name" in refused.json["badRequest"]["message"]
