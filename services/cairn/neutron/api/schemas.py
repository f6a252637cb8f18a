"""The bodies neutron accepts. Every object is closed: an unknown key is a mistake, not a wish.

Clients write numbers and booleans as strings, too; `normalize` makes them what they mean.
"""

from collections.abc import Mapping
from typing import Any

from cairn.common.api import Document, Schema
from cairn.common.bounds import DIGITS
from cairn.common.errors import Invalid
from cairn.common.names import SEGMENT

Property = dict[str, Any]

TEXT: Property = {"type": "string", "maxLength": 255}
BOOL: Property = {"enum": [True, False, "true", "false", "True", "False", 0, 1, "0", "1"]}
INT: Property = {"type": ["integer", "string"], "pattern": f"^-?[0-9]{{1,{DIGITS}}}$"}
INT_OR_NULL: Property = {"type": ["integer", "string", "null"],
                         "pattern": f"^-?[0-9]{{0,{DIGITS}}}$"}
ID: Property = {"type": "string", "minLength": 1, "maxLength": 64}
ID_OR_NULL: Property = {"type": ["string", "null"], "maxLength": 64}
# What names a resource by its id. An id in a path, and one that is looked up whatever it looks like
# (a rule's groups), is any text: who asks for what is not there is told so.
UUID: Property = {"type": "string", "format": "uuid"}
UUID_OR_NULL: Property = {"type": ["string", "null"], "format": "uuid"}
UUIDS_OR_NULL: Property = {"type": ["array", "null"], "items": UUID}
ADDRESS: Property = {"type": "string", "minLength": 2, "maxLength": 64}
ADDRESS_OR_NULL: Property = {"type": ["string", "null"], "maxLength": 64}
TAG: Property = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": SEGMENT}
TAGS: Property = {"type": "array", "items": TAG, "maxItems": 50}
NAMES: Property = {"type": "array", "items": TEXT}
MAC: Property = {"type": ["string", "null"], "maxLength": 32}


def part(*required: str, **properties: Property) -> Property:
    """A closed object."""
    return {"type": "object", "properties": properties, "required": list(required),
            "additionalProperties": False}


def one_or_many(name: str, item: Property, plural: str = "") -> Schema:
    """A body to create one thing, or several at once, each by itself or under its kind's name."""
    each = {
        "if": {"required": [name], "maxProperties": 1}, "then": only(name, item), "else": item,
    }
    return {
        "type": "object",
        "properties": {
            name: item, plural or name + "s": {"type": "array", "items": each, "minItems": 1},
        },
        "minProperties": 1, "maxProperties": 1, "additionalProperties": False,
    }


def only(name: str, item: Property) -> Schema:
    """A body about one thing."""
    return {"type": "object", "properties": {name: item}, "required": [name],
            "additionalProperties": False}


def creation(*required: str, **properties: Property) -> Property:
    """What a new thing of any kind may be told: whose it is, and its labels."""
    return part(*required, **properties, project_id=ID_OR_NULL, tenant_id=ID_OR_NULL, tags=TAGS)


LABEL = {"name": TEXT, "description": TEXT}

NETWORK = {
    **LABEL, "admin_state_up": BOOL, "shared": BOOL, "router:external": BOOL, "is_default": BOOL,
    "mtu": {**INT_OR_NULL, "minimum": 0}, "port_security_enabled": BOOL, "dns_domain": TEXT,
    "provider:network_type": {"enum": ["vxlan", "vlan", "flat", "local", None]},
    "provider:physical_network": {"type": ["string", "null"], "maxLength": 64},
    "provider:segmentation_id": INT_OR_NULL,
}
NETWORK_CREATE = one_or_many("network", creation(**NETWORK, availability_zone_hints=NAMES))
NETWORK_UPDATE = only("network", part(**NETWORK))

