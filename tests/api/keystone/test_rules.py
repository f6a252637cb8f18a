"""Every rule of the policy bites: where none allows anything, nobody gets past one."""

from dataclasses import replace

import pytest

from cairn.common.api import PUBLIC
from cairn.common.policy import Policy, Rule
from cairn.keystone.app import APIS
from cairn.keystone.policy import RULES

from .conftest import Caller, client_of

NOBODY = Policy({name: Rule("!", rule.scopes) if name.startswith("identity:") else rule
                 for name, rule in RULES.items()})
NAMED = {"name": "x"}
# Of endpoints that know their target only after they have read the body.
BODIES = {
    "identity:create_project": {"project": NAMED}, "identity:update_project": {"project": NAMED},
    "identity:create_user": {"user": NAMED}, "identity:update_user": {"user": NAMED},
    "identity:create_group": {"group": NAMED}, "identity:update_group": {"group": NAMED},
    "identity:create_role": {"role": NAMED}, "identity:update_role": {"role": NAMED},
    "identity:update_domain": {"domain": NAMED}, "identity:update_project_tags": {"tags": []},
    "identity:create_credential": {"credential": {"type": "cert", "blob": "x"}},
    "identity:update_credential": {"credential": {"blob": "y"}},
    "identity:create_application_credential": {"application_credential": NAMED},
}
# Rules that no endpoint names, but one of another name asks.
ASKED = {
    "identity:list_role_assignments_for_tree": "/role_assignments?scope.project.id={project_id}"
                                               "&include_subtree",
    "identity:list_domain_roles": "/roles?domain_id=default",
    "identity:list_trusts_for_trustor": "/OS-TRUST/trusts?trustor_user_id=x",
    "identity:list_trusts_for_trustee": "/OS-TRUST/trusts?trustee_user_id=x",
    "identity:get_domain_role": "/roles/{domain_role_id}",
    "identity:get_security_compliance_domain_config":
        "/domains/default/config/security_compliance",
}
WRITES = {
    "identity:update_domain_role": ("PATCH", "/roles/{domain_role_id}", {"role": NAMED}),
    "identity:delete_domain_role": ("DELETE", "/roles/{domain_role_id}", None),
    "identity:create_domain_role": ("POST", "/roles", {"role": {**NAMED, "domain_id": "default"}}),
}


@pytest.fixture
def ids(admin):
    """One of each thing that a path may name."""
    me = admin.ok("GET", "/users?name=admin")["users"][0]["id"]
    red = admin.ok("GET", "/projects?name=admin")["projects"][0]["id"]
    role = admin.ok("GET", "/roles?name=reader")["roles"][0]["id"]
    service = admin.ok("GET", "/services?type=identity")["services"][0]["id"]
    cores = {"service_id": service, "resource_name": "cores"}
    admin.ok("POST", "/registered_limits", {"registered_limits": [{**cores, "default_limit": 5}]})
    limits = admin.ok("POST", "/limits", {"limits": [
        {**cores, "project_id": red, "resource_limit": 7}]})["limits"]
    trust = admin.ok("POST", "/OS-TRUST/trusts", {"trust": {
        "trustor_user_id": me, "trustee_user_id": me, "project_id": red, "impersonation": False,
        "roles": [{"id": role}]}})["trust"]
    pair = admin.ok("POST", f"/users/{me}/credentials/OS-EC2", {"tenant_id": red})["credential"]
    credential = admin.make("credentials", type="cert", blob="x", user_id=me)
    return {
        "user_id": me, "actor_id": me, "project_id": red, "place_id": red, "role_id": role,
        "domain_role_id": admin.make("roles", name="local", domain_id="default")["id"],
        "group_id": admin.make("groups", name="crew")["id"], "domain_id": "default",
        "limit_id": limits[0]["id"], "trust_id": trust["id"], "access": pair["access"],
        "credential_id": credential["id"], "trustor_user_id": me,
    }


def test_every_rule_bites(keystone, admin, ids):
    nobody = Caller(client_of(replace(keystone, policy=NOBODY)), admin.token,
                    **{"X-Subject-Token": admin.token})
    asked = {rule for rule in RULES if rule.startswith("identity:")}
    trust = {"trust": {"trustor_user_id": ids["user_id"], "trustee_user_id": ids["user_id"],
                       "impersonation": False}}
    bodies = {**BODIES, "identity:create_trust": trust,
              "identity:ec2_create_credential": {"tenant_id": ids["project_id"]}}
    passed = []
    for api in APIS:
        for endpoint in api.endpoints:
            if endpoint.policy == PUBLIC:
                continue
            asked.discard(endpoint.policy)
            path = endpoint.path
            while "<" in path:
                before, _, rest = path.partition("<")
                name, _, after = rest.partition(">")
                path = f"{before}{ids.get(name, 'x')}{after}"
            reply = nobody(endpoint.method, path, bodies.get(endpoint.policy))
            if reply.status_code != 403:
                passed.append((endpoint.method, path, reply.status_code))
    for rule, path in ASKED.items():
        asked.discard(rule)
        if nobody("GET", path.format(**ids)).status_code != 403:
            passed.append(("GET", path))
    for rule, (method, path, body) in WRITES.items():
        asked.discard(rule)
        if nobody(method, path.format(**ids), body).status_code != 403:
            passed.append((method, path))
    assert passed == []
    assert asked == set(), "no endpoint asks these"
