"""What each resource answers to what is wrong: the codes of the API reference and of upstream, by
resource."""

import json
import re

import pytest

from .conftest import Caller, project

NONE = "7bd7e6f26f0b4c0ea9ba0a7f4f2cbb0f"  # An id of nothing.
LONG = "x" * 256
MANY = [str(number) for number in range(81)]
PAST = "2001-01-01T00:00:00Z"


def login(methods=("password",), scope=None, **given):
    user = {"name": "alice", "domain": {"id": "default"}, "password": "alice's"}
    identity = {"methods": methods, "password": {"user": user}, **given}
    return {"auth": {"identity": identity, **({} if scope is None else {"scope": scope})}}


def alice_with(**user):
    return login(password={"user": {"password": "alice's", **user}})


def of(kind, **fields):
    return {kind: fields}


def several(kind, **fields):
    return {kind: [fields]}


def registered(**more):
    return several("registered_limits", **{
        "service_id": "SERVICE", "resource_name": "ram", "default_limit": 1, **more})


def limit(**more):
    return several("limits", **{"service_id": "SERVICE", "resource_name": "cores",
                                "project_id": "SEA", "resource_limit": 1, **more})


def endpoint(**more):
    return of("endpoint", **{"interface": "public", "service_id": "SERVICE",
                             "url": "https://cloud/x", **more})


def trust(**more):
    wanted = {"trustor_user_id": "ALICE", "trustee_user_id": "NOVA", "project_id": "RED",
              "impersonation": True, "roles": [{"name": "member"}], **more}
    return {"trust": {name: value for name, value in wanted.items() if value is not ...}}


def password(**more):
    return of("user", **{"original_password": "alice's", "password": "new", **more})


def ruled(**rule):
    return of("application_credential", name="x", access_rules=[rule])


def signed(**more):
    return of("credentials", **{"access": "x", "signature": "x", **more})


APPS, RULES = "/users/ALICE/application_credentials", "/users/ALICE/access_rules"
PAIRS = "/users/ALICE/credentials/OS-EC2"
GRANT, INHERITED = "/projects/RED/users/ALICE/roles", "/OS-INHERIT/domains/BLUE/users/ALICE/roles"
GROUPS, TIES = "/OS-EP-FILTER/endpoint_groups", "/OS-EP-FILTER/projects/RED/endpoints"
CONFIG, TOKENS = "/domains/BLUE/config", "/users/ADMIN/OS-OAUTH1/access_tokens"
ASKED = "/role_assignments"

