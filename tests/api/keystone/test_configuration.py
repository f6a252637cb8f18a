"""What a domain sets for itself: whitelisted, merged, and never its secrets."""

import dataclasses

import pytest

from .conftest import Caller, client_of

LDAP = {"identity": {"driver": "ldap"},
        "ldap": {"url": "ldap://here", "suffix": "dc=here", "password": "hush"}}


@pytest.fixture
def where(world):
    return f"/domains/{world.domain_id}/config"


def test_set_read_changed_and_gone(admin, where):
    assert admin("GET", where).status_code == 404
    first = admin("PUT", where, {"config": LDAP})
    told = {"identity": {"driver": "ldap"}, "ldap": {"url": "ldap://here", "suffix": "dc=here"}}
    assert (first.status_code, first.json["config"]) == (201, told)
    assert admin("PUT", where, {"config": LDAP}).status_code == 200
    assert admin.ok("GET", f"{where}/ldap")["config"] == {"ldap": told["ldap"]}
    assert admin.ok("GET", f"{where}/ldap/url")["config"] == {"url": "ldap://here"}
    changed = admin.ok("PATCH", f"{where}/ldap/url", {"config": {"url": "ldap://there"}})
    assert changed["config"]["ldap"]["url"] == "ldap://there"
    assert admin("DELETE", f"{where}/ldap/url").status_code == 204
    assert admin("DELETE", f"{where}/ldap/url").status_code == 404
    assert admin("DELETE", where).status_code == 204
    assert admin("GET", where).status_code == 404


def test_a_secret_is_never_told_and_not_in_the_database(admin, where, db):
    admin.ok("PUT", where, {"config": LDAP})
    assert "hush" not in admin("GET", where).text
    assert admin("GET", f"{where}/ldap/password").status_code == 404
    with db.reading() as session:
        rows = session.connection().exec_driver_sql("SELECT value FROM domain_options").all()
    assert len(rows) == 4 and "hush" not in str(rows)


@pytest.mark.parametrize(("path", "config", "code"), [
    ("", {"magic": {"a": 1}}, 403), ("", {"ldap": {"magic": 1}}, 403), ("", {}, 403),
    ("", {"ldap": {}}, 403), ("/ldap", {"identity": {"driver": "x"}}, 403),
    ("/ldap/url", {"url": "a", "suffix": "b"}, 403), ("/ldap/page_size", {"page_size": 1}, 404),
])
def test_what_is_refused(admin, where, path, config, code):
    admin.ok("PUT", where, {"config": LDAP})
    assert admin("PATCH", where + path, {"config": config}).status_code == code


def test_defaults(admin, alice):
    every = admin.ok("GET", "/domains/config/default")["config"]
    assert every["identity"] == {"driver": "sql", "list_limit": None}
    assert "password" not in every["ldap"]
    one = admin.ok("GET", "/domains/config/ldap/url/default")["config"]
    assert one == {"url": "ldap://localhost"}
    assert admin("GET", "/domains/config/ldap/password/default").status_code == 403
    assert alice("GET", "/domains/config/default").status_code == 403


def test_who_may_not(alice, world, where):
    for caller in (alice, world.as_("manager")):
        for method in ("PUT", "PATCH"):
            assert caller(method, where, {"config": LDAP}).status_code == 403
        for method in ("GET", "DELETE"):
            assert caller(method, where).status_code == 403


def test_everybody_may_read_what_a_password_must_be(keystone, alice, where):
    rules = dataclasses.replace(keystone.compliance, password_regex="^.{8,}$",
                                password_regex_description="Eight or more")
    client = client_of(dataclasses.replace(keystone, compliance=rules))
    mine = Caller(client, alice.token)
    path = "/domains/default/config/security_compliance"
    told = {"password_regex": "^.{8,}$", "password_regex_description": "Eight or more"}
    assert mine.ok("GET", path)["config"] == {"security_compliance": told}
    assert mine.ok("GET", f"{path}/password_regex")["config"] == {"password_regex": "^.{8,}$"}
    assert mine("HEAD", path).status_code == 200
    assert mine("GET", f"{path}/lockout_duration").status_code == 403
    assert mine("GET", f"{where}/security_compliance").status_code == 403
