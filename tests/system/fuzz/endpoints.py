"""Every endpoint of every component, from its declarations: what there is to call, and on what."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from cairn.common.api import PUBLIC
from cairn.common.declared import Declaration, declarations

# What a parameter names where its name says it, whatever component and path it is in.
KINDS = {
    "server_id": "server", "port_id": "port", "network_id": "network", "subnet_id": "subnet",
    "router_id": "router", "floatingip_id": "floatingip", "subnetpool_id": "subnetpool",
    "security_group_id": "security_group", "image_id": "image", "flavor_id": "flavor",
    "user_id": "user", "project_id": "project", "member_id": "project", "domain_id": "domain",
    "role_id": "role", "prior_id": "role", "implied_id": "role", "region_id": "region",
    "endpoint_id": "endpoint", "policy_id": "policy", "trust_id": "trust",
    "consumer_id": "consumer", "consumer": "server", "uuid": "provider", "number": "aggregate",
    "namespace": "namespace", "access": "ec2", "request_id": "request", "tag": "tag", "key": "key",
}
# Else by the last word of the path before it.
SEGMENTS = {
    "networks": "network", "subnets": "subnet", "ports": "port", "routers": "router",
    "subnetpools": "subnetpool", "floatingips": "floatingip",
    "security-groups": "security_group", "security-group-rules": "rule",
    "projects": "project", "domains": "domain", "users": "user", "groups": "group",
    "os-keypairs": "keypair", "os-server-groups": "server_group",
    "os-security-groups": "security_group", "os-security-group-rules": "rule",
    "application_credentials": "application_credential", "credentials": "credential",
    "access_rules": "access_rule", "registered_limits": "registered_limit", "limits": "limit",
    "endpoint_groups": "endpoint_group", "traits": "trait", "resource_classes": "resource_class",
    "inventories": "resource_class", "objects": "object", "properties": "property",
    "resource_types": "resource_type", "tasks": "task", "tags": "tag",
}
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True)
class Target(Declaration):
    @property
    def public(self) -> bool:
        return self.endpoint.policy == PUBLIC

    @cached_property
    def kinds(self) -> dict[str, str]:
        """Parameter to the kind of thing it names."""
        found, before = {}, ""
        for part in self.endpoint.path.split("/"):
            match = PARAMETER.fullmatch(part)
            if match is None:
                before = part
                continue
            name = match.group(1)
            # Keystone's services are in the catalog, nova's are processes.
            known = "service" if (self.component, name) == ("keystone", "service_id") else None
            found[name] = known or KINDS.get(name) or SEGMENTS.get(before) or f"{before}?"
        return found

    @property
    def name(self) -> str:
        words = [self.endpoint.method, self.path, self.endpoint.action or ""]
        return " ".join(filter(None, words))

    def fill(self, values: dict[str, str]) -> str:
        return PARAMETER.sub(lambda match: values[match.group(1)], self.path)


def every() -> Iterator[Target]:
    for declared in declarations():
        yield Target(declared.component, declared.mount, declared.endpoint)