# (who, method and path; body; code), one after the other.
CASES = {
    "tokens": [
        ("nobody POST /auth/tokens", {}, 400), ("nobody POST /auth/tokens", {"auth": {}}, 400),
        ("nobody POST /auth/tokens", {"auth": {"identity": {}}}, 400),
        ("nobody POST /auth/tokens", login(methods="password"), 400),
        ("nobody POST /auth/tokens", login(methods=[]), 401),
        ("nobody POST /auth/tokens", login(methods=["token"]), 400),
        ("nobody POST /auth/tokens", login(methods=["magic"], magic={}), 401),
        ("nobody POST /auth/tokens", login(methods=["token"], token={"id": "x"}), 404),
        ("nobody POST /auth/tokens", login(methods=["token"], token={}), 400),
        ("nobody POST /auth/tokens", login(password={}), 400),
        ("nobody POST /auth/tokens", alice_with(), 400),
        ("nobody POST /auth/tokens", alice_with(name="alice"), 400),
        ("nobody POST /auth/tokens", alice_with(id=1), 400),
        ("nobody POST /auth/tokens", alice_with(id=NONE), 401),
        ("nobody POST /auth/tokens", alice_with(id="ALICE", password="wrong"), 401),
        ("nobody POST /auth/tokens", alice_with(name="nix", domain={"id": "default"}), 401),
        ("nobody POST /auth/tokens", alice_with(name="alice", domain={"name": "nix"}), 401),
        ("nobody POST /auth/tokens", alice_with(name="alice", domain={}), 400),
        ("nobody POST /auth/tokens", login(scope={"project": {"id": NONE}}), 401),
        ("nobody POST /auth/tokens", login(scope={"project": {"id": "SEA"}}), 401),
        ("nobody POST /auth/tokens", login(scope={"project": {"name": "red"}}), 400),
        ("nobody POST /auth/tokens", login(scope={"project": {}}), 400),
        ("nobody POST /auth/tokens", login(scope={"domain": {"id": "default"}}), 401),
        ("nobody POST /auth/tokens", login(scope={"domain": {"id": NONE}}), 401),
        ("nobody POST /auth/tokens", login(scope={"system": {"all": True}}), 401),
        ("nobody POST /auth/tokens", login(scope={"magic": {}}), 400),
        ("nobody POST /auth/tokens", login(scope={}), 400),
        ("nobody POST /auth/tokens", login(scope="magic"), 400),
        ("nobody POST /auth/tokens",
         login(scope={"project": {"id": "RED"}, "domain": {"id": "default"}}), 400),
        ("nobody POST /auth/tokens", login(scope={"OS-TRUST:trust": {"id": NONE}}), 401),
        ("nobody POST /auth/tokens", login(scope={"OS-TRUST:trust": {"id": "TRUST"}}), 403),
        ("nobody POST /auth/tokens", login(methods=["totp"]), 400),
        ("nobody POST /auth/tokens",
         login(methods=["totp"], totp={"user": {"id": "ALICE", "passcode": "123456"}}), 401),
        ("nobody POST /auth/tokens", login(
            methods=["application_credential"],
            application_credential={"id": "APP", "secret": "x"}), 401),
        ("nobody POST /auth/tokens", login(
            methods=["application_credential"],
            application_credential={"name": "app", "secret": "hush"}), 400),
        ("nobody GET /auth/tokens", None, 401), ("nobody GET /auth/projects", None, 401),
        ("wrong GET /auth/tokens", None, 401), ("wrong GET /auth/catalog", None, 401),
        ("admin GET /auth/tokens", None, 404), ("admin DELETE /auth/tokens", None, 404),
        ("unscoped GET /auth/catalog", None, 403), ("alice GET /OS-REVOKE/events", None, 403),
        ("admin GET /OS-REVOKE/events?since=x", None, 400),
    ],
    "domains": [
        ("admin GET /domains/NONE", None, 404), ("alice GET /domains/BLUE", None, 403),
        ("alice GET /domains/NONE", None, 403), ("admin GET /domains/RED", None, 404),
        ("alice GET /domains", None, 403), ("nobody GET /domains", None, 401),
        ("admin POST /domains", {}, 400), ("admin POST /domains", of("domain"), 400),
        ("admin POST /domains", of("domain", name=""), 400),
        ("admin POST /domains", of("domain", name=" "), 400),
        ("admin POST /domains", of("domain", name="x" * 65), 400),
        ("admin POST /domains", of("domain", name="x", tags=["a,b"]), 400),
        ("admin POST /domains", of("domain", name="x", options={"magic": True}), 400),
        ("admin POST /domains", of("domain", name="x", explicit_domain_id="x"), 400),
        ("admin POST /domains", of("domain", name="blue"), 409),
        ("alice POST /domains", of("domain", name="x"), 403),
        ("blue POST /domains", of("domain", name="x"), 403),
        ("admin PATCH /domains/NONE", of("domain", name="x"), 404),
        ("admin PATCH /domains/BLUE", of("domain"), 400),
        ("admin PATCH /domains/BLUE", of("domain", name=1), 400),
        ("admin PATCH /domains/BLUE", of("domain", name="Default"), 409),
        ("alice PATCH /domains/BLUE", of("domain", name="x"), 403),
        ("blue PATCH /domains/BLUE", of("domain", name="x"), 403),
        ("admin DELETE /domains/NONE", None, 404), ("admin DELETE /domains/BLUE", None, 403),
        ("alice DELETE /domains/BLUE", None, 403), ("admin PUT /domains/BLUE", {}, 405),
    ],
    "domains' configuration": [
        ("admin GET CONFIG", None, 404), ("admin GET /domains/NONE/config", None, 404),
        ("admin GET CONFIG/ldap", None, 404), ("admin GET CONFIG/magic", None, 403),
        ("admin GET CONFIG/ldap/magic", None, 403), ("alice GET CONFIG", None, 403),
        ("admin GET CONFIG/security_compliance", None, 403),
        ("admin PUT CONFIG", of("config"), 403),
        ("admin PUT CONFIG", of("config", magic={"a": 1}), 403),
        ("admin PUT CONFIG", of("config", ldap={"magic": 1}), 403),
        ("admin PUT CONFIG", of("config", ldap="x"), 403),
        ("admin PUT /domains/NONE/config", of("config", ldap={"url": "x"}), 404),
        ("admin PUT CONFIG/ldap", of("config", ldap={"url": "x"}), 405),
        ("admin PATCH CONFIG/ldap", of("config", ldap={"url": "x"}), 404),
        ("admin PATCH CONFIG/ldap/url", of("config", url="x"), 404),
        ("admin PATCH CONFIG/ldap/magic", of("config", magic="x"), 403),
        ("admin DELETE CONFIG/ldap", None, 404), ("admin DELETE CONFIG/magic", None, 403),
        ("admin DELETE /domains/NONE/config", None, 404),
        ("admin GET /domains/config/magic/default", None, 403),
        ("admin GET /domains/config/ldap/magic/default", None, 403),
        ("alice GET /domains/config/default", None, 403),
    ],
    "projects": [
        ("admin GET /projects/NONE", None, 404), ("alice GET /projects/NONE", None, 403),
        ("alice GET /projects/SEA", None, 403), ("alice GET /projects", None, 403),
        ("admin GET /projects/RED?parents_as_list&parents_as_ids", None, 400),
        ("admin GET /projects/RED?subtree_as_list&subtree_as_ids", None, 400),
        ("admin POST /projects", of("project"), 400),
        ("admin POST /projects", of("project", name=""), 400),
        ("admin POST /projects", of("project", name="x" * 65), 400),
        ("admin POST /projects", of("project", name="red"), 409),
        ("admin POST /projects", of("project", name="x", description=1), 400),
        ("admin POST /projects", of("project", name="x", domain_id=NONE), 400),
        ("admin POST /projects", of("project", name="x", parent_id=NONE), 400),
        ("admin POST /projects",
         of("project", name="x", parent_id="SEA", domain_id="default"), 400),
        ("admin POST /projects", of("project", name="x", is_domain=True, parent_id="RED"), 400),
        ("admin POST /projects", of("project", name="x", tags=["a", "a"]), 400),
        ("admin POST /projects", of("project", name="x", tags=MANY), 400),
        ("admin POST /projects", of("project", name="x", options={"magic": 1}), 400),
        ("alice POST /projects", of("project", name="x"), 403),
        ("blue POST /projects", of("project", name="x", domain_id="default"), 403),
        ("admin PATCH /projects/NONE", of("project", name="x"), 404),
        ("admin PATCH /projects/RED", of("project", name=""), 400),
        ("admin PATCH /projects/RED", of("project", name="admin"), 409),
        ("admin PATCH /projects/RED", of("project", domain_id="BLUE"), 400),
        ("admin PATCH /projects/RED", of("project", parent_id="SEA"), 403),
        ("admin PATCH /projects/RED", of("project", is_domain=True), 400),
        ("admin PATCH /projects/RED", of("project", id=NONE), 400),
        ("admin PATCH /projects/RED", of("project", enabled=False), 403),
        ("alice PATCH /projects/RED", of("project", name="x"), 403),
        ("blue PATCH /projects/RED", of("project", name="x"), 403),
        ("admin DELETE /projects/NONE", None, 404), ("admin DELETE /projects/RED", None, 403),
        ("admin DELETE /projects/BLUE", None, 403), ("alice DELETE /projects/RED", None, 403),
        ("blue DELETE /projects/RED", None, 403),
    ],
    "tags": [
        ("admin GET /projects/NONE/tags", None, 404), ("alice GET /projects/SEA/tags", None, 403),
        ("admin GET /projects/RED/tags/nix", None, 404),
        ("admin DELETE /projects/RED/tags/nix", None, 404),
        ("admin DELETE /projects/NONE/tags", None, 404),
        ("admin PUT /projects/NONE/tags/a", None, 404),
        ("admin PUT /projects/RED/tags/a,b", None, 400),
        (f"admin PUT /projects/RED/tags/{LONG}", None, 400),
        ("admin PUT /projects/RED/tags", {}, 400), ("admin PUT /projects/RED/tags", [], 400),
        ("admin PUT /projects/RED/tags", {"tags": "a"}, 400),
        ("admin PUT /projects/RED/tags", {"tags": [1]}, 400),
        ("admin PUT /projects/RED/tags", {"tags": [""]}, 400),
        ("admin PUT /projects/RED/tags", {"tags": ["a/b"]}, 400),
        ("admin PUT /projects/RED/tags", {"tags": ["a", "a"]}, 400),
        ("admin PUT /projects/RED/tags", {"tags": [LONG]}, 400),
        ("admin PUT /projects/RED/tags", {"tags": MANY}, 400),
        ("admin PUT /projects/RED/tags", {"tags": MANY[:80]}, 200),
        ("admin PUT /projects/RED/tags/more", None, 400),
        ("alice PUT /projects/RED/tags/a", None, 403),
        ("alice DELETE /projects/RED/tags", None, 403),
    ],
    "users": [
        ("admin GET /users/NONE", None, 404), ("alice GET /users/NONE", None, 403),
        ("alice GET /users/ADMIN", None, 403), ("alice GET /users", None, 403),
        ("admin GET /users?password_expires_at=x", None, 400),
        ("admin GET /users?password_expires_at=magic:2026-01-01T00:00:00Z", None, 400),
        ("admin POST /users", {}, 400), ("admin POST /users", of("user"), 400),
        ("admin POST /users", of("user", name=""), 400),
        ("admin POST /users", of("user", name=LONG), 400),
        ("admin POST /users", of("user", name="x", password=1), 400),
        ("admin POST /users", of("user", name="x", options={"magic": 1}), 400),
        ("admin POST /users",
         of("user", name="x", options={"multi_factor_auth_rules": [["a", "a"]]}), 400),
        ("admin POST /users", of("user", name="x", default_project_id="BLUE"), 400),
        ("admin POST /users", of("user", name="x", domain_id=NONE), 404),
        ("admin POST /users", of("user", name="alice"), 409),
        ("alice POST /users", of("user", name="x"), 403),
        ("blue POST /users", of("user", name="x", domain_id="default"), 403),
        ("admin PATCH /users/NONE", of("user", name="x"), 404),
        ("admin PATCH /users/ALICE", of("user"), 400),
        ("admin PATCH /users/ALICE", of("user", name=""), 400),
        ("admin PATCH /users/ALICE", of("user", name="admin"), 409),
        ("admin PATCH /users/ALICE", of("user", id=NONE), 400),
        ("admin PATCH /users/ALICE", of("user", id=None), 400),
        ("admin PATCH /users/ALICE", of("user", domain_id="BLUE"), 400),
        ("admin PATCH /users/ALICE", of("user", default_project_id="BLUE"), 400),
        ("alice PATCH /users/ALICE", of("user", name="x"), 403),
        ("blue PATCH /users/ALICE", of("user", name="x"), 403),
        ("admin DELETE /users/NONE", None, 404), ("alice DELETE /users/ALICE", None, 403),
        ("blue DELETE /users/ALICE", None, 403),
        ("nobody POST /users/ALICE/password", password(original_password="wrong"), 401),
        ("nobody POST /users/NONE/password", password(), 401),
        ("nobody POST /users/ALICE/password", of("user", password="new"), 400),
        ("nobody POST /users/ALICE/password", password(password=None), 400),
        ("nobody GET /users/ALICE/password", None, 405),
        ("admin GET /users/NONE/projects", None, 404), ("admin GET /users/NONE/groups", None, 404),
        ("alice GET /users/ADMIN/projects", None, 403),
        ("alice GET /users/ADMIN/groups", None, 403),
    ],
    "groups": [
        ("admin GET /groups/NONE", None, 404), ("alice GET /groups/GROUP", None, 403),
        ("alice GET /groups/NONE", None, 403), ("alice GET /groups", None, 403),
        ("admin POST /groups", {}, 400), ("admin POST /groups", of("group"), 400),
        ("admin POST /groups", of("group", name=""), 400),
        ("admin POST /groups", of("group", name="x" * 65), 400),
        ("admin POST /groups", of("group", name="x", domain_id=NONE), 404),
        ("admin POST /groups", of("group", name="crew"), 409),
        ("alice POST /groups", of("group", name="x"), 403),
        ("admin PATCH /groups/NONE", of("group", name="x"), 404),
        ("admin PATCH /groups/GROUP", of("group"), 400),
        ("admin PATCH /groups/GROUP", of("group", name=1), 400),
        ("admin PATCH /groups/GROUP", of("group", id=NONE), 400),
        ("admin PATCH /groups/GROUP", of("group", domain_id="BLUE"), 400),
        ("alice PATCH /groups/GROUP", of("group", name="x"), 403),
        ("admin DELETE /groups/NONE", None, 404), ("alice DELETE /groups/GROUP", None, 403),
        ("admin GET /groups/NONE/users", None, 404),
        ("admin GET /groups/GROUP/users?password_expires_at=x", None, 400),
        ("admin GET /groups/GROUP/users/ALICE", None, 404),
        ("admin PUT /groups/GROUP/users/NONE", None, 404),
        ("admin PUT /groups/NONE/users/ALICE", None, 404),
        ("admin DELETE /groups/GROUP/users/ALICE", None, 404),
        ("alice PUT /groups/GROUP/users/ALICE", None, 403),
        ("blue PUT /groups/GROUP/users/ALICE", None, 403),
    ],
    "roles": [
        ("admin GET /roles/NONE", None, 404), ("alice GET /roles/MEMBER", None, 403),
        ("alice GET /roles", None, 403), ("alice GET /roles?domain_id=BLUE", None, 403),
        ("admin POST /roles", {}, 400), ("admin POST /roles", of("role"), 400),
        ("admin POST /roles", of("role", name=""), 400),
        ("admin POST /roles", of("role", name=LONG), 400),
        ("admin POST /roles", of("role", name="x", options={"magic": 1}), 400),
        ("admin POST /roles", of("role", name="member"), 409),
        ("admin POST /roles", of("role", name="local", domain_id="BLUE"), 409),
        ("alice POST /roles", of("role", name="x"), 403),
        ("blue POST /roles", of("role", name="x", domain_id="BLUE"), 403),
        ("admin PATCH /roles/NONE", of("role", name="x"), 404),
        ("admin PATCH /roles/ROLE", of("role"), 400),
        ("admin PATCH /roles/ROLE", of("role", name=""), 400),
        ("admin PATCH /roles/ROLE", of("role", name="member"), 409),
        ("admin PATCH /roles/ROLE", of("role", id=NONE), 400),
        ("admin PATCH /roles/ROLE", of("role", domain_id="BLUE"), 400),
        ("admin PATCH /roles/MEMBER", of("role", name="x"), 403),
        ("alice PATCH /roles/ROLE", of("role", name="x"), 403),
        ("admin DELETE /roles/NONE", None, 404), ("admin DELETE /roles/MEMBER", None, 403),
        ("alice DELETE /roles/ROLE", None, 403),
    ],
    "implied roles": [
        ("admin GET /roles/NONE/implies", None, 404),
        ("admin GET /roles/ROLE/implies/MEMBER", None, 404),
        ("admin GET /roles/ROLE/implies/NONE", None, 404),
        ("admin PUT /roles/NONE/implies/MEMBER", None, 404),
        ("admin PUT /roles/ROLE/implies/NONE", None, 404),
        ("admin PUT /roles/ROLE/implies/ADMINROLE", None, 403),
        ("admin PUT /roles/ROLE/implies/LOCAL", None, 403),
        ("admin PUT /roles/ADMINROLE/implies/MANAGERROLE", None, 409),
        ("admin DELETE /roles/ROLE/implies/MEMBER", None, 404),
        ("alice GET /roles/ADMINROLE/implies", None, 403),
        ("alice PUT /roles/ROLE/implies/MEMBER", None, 403),
        ("alice DELETE /roles/ADMINROLE/implies/MANAGERROLE", None, 403),
        ("alice GET /role_inferences", None, 403),
    ],
    "role assignments": [
        ("admin GET GRANT/ROLE", None, 404), ("admin GET GRANT/NONE", None, 404),
        ("admin PUT GRANT/NONE", None, 404), ("admin DELETE GRANT/ROLE", None, 404),
        ("admin DELETE GRANT/NONE", None, 404),
        ("admin PUT /projects/NONE/users/ALICE/roles/ROLE", None, 404),
        ("admin PUT /projects/RED/users/NONE/roles/ROLE", None, 404),
        ("admin PUT /projects/RED/groups/NONE/roles/ROLE", None, 404),
        ("admin PUT /domains/NONE/users/ALICE/roles/ROLE", None, 404),
        ("admin PUT /domains/RED/users/ALICE/roles/ROLE", None, 404),
        ("admin GET /projects/NONE/users/ALICE/roles", None, 404),
        ("admin GET /domains/BLUE/groups/NONE/roles", None, 404),
        ("admin DELETE /domains/BLUE/groups/GROUP/roles/ROLE", None, 404),
        ("admin PUT GRANT/LOCAL", None, 403), ("alice PUT GRANT/ROLE", None, 403),
        ("alice GET GRANT", None, 403), ("alice DELETE GRANT/MEMBER", None, 403),
        ("blue PUT GRANT/MEMBER", None, 403),
        ("blue PUT /projects/SEA/users/SAILOR/roles/ADMINROLE", None, 403),
        ("admin PUT INHERITED/NONE/inherited_to_projects", None, 404),
        ("admin GET INHERITED/ROLE/inherited_to_projects", None, 404),
        ("admin DELETE INHERITED/ROLE/inherited_to_projects", None, 404),
        ("alice PUT INHERITED/ROLE/inherited_to_projects", None, 403),
        ("admin GET /system/users/NONE/roles", None, 404),
        ("admin GET /system/users/ALICE/roles/ROLE", None, 404),
        ("admin PUT /system/users/ALICE/roles/NONE", None, 404),
        ("admin PUT /system/users/ALICE/roles/LOCAL", None, 400),
        ("admin DELETE /system/users/ALICE/roles/ROLE", None, 404),
        ("admin DELETE /system/groups/GROUP/roles/ROLE", None, 404),
        ("alice PUT /system/users/ALICE/roles/ROLE", None, 403),
        ("alice GET /role_assignments", None, 403),
        ("admin GET ASKED?user.id=ALICE&group.id=GROUP", None, 400),
        ("admin GET ASKED?scope.project.id=RED&scope.domain.id=BLUE", None, 400),
        ("admin GET ASKED?scope.system=all&scope.domain.id=BLUE", None, 400),
        ("admin GET ASKED?effective&group.id=GROUP", None, 400),
        ("admin GET ASKED?effective&scope.domain.id=BLUE&"
         "scope.OS-INHERIT:inherited_to=projects", None, 400),
        ("admin GET ASKED?include_subtree", None, 400),
    ],
    "credentials": [
        ("admin GET /credentials/NONE", None, 404), ("alice GET /credentials/NONE", None, 403),
        ("alice GET /credentials/CREDENTIAL", None, 403),
        ("admin POST /credentials", {}, 400), ("admin POST /credentials", of("credential"), 400),
        ("admin POST /credentials", of("credential", type="x"), 400),
        ("admin POST /credentials", of("credential", blob="x"), 400),
        ("admin POST /credentials", of("credential", blob={}, type="x"), 400),
        ("admin POST /credentials", of("credential", blob="x", type=""), 400),
        ("admin POST /credentials", of("credential", blob='{"access": "a"}', type="ec2"), 400),
        ("admin POST /credentials",
         of("credential", blob="x", type="ec2", project_id="RED"), 400),
        ("admin POST /credentials",
         of("credential", blob='{"secret": "s"}', type="ec2", project_id="RED"), 400),
        ("alice POST /credentials", of("credential", blob="x", type="x", user_id="ADMIN"), 403),
        ("admin PATCH /credentials/NONE", of("credential", blob="x"), 404),
        ("admin PATCH /credentials/CREDENTIAL", of("credential"), 400),
        ("admin PATCH /credentials/CREDENTIAL", of("credential", blob=1), 400),
        ("admin PATCH /credentials/CREDENTIAL", of("credential", id=NONE), 400),
        ("alice PATCH /credentials/CREDENTIAL", of("credential", blob="x"), 403),
        ("admin DELETE /credentials/NONE", None, 404),
        ("alice DELETE /credentials/CREDENTIAL", None, 403),
    ],
    "EC2": [
        ("alice GET PAIRS/nix", None, 404), ("admin GET /users/NONE/credentials/OS-EC2", None, 404),
        ("alice DELETE PAIRS/nix", None, 404), ("alice POST PAIRS", {"tenant_id": NONE}, 404),
        ("alice GET /users/ADMIN/credentials/OS-EC2", None, 403),
        ("alice POST /users/ADMIN/credentials/OS-EC2", {"tenant_id": "RED"}, 403),
        ("admin POST /users/NONE/credentials/OS-EC2", {"tenant_id": "RED"}, 404),
        ("nobody POST /ec2tokens", signed(), 401), ("alice POST /ec2tokens", signed(), 403),
        ("nova POST /ec2tokens", {}, 400), ("nova POST /ec2tokens", {"credentials": {}}, 401),
        ("nova POST /ec2tokens", of("credentials", access="ACCESS"), 401),
        ("nova POST /ec2tokens", signed(access="ACCESS"), 401),
        ("nova POST /s3tokens", signed(access="ACCESS", token="eA=="), 401),
        ("nova POST /ec2tokens", signed(), 404), ("nova POST /s3tokens", signed(), 404),
        ("alice POST /s3tokens", signed(), 403),
    ],
    "application credentials": [
        ("alice GET APPS/NONE", None, 404), ("alice DELETE APPS/NONE", None, 404),
        ("nova GET APPS/APP", None, 403), ("nova GET APPS", None, 403),
        ("alice POST APPS", {}, 400), ("alice POST APPS", of("application_credential"), 400),
        ("alice POST APPS", of("application_credential", name=""), 400),
        ("alice POST APPS", of("application_credential", name=LONG), 400),
        ("alice POST APPS", of("application_credential", name="app"), 409),
        ("alice POST APPS", of("application_credential", name="x", magic=1), 400),
        ("alice POST APPS", of("application_credential", name="x", expires_at="x"), 400),
        ("alice POST APPS", of("application_credential", name="x", expires_at=PAST), 400),
        ("alice POST APPS", of("application_credential", name="x", unrestricted="x"), 400),
        ("alice POST APPS", of("application_credential", name="x", roles=[{"id": NONE}]), 400),
        ("alice POST APPS", of("application_credential", name="x", roles=[{"name": "nix"}]), 404),
        ("alice POST APPS",
         of("application_credential", name="x", roles=[{"name": "manager"}]), 400),
        ("alice POST APPS", of("application_credential", name="x", roles=[{}]), 400),
        ("alice POST APPS", ruled(path="x", method="GET", service="identity"), 400),
        ("alice POST APPS", ruled(path="/x", method="MAGIC", service="identity"), 400),
        ("alice POST APPS", ruled(path="/x", method="GET"), 400),
        ("alice POST APPS", ruled(id=NONE), 404), ("alice POST APPS", ruled(magic="x"), 400),
        ("admin POST APPS", of("application_credential", name="x"), 403),
        ("nova DELETE APPS/APP", None, 403), ("alice PATCH APPS/APP", {}, 405),
        ("alice GET RULES/NONE", None, 404), ("alice DELETE RULES/NONE", None, 404),
        ("alice DELETE RULES/RULE", None, 403), ("nova GET RULES", None, 403),
        ("nova GET RULES/RULE", None, 403), ("nova DELETE RULES/RULE", None, 403),
    ],
    "trusts": [
        ("alice GET /OS-TRUST/trusts/NONE", None, 404),
        ("rita GET /OS-TRUST/trusts/TRUST", None, 403),
        ("alice DELETE /OS-TRUST/trusts/NONE", None, 404),
        ("nova DELETE /OS-TRUST/trusts/TRUST", None, 403),
        ("alice GET /OS-TRUST/trusts", None, 403),
        ("alice GET /OS-TRUST/trusts?trustor_user_id=NOVA", None, 403),
        ("alice GET /OS-TRUST/trusts/NONE/roles", None, 404),
        ("alice GET /OS-TRUST/trusts/TRUST/roles/NONE", None, 404),
        ("alice GET /OS-TRUST/trusts/TRUST/roles/ADMINROLE", None, 404),
        ("rita GET /OS-TRUST/trusts/TRUST/roles", None, 403),
        ("alice POST /OS-TRUST/trusts", {}, 400), ("alice POST /OS-TRUST/trusts", of("trust"), 400),
        ("alice POST /OS-TRUST/trusts", trust(impersonation=...), 400),
        ("alice POST /OS-TRUST/trusts", trust(impersonation="x"), 400),
        ("alice POST /OS-TRUST/trusts", trust(trustee_user_id=...), 400),
        ("alice POST /OS-TRUST/trusts", trust(trustee_user_id=NONE), 404),
        ("alice POST /OS-TRUST/trusts", trust(trustor_user_id="NOVA"), 403),
        ("alice POST /OS-TRUST/trusts", trust(project_id=NONE), 404),
        ("alice POST /OS-TRUST/trusts", trust(roles=[]), 403),
        ("alice POST /OS-TRUST/trusts", trust(roles=...), 403),
        ("alice POST /OS-TRUST/trusts", trust(roles=[{}]), 400),
        ("alice POST /OS-TRUST/trusts", trust(roles=[{"id": NONE}]), 404),
        ("alice POST /OS-TRUST/trusts", trust(roles=[{"name": "nix"}]), 404),
        ("alice POST /OS-TRUST/trusts", trust(roles=[{"name": "admin"}]), 404),
        ("alice POST /OS-TRUST/trusts", trust(expires_at="x"), 400),
        ("alice POST /OS-TRUST/trusts", trust(expires_at=PAST), 400),
        ("alice POST /OS-TRUST/trusts", trust(remaining_uses=0), 400),
        ("alice POST /OS-TRUST/trusts", trust(remaining_uses="x"), 400),
        ("alice POST /OS-TRUST/trusts", trust(allow_redelegation=True, remaining_uses=1), 400),
        ("alice POST /OS-TRUST/trusts", trust(allow_redelegation=True, redelegation_count=9), 403),
        ("alice PATCH /OS-TRUST/trusts/TRUST", {}, 405),
    ],
    "regions": [
        ("admin GET /regions/NONE", None, 404), ("nobody GET /regions", None, 401),
        ("admin POST /regions", {}, 400), ("admin POST /regions", of("region", id=1), 400),
        ("admin POST /regions", of("region", id=LONG), 400),
        ("admin POST /regions", of("region", id="RegionOne"), 409),
        ("admin POST /regions", of("region", parent_region_id=NONE), 404),
        ("admin POST /regions", of("region", description=1), 400),
        ("admin PUT /regions/RegionOne", of("region"), 409),
        ("admin PUT /regions/x", of("region", id="y"), 400),
        ("alice POST /regions", of("region", id="x"), 403),
        ("admin PATCH /regions/NONE", of("region", description="x"), 404),
        ("admin PATCH /regions/RegionOne", of("region"), 400),
        ("admin PATCH /regions/RegionOne", of("region", id="x"), 400),
        ("admin PATCH /regions/RegionOne", of("region", parent_region_id="RegionOne"), 400),
        ("admin PATCH /regions/RegionOne", of("region", parent_region_id=NONE), 404),
        ("alice PATCH /regions/RegionOne", of("region", description="x"), 403),
        ("admin DELETE /regions/NONE", None, 404), ("admin DELETE /regions/RegionOne", None, 403),
        ("alice DELETE /regions/RegionOne", None, 403),
    ],
    "services": [
        ("admin GET /services/NONE", None, 404), ("alice GET /services", None, 403),
        ("alice GET /services/SERVICE", None, 403),
        ("admin POST /services", of("service"), 400),
        ("admin POST /services", of("service", type=""), 400),
        ("admin POST /services", of("service", type=LONG), 400),
        ("admin POST /services", of("service", type="x", enabled="x"), 400),
        ("admin POST /services", of("service", type="x", name=LONG), 400),
        ("alice POST /services", of("service", type="x"), 403),
        ("admin PATCH /services/NONE", of("service", type="x"), 404),
        ("admin PATCH /services/SERVICE", of("service"), 400),
        ("admin PATCH /services/SERVICE", of("service", type=1), 400),
        ("admin PATCH /services/SERVICE", of("service", id=NONE), 400),
        ("alice PATCH /services/SERVICE", of("service", type="x"), 403),
        ("admin DELETE /services/NONE", None, 404), ("alice DELETE /services/SERVICE", None, 403),
    ],
    "endpoints": [
        ("admin GET /endpoints/NONE", None, 404), ("alice GET /endpoints", None, 403),
        ("admin POST /endpoints", {}, 400), ("admin POST /endpoints", of("endpoint"), 400),
        ("admin POST /endpoints", endpoint(interface="magic"), 400),
        ("admin POST /endpoints", endpoint(service_id=NONE), 400),
        ("admin POST /endpoints", endpoint(region_id=NONE), 400),
        ("admin POST /endpoints", endpoint(url=""), 400),
        ("admin POST /endpoints", endpoint(url="no url"), 400),
        ("admin POST /endpoints", endpoint(url=f"https://{LONG}"), 400),
        ("admin POST /endpoints", endpoint(url="https://x/$(magic)s"), 400),
        ("admin POST /endpoints", endpoint(enabled="x"), 400),
        ("admin POST /endpoints", endpoint(name=1), 400),
        ("admin POST /endpoints", endpoint(description=[]), 400),
        ("alice POST /endpoints", endpoint(), 403),
        ("admin PATCH /endpoints/NONE", of("endpoint", url="https://x"), 404),
        ("admin PATCH /endpoints/ENDPOINT", of("endpoint"), 400),
        ("admin PATCH /endpoints/ENDPOINT", of("endpoint", interface="x"), 400),
        ("admin PATCH /endpoints/ENDPOINT", of("endpoint", service_id=NONE), 400),
        ("admin PATCH /endpoints/ENDPOINT", of("endpoint", region_id=NONE), 400),
        ("admin PATCH /endpoints/ENDPOINT", of("endpoint", id=NONE), 400),
        ("alice PATCH /endpoints/ENDPOINT", of("endpoint", url="https://x"), 403),
        ("admin DELETE /endpoints/NONE", None, 404),
        ("alice DELETE /endpoints/ENDPOINT", None, 403),
    ],
    "endpoint filters": [
        ("admin GET GROUPS/NONE", None, 404), ("alice GET GROUPS", None, 403),
        ("admin POST GROUPS", {}, 400), ("admin POST GROUPS", of("endpoint_group"), 400),
        ("admin POST GROUPS", of("endpoint_group", name="x"), 400),
        ("admin POST GROUPS", of("endpoint_group", name="x", filters={}), 400),
        ("admin POST GROUPS", of("endpoint_group", name="x", filters={"magic": "x"}), 400),
        ("admin POST GROUPS", of("endpoint_group", name="x", filters={"interface": "x"}), 400),
        ("alice POST GROUPS",
         of("endpoint_group", name="x", filters={"interface": "public"}), 403),
        ("admin PATCH GROUPS/NONE", of("endpoint_group", name="x"), 404),
        ("admin PATCH GROUPS/EGROUP", of("endpoint_group"), 400),
        ("admin PATCH GROUPS/EGROUP", of("endpoint_group", filters={"magic": "x"}), 400),
        ("admin DELETE GROUPS/NONE", None, 404), ("alice DELETE GROUPS/EGROUP", None, 403),
        ("admin GET GROUPS/NONE/endpoints", None, 404),
        ("admin GET GROUPS/EGROUP/projects/RED", None, 404),
        ("admin PUT GROUPS/EGROUP/projects/NONE", None, 404),
        ("admin PUT GROUPS/NONE/projects/RED", None, 404),
        ("admin PUT GROUPS/EGROUP/projects/RED", None, 204),
        ("admin PUT GROUPS/EGROUP/projects/RED", None, 409),
        ("admin DELETE GROUPS/EGROUP/projects/SEA", None, 404),
        ("admin GET TIES/ENDPOINT", None, 404), ("admin PUT TIES/NONE", None, 404),
        ("admin PUT /OS-EP-FILTER/projects/NONE/endpoints/ENDPOINT", None, 404),
        ("admin DELETE TIES/ENDPOINT", None, 404), ("alice PUT TIES/ENDPOINT", None, 403),
        ("admin GET /OS-EP-FILTER/endpoints/NONE/projects", None, 404),
        ("admin GET /OS-EP-FILTER/projects/NONE/endpoints", None, 404),
        ("admin GET /OS-EP-FILTER/projects/NONE/endpoint_groups", None, 404),
    ],
    "policies": [
        ("admin GET /policies/NONE", None, 404), ("alice GET /policies", None, 403),
        ("admin POST /policies", {}, 400), ("admin POST /policies", of("policy"), 400),
        ("admin POST /policies", of("policy", blob="x"), 400),
        ("admin POST /policies", of("policy", type="x"), 400),
        ("admin POST /policies", of("policy", blob="x", type=LONG), 400),
        ("alice POST /policies", of("policy", blob="x", type="x"), 403),
        ("admin PATCH /policies/NONE", of("policy", blob="x"), 404),
        ("admin PATCH /policies/POLICY", of("policy"), 400),
        ("admin PATCH /policies/POLICY", of("policy", id=NONE), 400),
        ("admin DELETE /policies/NONE", None, 404), ("alice DELETE /policies/POLICY", None, 403),
        ("admin PUT /policies/POLICY/OS-ENDPOINT-POLICY/endpoints/NONE", None, 404),
        ("admin PUT /policies/NONE/OS-ENDPOINT-POLICY/endpoints/ENDPOINT", None, 404),
        ("admin GET /policies/POLICY/OS-ENDPOINT-POLICY/endpoints/ENDPOINT", None, 404),
        ("admin PUT /policies/POLICY/OS-ENDPOINT-POLICY/services/SERVICE/regions/nix", None, 404),
        ("admin GET /policies/POLICY/OS-ENDPOINT-POLICY/services/SERVICE", None, 404),
        ("admin GET /policies/NONE/OS-ENDPOINT-POLICY/endpoints", None, 404),
        ("admin GET /endpoints/ENDPOINT/OS-ENDPOINT-POLICY/policy", None, 404),
        ("alice PUT /policies/POLICY/OS-ENDPOINT-POLICY/services/SERVICE", None, 403),
    ],
    "limits": [
        ("admin GET /registered_limits/NONE", None, 404),
        ("admin POST /registered_limits", {}, 400),
        ("admin POST /registered_limits", {"registered_limits": []}, 400),
        ("admin POST /registered_limits", several("registered_limits"), 400),
        ("admin POST /registered_limits", registered(default_limit=-2), 400),
        ("admin POST /registered_limits", registered(default_limit="x"), 400),
        ("admin POST /registered_limits", registered(service_id=NONE), 400),
        ("admin POST /registered_limits", registered(region_id="nix"), 400),
        ("admin POST /registered_limits", registered(magic=1), 400),
        ("admin POST /registered_limits", registered(resource_name=LONG), 400),
        ("admin POST /registered_limits", registered(resource_name="cores"), 409),
        ("alice POST /registered_limits", registered(), 403),
        ("admin PATCH /registered_limits/NONE", of("registered_limit", default_limit=1), 404),
        ("admin PATCH /registered_limits/CORES", of("registered_limit", default_limit=1), 403),
        ("admin PATCH /registered_limits/DISKS", of("registered_limit", service_id=NONE), 400),
        ("admin PATCH /registered_limits/DISKS",
         of("registered_limit", resource_name="cores"), 409),
        ("alice PATCH /registered_limits/DISKS", of("registered_limit", default_limit=1), 403),
        ("admin DELETE /registered_limits/NONE", None, 404),
        ("admin DELETE /registered_limits/CORES", None, 403),
        ("alice DELETE /registered_limits/DISKS", None, 403),
        ("admin GET /limits/NONE", None, 404), ("rita GET /limits/LIMIT", None, 403),
        ("admin POST /limits", {"limits": []}, 400), ("admin POST /limits", several("limits"), 400),
        ("admin POST /limits", limit(resource_limit=-2), 400),
        ("admin POST /limits", limit(resource_name="nix"), 403),
        ("admin POST /limits", limit(service_id=NONE), 400),
        ("admin POST /limits", limit(project_id=NONE), 400),
        ("admin POST /limits", limit(domain_id="BLUE"), 400),
        ("admin POST /limits", limit(project_id="RED"), 409),
        ("alice POST /limits", limit(), 403),
        ("admin PATCH /limits/NONE", of("limit", resource_limit=1), 404),
        ("admin PATCH /limits/LIMIT", of("limit", project_id="SEA"), 400),
        ("alice PATCH /limits/LIMIT", of("limit", resource_limit=9), 403),
        ("admin DELETE /limits/NONE", None, 404), ("alice DELETE /limits/LIMIT", None, 403),
    ],
    "OAuth1": [
        ("admin GET /OS-OAUTH1/consumers/NONE", None, 404),
        ("alice GET /OS-OAUTH1/consumers", None, 403),
        ("admin POST /OS-OAUTH1/consumers", of("consumer", description=1), 400),
        ("alice POST /OS-OAUTH1/consumers", of("consumer"), 403),
        ("admin PATCH /OS-OAUTH1/consumers/NONE", of("consumer", description="x"), 404),
        ("admin PATCH /OS-OAUTH1/consumers/CONSUMER", of("consumer"), 400),
        ("admin PATCH /OS-OAUTH1/consumers/CONSUMER", of("consumer", secret="x"), 400),
        ("admin PATCH /OS-OAUTH1/consumers/CONSUMER", of("consumer", id=NONE), 400),
        ("admin DELETE /OS-OAUTH1/consumers/NONE", None, 404),
        ("alice DELETE /OS-OAUTH1/consumers/CONSUMER", None, 403),
        ("admin PUT /OS-OAUTH1/authorize/NONE", {"roles": [{"id": "ADMINROLE"}]}, 404),
        ("admin PUT /OS-OAUTH1/authorize/NONE", {"roles": [{}]}, 400),
        ("admin GET TOKENS/NONE", None, 404), ("admin DELETE TOKENS/NONE", None, 404),
        ("admin GET TOKENS/NONE/roles", None, 404),
        ("admin GET TOKENS/NONE/roles/MEMBER", None, 404), ("alice GET TOKENS", None, 403),
    ],
    "what is not wrong": [
        ("alice POST APPS", of("application_credential", name="empty", secret=""), 201),
        ("admin PATCH /registered_limits/DISKS", of("registered_limit"), 200),
        ("admin PATCH /limits/LIMIT", of("limit"), 200),
        ("admin POST /users", of("user", name="x", default_project_id=""), 201),
        ("admin PATCH /users/ALICE", of("user", default_project_id=""), 200),
        ("admin PATCH /groups/GROUP", of("group", id=None, description="x"), 200),
        ("admin PATCH /projects/RED", of("project"), 200),
        ("admin PATCH /domains/BLUE", of("domain", explicit_domain_id="x"), 200),
        ("admin POST /regions", of("region", id=""), 201),
        ("admin PATCH /regions/RegionOne", of("region", id=None), 200),
    ],
    # What upstream takes, stumbles over with a 500, or refuses by another code.
    "Cairn's own": [
        ("nobody POST /auth/tokens", login(scope={"system": {"all": False}}), 400),
        ("nobody POST /auth/tokens", login(scope={"system": {}}), 400),
        ("nobody POST /auth/tokens", login(
            methods=["application_credential"],
            application_credential={"id": NONE, "secret": "x"}), 401),
        ("nobody POST /auth/tokens", login(
            methods=["application_credential"], application_credential={"id": "APP"}), 400),
        ("admin GET /OS-REVOKE/events?limit=x", None, 400),
        ("admin GET /projects?limit=x", None, 400), ("admin GET /projects?limit=-1", None, 400),
        ("admin GET /projects?marker=NONE", None, 404),
        ("admin POST /domains", of("domain", name="x", enabled="yes"), 400),
        ("admin POST /projects", {}, 400), ("admin POST /services", {}, 400),
        ("admin POST /projects", of("project", name="x", enabled="true"), 400),
        ("admin POST /users", of("user", name="x", enabled="yes"), 400),
        ("admin POST /roles", of("role", name="Member"), 409),
        ("admin POST /limits", limit(project_id=None), 400),
        ("admin PUT CONFIG", {}, 400), ("admin POST /OS-OAUTH1/consumers", {}, 400),
        ("alice POST PAIRS", {}, 400), ("alice POST PAIRS", {"tenant_id": 1}, 400),
        ("nova POST /ec2tokens", signed(access=1), 400),
        ("admin GET /users/NONE/application_credentials", None, 404),
        ("unscoped POST APPS", of("application_credential", name="x"), 403),
        ("unscoped POST /OS-TRUST/trusts", trust(), 403),
        ("nobody POST /OS-OAUTH1/request_token", None, 400),
        ("nobody POST /OS-OAUTH1/access_token", None, 400),
        ("admin PUT /OS-OAUTH1/authorize/NONE", {"roles": []}, 400),
    ],
    "paths": [
        ("admin GET /nix", None, 404), ("admin GET /users/x/y/z", None, 404),
        ("admin PUT /users", {}, 405), ("admin DELETE /roles", None, 405),
        ("admin POST /auth/catalog", {}, 405), ("nobody GET /users", None, 401),
        ("wrong GET /users", None, 401),
    ],
}


