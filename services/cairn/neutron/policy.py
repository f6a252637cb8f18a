"""Who may do what to networking: upstream's rule names and its default roles.

A rule "create_network:shared" is for the attribute `shared` in a body; "get_port:binding:host_id"
decides whether the attribute is shown at all.
"""

from collections.abc import Iterable
from typing import Any

from oslo_policy import policy as oslo

from cairn.common.patterns import bounded
from cairn.common.policy import PROJECT, Rule

ADMIN = "rule:admin_only"
SERVICE = "rule:service_api"
ADMIN_OR_SERVICE = f"({ADMIN}) or ({SERVICE})"
MEMBER = f"({ADMIN}) or (role:member and project_id:%(project_id)s)"
READER = f"({ADMIN}) or (role:reader and project_id:%(project_id)s)"
NET_OWNER_MEMBER = "role:member and rule:network_owner"
NET_OWNER_READER = "role:reader and rule:network_owner"
PARENT_MEMBER = f"({ADMIN}) or (role:member and rule:ext_parent_owner)"
PARENT_READER = f"({ADMIN}) or (role:reader and rule:ext_parent_owner)"
ADMIN_OR_NET_OWNER_MEMBER = f"({ADMIN}) or ({NET_OWNER_MEMBER})"
MEMBER_OR_SERVICE = f"{MEMBER} or ({SERVICE})"
PORT_NET_OWNER = f"{ADMIN_OR_NET_OWNER_MEMBER} or ({SERVICE})"


class FieldCheck(oslo.Check):
    """Upstream's own kind of check, "field:networks:shared=True" and "field:port:x=~^regex"."""

    def __init__(self, kind: str, match: str) -> None:
        super().__init__(kind, match)
        _, _, condition = match.partition(":")
        self.field, _, value = condition.rpartition("=")
        self.pattern = None
        if value.startswith("~"):
            self.pattern = bounded(f"^(?:{value[1:]})")
        self.value: object = {"True": True, "False": False}.get(value, value)

    def __call__(
        self, target: Any, creds: Any, enforcer: Any, current_rule: Any = None
    ) -> bool:
        value = target.get(self.field)
        if self.pattern is not None:
            return value is not None and self.pattern(str(value))
        return bool(value == self.value)


oslo.register("field", FieldCheck)


def _rules(check: str, names: Iterable[str]) -> dict[str, Rule]:
    return {name: Rule(check, (PROJECT,)) for name in names}


def _crud(resource: str, read: str = READER, write: str = MEMBER) -> dict[str, Rule]:
    return _rules(read, [f"get_{resource}"]) | _rules(
        write, [f"{verb}_{resource}" for verb in ("create", "update", "delete")]
    )


def _tags(resource: str, read: str = READER, write: str = MEMBER) -> dict[str, Rule]:
    many = f"{resource}s_tags" if not resource.endswith("s") else f"{resource}_tags"
    return _rules(read, [f"get_{many}"]) | _rules(
        write, [f"{verb}_{many}" for verb in ("create", "update", "delete")]
    )


def _each(verbs: Iterable[str], resource: str, attributes: Iterable[str]) -> list[str]:
    return [f"{verb}_{resource}:{name}" for verb in verbs for name in attributes]


PROVIDER = ("provider:network_type", "provider:physical_network", "provider:segmentation_id")
BOTH = ("create", "update")
ALL = ("get", "create", "update")