POOL = part("start", "end", start=ADDRESS, end=ADDRESS)
ROUTE = part("destination", "nexthop", destination=ADDRESS, nexthop=ADDRESS)
ROUTES: Property = {"type": ["array", "null"], "items": ROUTE}
MODE: Property = {"enum": ["slaac", "dhcpv6-stateful", "dhcpv6-stateless", None]}

SUBNET = {
    **LABEL, "gateway_ip": ADDRESS_OR_NULL, "enable_dhcp": BOOL,
    "allocation_pools": {"type": ["array", "null"], "items": POOL},
    "dns_nameservers": {"type": ["array", "null"], "items": ADDRESS}, "host_routes": ROUTES,
    "service_types": NAMES, "segment_id": UUID_OR_NULL, "dns_publish_fixed_ip": BOOL,
}
SUBNET_CREATE = one_or_many("subnet", creation(
    "network_id", "ip_version", **SUBNET, network_id=UUID, cidr=ADDRESS_OR_NULL,
    ip_version={"enum": [4, 6, "4", "6"]}, subnetpool_id=UUID_OR_NULL, prefixlen=INT_OR_NULL,
    use_default_subnetpool=BOOL, ipv6_ra_mode=MODE, ipv6_address_mode=MODE,
))
SUBNET_UPDATE = only("subnet", part(**SUBNET))

SUBNETPOOL = {
    **LABEL, "name": {**TEXT, "pattern": "\\S"},
    "prefixes": {"type": "array", "items": ADDRESS, "minItems": 1},
    "default_prefixlen": INT_OR_NULL, "min_prefixlen": INT_OR_NULL, "max_prefixlen": INT_OR_NULL,
    "default_quota": {**INT_OR_NULL, "minimum": 0, "maximum": 2**31 - 1}, "is_default": BOOL,
}
SUBNETPOOL_CREATE = one_or_many(
    "subnetpool", creation("name", "prefixes", **SUBNETPOOL, shared=BOOL)
)
SUBNETPOOL_UPDATE = only("subnetpool", part(**SUBNETPOOL))

FIXED_IP = part(subnet_id=UUID, ip_address=ADDRESS)
FIXED_IPS: Property = {"type": ["array", "null"], "items": FIXED_IP}
PAIR = part("ip_address", ip_address=ADDRESS, mac_address=MAC)
DHCP_OPTION = part(
    "opt_name", opt_name={"type": "string", "minLength": 1, "maxLength": 64},
    opt_value={"type": ["string", "integer", "null"], "maxLength": 255},
    ip_version={"enum": [4, 6, "4", "6"]},
)
PORT = {
    **LABEL, "admin_state_up": BOOL, "mac_address": MAC, "fixed_ips": FIXED_IPS,
    "device_id": {"type": ["string", "null"], "maxLength": 255},
    "device_owner": {"type": ["string", "null"], "maxLength": 255},
    "security_groups": UUIDS_OR_NULL,
    "allowed_address_pairs": {"type": ["array", "null"], "items": PAIR},
    "extra_dhcp_opts": {"type": ["array", "null"], "items": DHCP_OPTION, "maxItems": 128},
    "port_security_enabled": BOOL,
    "dns_name": {"type": ["string", "null"], "maxLength": 255},
    "dns_domain": {"type": ["string", "null"], "maxLength": 255},
    "binding:host_id": {"type": ["string", "null"], "maxLength": 255},
    "binding:vnic_type": {"enum": ["normal"]},
    "binding:profile": {"type": ["object", "null"]},
}
PORT_CREATE = one_or_many("port", creation("network_id", **PORT, network_id=UUID))
PORT_UPDATE = only("port", part(**PORT))

GATEWAY: Property = {
    **part(network_id=UUID, enable_snat=BOOL, external_fixed_ips=FIXED_IPS),
    "type": ["object", "null"],
    # Nothing at all takes the gateway away.
    "dependentRequired": {name: ["network_id"] for name in ("enable_snat", "external_fixed_ips")},
}
ROUTER = {
    **LABEL, "admin_state_up": BOOL, "external_gateway_info": GATEWAY,
    "distributed": {"enum": [False, None]}, "ha": {"enum": [False, None]}, "routes": ROUTES,
}
ROUTER_CREATE = one_or_many("router", creation(**ROUTER, availability_zone_hints=NAMES))
ROUTER_UPDATE = only("router", part(**ROUTER))
ROUTER_INTERFACE = part(subnet_id=UUID, port_id=UUID)
EXTRA_ROUTES = only("router", part("routes", routes={"type": "array", "items": ROUTE}))