PATHS = {"CONFIG": CONFIG, "GRANT": GRANT, "INHERITED": INHERITED, "APPS": APPS, "RULES": RULES,
         "PAIRS": PAIRS, "GROUPS": GROUPS, "TIES": TIES, "TOKENS": TOKENS, "ASKED": ASKED}


@pytest.fixture
def ids(admin, alice, world):
    """What the words of the table stand for."""
    def first(path):
        return next(rows for rows in admin.ok("GET", path).values() if isinstance(rows, list))[0]

    def made(caller, path, body):
        (answer,) = caller.ok("POST", path, body).values()
        return [row["id"] for row in answer] if isinstance(answer, list) else answer["id"]

    there = {name.upper(): first(f"/users?name={name}")["id"]
             for name in ("admin", "alice", "nova")}
    there |= {"RED": first("/projects?name=red")["id"], "ENDPOINT": first("/endpoints")["id"],
              "SERVICE": first("/services?type=identity")["id"], "NONE": NONE,
              "BLUE": world.domain_id, "SEA": world.project_id, "SAILOR": world.user["member"],
              "MEMBER": world.role["member"], "ADMINROLE": world.role["admin"],
              "MANAGERROLE": world.role["manager"]}
    admin.make("projects", name="child", parent_id=there["RED"])
    admin.make("users", name="rita", password="rita's")
    cores = registered(service_id=there["SERVICE"], resource_name="cores")["registered_limits"]
    disks = registered(service_id=there["SERVICE"], resource_name="disks")["registered_limits"]
    numbers = made(admin, "/registered_limits", {"registered_limits": cores + disks})
    app = alice.ok("POST", f"/users/{there['ALICE']}/application_credentials", of(
        "application_credential", name="app", secret="hush",
        access_rules=[{"path": "/x", "method": "GET", "service": "identity"}],
    ))["application_credential"]
    pair = alice.ok("POST", f"/users/{there['ALICE']}/credentials/OS-EC2",
                    {"tenant_id": there["RED"]})["credential"]
    there |= {
        "ACCESS": pair["access"], "CORES": numbers[0], "DISKS": numbers[1], "APP": app["id"],
        "RULE": app["access_rules"][0]["id"],
        "GROUP": made(admin, "/groups", of("group", name="crew")),
        "ROLE": made(admin, "/roles", of("role", name="cook")),
        "LOCAL": made(admin, "/roles", of("role", name="local", domain_id=world.domain_id)),
        "CREDENTIAL": made(admin, "/credentials", of(
            "credential", type="cert", blob="x", user_id=there["ADMIN"])),
        "EGROUP": made(admin, GROUPS, of(
            "endpoint_group", name="public", filters={"interface": "public"})),
        "POLICY": made(admin, "/policies", of("policy", type="x", blob="x")),
        "CONSUMER": made(admin, "/OS-OAUTH1/consumers", of("consumer")),
    }
    (there["LIMIT"],) = made(admin, "/limits", spell(there, limit(project_id="RED")))
    there["TRUST"] = made(alice, "/OS-TRUST/trusts", spell(there, trust()))
    return there


