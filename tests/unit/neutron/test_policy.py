"""Upstream's own kind of check, and rules that say what the cloud's services may."""

import pytest

from cairn.common.context import Context
from cairn.common.policy import Policy
from cairn.neutron.core.security_groups import checked_rule, protocol_number
from cairn.neutron.policy import RULES, FieldCheck


@pytest.mark.parametrize(("match", "target", "holds"), [
    ("networks:shared=True", {"shared": True}, True),
    ("networks:shared=True", {"shared": False}, False), ("networks:shared=True", {}, False),
    ("networks:router:external=True", {"router:external": True}, True),
    ("port:device_owner=~^network:", {"device_owner": "network:dhcp"}, True),
    ("port:device_owner=~^network:", {"device_owner": "compute:x"}, False),
])
def test_field_checks(match, target, holds):
    assert FieldCheck("field", match)(target, {}, None) is holds


@pytest.fixture(scope="module")
def policy():
    return Policy(RULES)


def test_operators_may_override_in_upstreams_words(tmp_path):
    file = tmp_path / "policy.yaml"
    file.write_text('"create_network:shared": "role:member and field:networks:shared=True"\n')
    member = Context(project_id="p", roles=frozenset({"member"}))
    assert Policy(RULES, str(file)).allows(member, "create_network:shared", {"shared": True})


def test_services_bind_ports_of_any_project(policy):
    service = Context(project_id="service", roles=frozenset({"service"}))
    about = {"project_id": "p", "tenant_id": "p", "network:tenant_id": "p"}
    for rule in ("create_port", "create_port:binding:host_id", "update_port", "delete_port",
                 "get_port", "get_network", "create_port:fixed_ips"):
        assert policy.allows(service, rule, about), rule
    assert not policy.allows(service, "create_network", about)


def test_protocols_are_numbers_to_agents():
    assert [protocol_number(p, "IPv4") for p in ("tcp", "1", "0", None)] == [6, 1, None, None]
    assert [protocol_number(p, "IPv6") for p in ("tcp", "icmp", "1", "58")] == [6, 58, 58, 58]
    rule = checked_rule({"direction": "ingress", "protocol": 6, "port_range_min": "1",
                         "port_range_max": 2})
    assert (rule["protocol"], rule["port_range_min"]) == ("6", 1)