FLOATINGIP_CREATE = one_or_many("floatingip", creation(
    "floating_network_id", floating_network_id=UUID, port_id=UUID_OR_NULL,
    fixed_ip_address=ADDRESS_OR_NULL, floating_ip_address=ADDRESS_OR_NULL, subnet_id=UUID_OR_NULL,
    description=TEXT, dns_name=TEXT, dns_domain=TEXT,
))
FLOATINGIP_UPDATE = only("floatingip", part(
    port_id=UUID_OR_NULL, fixed_ip_address=ADDRESS_OR_NULL, description=TEXT,
))

SECURITY_GROUP = {**LABEL, "stateful": BOOL}
SECURITY_GROUP_CREATE = one_or_many("security_group", creation(**SECURITY_GROUP))
SECURITY_GROUP_UPDATE = only("security_group", part(**SECURITY_GROUP))
SECURITY_GROUP_RULE_CREATE = one_or_many("security_group_rule", part(
    "security_group_id", "direction", security_group_id=ID,
    direction={"enum": ["ingress", "egress"]}, ethertype={"type": ["string", "null"]},
    protocol={"type": ["string", "integer", "null"]},
    port_range_min=INT_OR_NULL, port_range_max=INT_OR_NULL,
    remote_ip_prefix=ADDRESS_OR_NULL, remote_group_id=ID_OR_NULL, description=TEXT,
    project_id=ID_OR_NULL, tenant_id=ID_OR_NULL,
))

AGENT_UPDATE = only("agent", part(admin_state_up=BOOL, description=TEXT))
NETWORK_OF_AGENT = part("network_id", network_id=ID)
ROUTER_OF_AGENT = part("router_id", router_id=ID)

QUOTA_UPDATE = only("quota", part(**dict.fromkeys((
    "network", "subnet", "subnetpool", "port", "router", "floatingip", "security_group",
    "security_group_rule", "rbac_policy",
), INT), check_limit=BOOL, force=BOOL))
TAGS_REPLACE = part("tags", tags=TAGS)

BOOLEANS = {
    "admin_state_up", "shared", "router:external", "is_default", "port_security_enabled",
    "enable_dhcp", "use_default_subnetpool", "stateful", "enable_snat", "dns_publish_fixed_ip",
}
INTEGERS = {
    "mtu", "provider:segmentation_id", "ip_version", "prefixlen", "default_prefixlen",
    "min_prefixlen", "max_prefixlen", "default_quota",
}
TRUE = (True, "true", "True", 1, "1")


def read_requests(body: Document, name: str, plural: str = "") -> list[dict[str, Any]]:
    """What a body says of one thing, or of several, each by itself or under its kind's name."""
    if plural in body:
        return [normalize(item.get(name, item)) for item in body[plural]]
    return [normalize(body[name])]


def normalize(item: Mapping[str, Any]) -> dict[str, Any]:
    """A body's attributes as what they mean: "1400" is 1400, "true" is true, tenant_id is
    project_id. Raises Invalid."""
    result = dict(item)
    for name, value in item.items():
        if name in BOOLEANS:
            result[name] = value in TRUE
        elif name in INTEGERS:
            result[name] = None if value in (None, "") else int(value)
        elif isinstance(value, dict):
            result[name] = normalize(value)
    tenant = result.pop("tenant_id", None)
    if tenant and result.get("project_id", tenant) != tenant:
        raise Invalid(reason="'project_id' and 'tenant_id' do not match")
    if tenant:
        result["project_id"] = tenant
    return result