def spell(there, body):
    """With ids for the words of the table."""
    def word(match):
        return there.get(match[0], match[0])

    return json.loads(re.sub(r"(?<![\w-])[A-Z]+(?![\w:-])", word, json.dumps(body)))


@pytest.fixture
def callers(admin, alice, anyone, client, world, ids, login):
    return {
        "admin": admin, "alice": alice, "nobody": anyone, "wrong": Caller(client, "wrong"),
        "unscoped": login("alice", scope="unscoped"), "blue": world.as_("manager"),
        "nova": login("nova", scope=project("service")), "rita": login("rita"),
    }


def test_what_is_wrong(callers, ids):
    # One world for the whole table: to make it takes longer than all that is asked of it.
    wrong = []
    for resource, cases in CASES.items():
        for request, body, code in cases:
            who, method, path = spell(ids, spell(PATHS, request)).split(" ")
            answer = callers[who](method, path, spell(ids, body))
            if answer.status_code != code:
                wrong.append((resource, request, body, code, answer.status_code, answer.text))
            elif code >= 400:
                told = answer.json["error"]
                assert told["code"] == code and told["message"] and told["title"], request
    assert wrong == []


BODIES = [("", "application/json"), ("x", "application/json"), ("[]", "application/json"),
          ("null", "application/json"), ("{", "application/json"), ("<user/>", "application/xml"),
          ("user=x", "application/x-www-form-urlencoded")]


def test_bodies_that_are_no_document(admin, ids):
    for data, media in BODIES:
        for request in ("POST /users", "PATCH /users/ALICE", "POST /auth/tokens",
                        "PUT /projects/RED/tags", "PUT /domains/BLUE/config"):
            method, path = spell(ids, request).split(" ")
            answer = admin.client.open(f"/v3{path}", method=method, data=data, content_type=media,
                                       headers={"X-Auth-Token": admin.token})
            told = answer.status_code, answer.json["error"]["code"]
            assert told == (400, 400), (request, data, answer.text)
