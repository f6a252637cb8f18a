"""Whoever asks is answered as the rules say, whatever it is about; each rule can be changed."""

import pytest

from cairn.cinder.app import APIS
from cairn.cinder.policy import RULES
from cairn.common.policy import Policy

# Who passes which check: of project red, which is theirs.
ROLES = {
    "rule:context_is_admin": {"admin"}, "rule:project_member_or_admin": {"admin", "alice"},
    "rule:project_reader_or_admin": {"admin", "alice", "rita"}, "@": {"admin", "alice", "rita"},
    "rule:service_api": set(),
}
MINE = ("types", "qos-specs", "group_types", "default-types", "os-quota", "limits", "messages",
        "os-services", "os-hosts", "capabilities", "scheduler-stats", "os-availability-zone",
        "extensions", "clusters", "workers", "resource_filters")
ENDPOINTS = [endpoint for api in APIS for endpoint in api.endpoints
             if endpoint.policy in RULES and endpoint.path[1:].startswith(MINE)]


def test_every_endpoint_is_looked_at():
    assert len(ENDPOINTS) > 70


@pytest.mark.parametrize("who", ["admin", "alice", "rita"])
def test_who_may(call, who):
    wrong = []
    for endpoint in ENDPOINTS:
        path = endpoint.path
        for name in ("type_id", "qos_id", "key", "encryption_id", "message_id", "name", "host",
                     "alias"):
            path = path.replace(f"<{name}>", "none")
        path = path.replace("<project_id>", "red")
        body = {endpoint.action: {}} if endpoint.action else {}
        answer = call(endpoint.method, path, body if endpoint.body else None, who=who)
        allowed = who in ROLES[RULES[endpoint.policy].check]
        if (answer.status_code != 403) != allowed or answer.status_code >= 500:
            wrong.append((endpoint.method, endpoint.path, answer.status_code))
    assert wrong == []


def test_a_rule_can_be_changed(world, call, tmp_path):
    file = tmp_path / "policy.yaml"
    file.write_text('"volume_extension:type_get_all": "role:admin"\n'
                    '"volume_extension:types_extra_specs:read_sensitive": "role:reader"\n')
    made = call("POST", "/types", {"volume_type": {"name": "x", "extra_specs": {"a": "1"}}},
                who="admin").json["volume_type"]["id"]
    world.cinder.policy.__dict__.update(Policy(RULES, str(file)).__dict__)
    assert call("GET", "/types").status_code == 403
    assert call("GET", f"/types/{made}/extra_specs").json == {"extra_specs": {"a": "1"}}
