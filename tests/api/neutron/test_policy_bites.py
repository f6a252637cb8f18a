"""Every rule that an operator may write decides something: shut, it refuses or hides."""

import dataclasses

import pytest

from cairn.common.api import ANYONE, PUBLIC
from cairn.common.policy import Policy
from cairn.neutron.app import APIS
from cairn.neutron.policy import RULES

ENDPOINTS = {
    e.policy: e for api in APIS for e in api.endpoints if e.policy not in (PUBLIC, ANYONE)}
# What the others are made of.
PARTS = {
    "admin_only", "owner", "admin_or_owner", "context_is_advsvc", "network_owner",
    "admin_or_network_owner", "admin_owner_or_network_owner", "ext_parent_owner",
    "admin_or_ext_parent_owner", "sg_owner", "admin_or_sg_owner", "admin_owner_or_sg_owner",
    "regular_user", "default", "shared", "external", "shared_subnetpools", "shared_security_group",
    "network_device",
}
ID = "7bd7e6f2-6f0b-4c0e-a9ba-0a7f4f2cbb0f"  # Of nothing.
PROVIDER = {"provider:network_type": "vxlan", "provider:physical_network": "p",
            "provider:segmentation_id": 7}
VALUES = {
    "network": {**PROVIDER, "shared": True, "router:external": True, "is_default": True,
                "port_security_enabled": False},
    "subnet": {"segment_id": ID, "service_types": ["compute:x"]},
    "subnetpool": {"shared": True, "is_default": True},
    "port": {
        "device_owner": "compute:x", "fixed_ips": [{"ip_address": "10.0.0.9"}],
        "fixed_ips:ip_address": [{"ip_address": "10.0.0.9"}], "port_security_enabled": False,
        "fixed_ips:subnet_id": [{"subnet_id": ID}], "mac_address": "fa:16:3e:00:00:09",
        "binding:host_id": "cmp1", "binding:profile": {"a": 1}, "binding:vnic_type": "normal",
        "allowed_address_pairs": [{"ip_address": "10.0.0.9"}],
        "allowed_address_pairs:ip_address": [{"ip_address": "10.0.0.9"}],
        "allowed_address_pairs:mac_address": [
            {"ip_address": "10.0.0.9", "mac_address": "fa:16:3e:00:00:09"}],
    },
    "router": {
        "distributed": False, "ha": False, "external_gateway_info": {"network_id": ID},
        "external_gateway_info:network_id": {"network_id": ID},
        "external_gateway_info:enable_snat": {"network_id": ID, "enable_snat": False},
        "external_gateway_info:external_fixed_ips": {
            "network_id": ID, "external_fixed_ips": [{"subnet_id": ID}]},
    },
    "floatingip": {"floating_ip_address": "172.31.0.105"},
}
ATTRIBUTES = [rule for rule in RULES if ":" in rule]


@pytest.fixture
def shut(cloud, neutron, tmp_path):
    def shut(rule):
        file = tmp_path / "policy.yaml"
        file.write_text(f'"{rule}": "!"\n')
        return type(cloud)(dataclasses.replace(neutron, policy=Policy(RULES, str(file))))

    return shut


def test_every_rule_is_of_an_endpoint_or_an_attribute_or_is_a_part():
    assert set(RULES) == {*ENDPOINTS, *ATTRIBUTES, *PARTS}


@pytest.mark.parametrize("rule", ENDPOINTS)
def test_the_rule_of_an_endpoint(shut, rule):
    endpoint = ENDPOINTS[rule]
    path = "/".join("x" if part.startswith("<") else part for part in endpoint.path.split("/"))
    assert shut(rule)(endpoint.method, "admin", path)[0] == 403


@pytest.fixture
def resources(api, net, subnet, public):
    """What each kind is changed and made by: its path, and what a new one needs."""
    port = api.made("alice", "/ports", network_id=net["id"])
    router = api.made("alice", "/routers")
    pool = api.made("alice", "/subnetpools", name="p", prefixes=["10.8.0.0/16"])
    return {
        "network": (f"/networks/{net['id']}", {}),
        "subnet": (f"/subnets/{subnet['id']}", {"network_id": net["id"], "ip_version": 4,
                                                "cidr": "10.7.0.0/24"}),
        "subnetpool": (f"/subnetpools/{pool['id']}", {"name": "x", "prefixes": ["10.9.0.0/16"]}),
        "port": (f"/ports/{port['id']}", {"network_id": net["id"]}),
        "router": (f"/routers/{router['id']}", {}),
        "floatingip": ("", {"floating_network_id": public["id"]}),
    }


@pytest.mark.parametrize("rule", ATTRIBUTES)
def test_the_rule_of_an_attribute(api, resources, shut, rule):
    action, _, attribute = rule.partition(":")
    verb, _, kind = action.partition("_")
    path, needed = resources[kind]
    cloud = shut(rule)
    if verb == "get":
        assert attribute in api.get("admin", path)
        assert attribute not in cloud.get("admin", path)
        return
    name = attribute
    if attribute not in api.get("admin", path or "/floatingips?fields=id"):
        name = attribute.rpartition(":")[0] or attribute
    body = {kind: {**needed, name: VALUES[kind][attribute]}}
    if verb == "create":
        refused = cloud.refused("POST", "admin", f"/{kind}s", body)
    else:
        refused = cloud.refused("PUT", "admin", path, {kind: {name: VALUES[kind][attribute]}})
    assert refused[:2] == (403, "PolicyNotAuthorized") and rule in refused[2]