RULES: dict[str, Rule] = {
    # What the others are made of.
    "admin_only": Rule("rule:context_is_admin"),
    "owner": Rule("tenant_id:%(tenant_id)s"),
    "admin_or_owner": Rule("rule:context_is_admin or rule:owner"),
    "context_is_advsvc": Rule("role:advsvc"),
    "network_owner": Rule("tenant_id:%(network:tenant_id)s"),
    "admin_or_network_owner": Rule("rule:context_is_admin or rule:network_owner"),
    "admin_owner_or_network_owner": Rule("rule:owner or rule:admin_or_network_owner"),
    "ext_parent_owner": Rule("tenant_id:%(ext_parent:tenant_id)s"),
    "admin_or_ext_parent_owner": Rule("rule:context_is_admin or rule:ext_parent_owner"),
    "sg_owner": Rule("tenant_id:%(security_group:tenant_id)s"),
    "admin_or_sg_owner": Rule("rule:context_is_admin or rule:sg_owner"),
    "admin_owner_or_sg_owner": Rule("rule:owner or rule:admin_or_sg_owner"),
    "regular_user": Rule(""),
    "default": Rule("rule:admin_or_owner"),
    "shared": Rule("field:networks:shared=True"),
    "external": Rule("field:networks:router:external=True"),
    "shared_subnetpools": Rule("field:subnetpools:shared=True"),
    "shared_security_group": Rule("field:security_groups:shared=True"),
    "network_device": Rule("field:port:device_owner=~^network:"),
    # Networks.
    **_crud("network"),
    "get_network": Rule(f"{READER} or rule:shared or rule:external or ({SERVICE})", (PROJECT,)),
    **_rules(ADMIN, _each(ALL, "network", PROVIDER)),
    **_rules(ADMIN_OR_SERVICE, _each(["get"], "network", PROVIDER)),
    **_rules(ADMIN, _each(BOTH, "network", ("shared", "router:external", "is_default"))),
    **_rules(MEMBER, _each(BOTH, "network", ("port_security_enabled",))),
    **_tags("network", f"{READER} or rule:shared or rule:external"),
    # Subnets.
    "create_subnet": Rule(f"{MEMBER} or ({NET_OWNER_MEMBER})", (PROJECT,)),
    "get_subnet": Rule(
        f"{READER} or rule:shared or ({NET_OWNER_READER}) or ({SERVICE})",
        (PROJECT,),
    ),
    **_rules(f"{MEMBER} or ({NET_OWNER_MEMBER})", ["update_subnet", "delete_subnet"]),
    **_rules(ADMIN, _each(ALL, "subnet", ("segment_id",))),
    **_rules(ADMIN, _each(BOTH, "subnet", ("service_types",))),
    **_tags("subnet", f"{READER} or rule:shared"),
    # Subnet pools.
    **_crud("subnetpool"),
    "get_subnetpool": Rule(f"{READER} or rule:shared_subnetpools", (PROJECT,)),
    **_rules(ADMIN, ["create_subnetpool:shared", *_each(BOTH, "subnetpool", ("is_default",))]),
    **_tags("subnetpool", f"{READER} or rule:shared_subnetpools"),
    # Ports.
    # On a network outside, an address is had by a floating IP, and counted as one.
    "create_port": Rule(
        f"{ADMIN} or ({SERVICE}) or (role:member and project_id:%(project_id)s and "
        "(not rule:external or rule:shared or rule:network_owner))", (PROJECT,)),
    "update_port": Rule(MEMBER_OR_SERVICE, (PROJECT,)),
    "delete_port": Rule(f"{MEMBER_OR_SERVICE} or ({NET_OWNER_MEMBER})", (PROJECT,)),
    "get_port": Rule(f"{READER} or ({NET_OWNER_READER}) or ({SERVICE})", (PROJECT,)),
    **_rules(f"not rule:network_device or {PORT_NET_OWNER}", [
        "create_port:device_owner", "update_port:device_owner",
    ]),
    **_rules(PORT_NET_OWNER, _each(BOTH, "port", (
        "fixed_ips", "fixed_ips:ip_address", "port_security_enabled",
    ))),
    **_rules(f"{PORT_NET_OWNER} or rule:shared", _each(BOTH, "port", ("fixed_ips:subnet_id",))),
    "create_port:mac_address": Rule(PORT_NET_OWNER, (PROJECT,)),
    "update_port:mac_address": Rule(ADMIN_OR_SERVICE, (PROJECT,)),
    **_rules(ADMIN_OR_SERVICE, _each(ALL, "port", ("binding:host_id", "binding:profile"))),
    **_rules(ADMIN_OR_SERVICE, _each(["get"], "port", (
        "binding:vif_type", "binding:vif_details",
    ))),
    **_rules(MEMBER_OR_SERVICE, _each(BOTH, "port", ("binding:vnic_type",))),
    **_rules(f"{ADMIN_OR_NET_OWNER_MEMBER} or ({SERVICE})", _each(BOTH, "port", (
        "allowed_address_pairs", "allowed_address_pairs:mac_address",
        "allowed_address_pairs:ip_address",
    ))),
    **_tags("port", f"{READER} or ({NET_OWNER_READER})"),
    # Routers.
    **_crud("router"),
    **_rules(ADMIN, _each(ALL, "router", ("distributed", "ha"))),
    **_rules(MEMBER, _each(BOTH, "router", (
        "external_gateway_info", "external_gateway_info:network_id",
    ))),
    **_rules(ADMIN, _each(BOTH, "router", (
        "external_gateway_info:enable_snat", "external_gateway_info:external_fixed_ips",
    ))),
    **_rules(MEMBER, [
        "add_router_interface", "remove_router_interface", "add_extraroutes", "remove_extraroutes",
    ]),
    **_tags("router"),
    # Floating IPs.
    **_crud("floatingip"),
    "create_floatingip:floating_ip_address": Rule(ADMIN, (PROJECT,)),
    **_tags("floatingip"),
    # Security groups.
    **_crud("security_group"),
    "get_security_group": Rule(
        f"{READER} or rule:shared_security_group or ({SERVICE})", (PROJECT,)
    ),
    **_rules(MEMBER, ["create_security_group_rule", "delete_security_group_rule"]),
    "get_security_group_rule": Rule(f"{READER} or rule:sg_owner or ({SERVICE})", (PROJECT,)),
    **_tags("security_group"),
    # What the operator sees.
    **_rules(ADMIN, [
        "get_agent", "update_agent", "delete_agent", "create_dhcp-network", "get_dhcp-networks",
        "delete_dhcp-network", "create_l3-router", "get_l3-routers", "delete_l3-router",
        "get_dhcp-agents", "get_l3-agents", "get_network_ip_availability",
        "update_quota", "delete_quota",
    ]),
    "get_quota": Rule(f"{READER}", (PROJECT,)),
    "get_availability_zone": Rule("", (PROJECT,)),
}
