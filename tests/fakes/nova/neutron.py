"""As much of Neutron as nova asks."""

import uuid
from typing import Any

from fakes.nova.answers import Answer, Document, refuse


class Neutron:
    def __init__(self) -> None:
        super().__init__()
        self.networks: dict[str, Document] = {}
        self.subnets: dict[str, Document] = {}
        self.ports: dict[str, Document] = {}
        self.floatingips: dict[str, Document] = {}
        self.groups: dict[str, Document] = {}
        # Whether the network agent plugs a port as soon as it is bound.
        self.plugs = True
        self._addresses = 10

    def network(self, project_id: str, name: str = "private", **properties: Any) -> str:
        network_id, subnet_id = str(uuid.uuid4()), str(uuid.uuid4())
        number = len(self.networks)
        self.networks[network_id] = {
            "id": network_id, "name": name, "tenant_id": project_id, "project_id": project_id,
            "mtu": 1450, "subnets": [subnet_id], "shared": False, "router:external": False,
            **properties,
        }
        self.subnets[subnet_id] = {
            "id": subnet_id, "network_id": network_id, "cidr": f"10.{number}.0.0/24",
            "ip_version": 4, "gateway_ip": f"10.{number}.0.1", "dns_nameservers": ["10.0.0.2"],
            "host_routes": [], "enable_dhcp": True,
        }
        return network_id

    def group(self, project_id: str, name: str) -> str:
        group_id = str(uuid.uuid4())
        self.groups[group_id] = {
            "id": group_id, "name": name, "description": name, "tenant_id": project_id,
            "project_id": project_id, "security_group_rules": [],
        }
        return group_id

    _NEUTRON = {
        "networks": ("network", "networks"), "subnets": ("subnet", "subnets"),
        "ports": ("port", "ports"), "floatingips": ("floatingip", "floatingips"),
        "security-groups": ("security_group", "groups"),
    }

    def _network(
        self, method: str, path: list[str], query: dict[str, list[str]], body: Any
    ) -> Any:
        one, store = self._NEUTRON[path[0]]
        things: dict[str, Document] = getattr(self, store)
        if method == "POST":
            made = self._made(path[0], body[one])
            things[made["id"]] = made
            return Answer({one: made}, 201)
        if len(path) == 1:
            found = [dict(t) for t in things.values() if self._matches(t, query)]
            return {path[0].replace("-", "_"): found}
        if path[1] not in things:
            raise refuse("network", 404, f"{one} {path[1]} could not be found.")
        if method == "DELETE":
            del things[path[1]]
            return Answer(None, 204)
        if method == "PUT":
            things[path[1]] |= self._addressed(things[path[1]], body[one])
        return {one: dict(things[path[1]])}

    def _matches(self, thing: Document, query: dict[str, list[str]]) -> bool:
        addresses = [f"ip_address={f['ip_address']}" for f in thing.get("fixed_ips") or ()]
        return all(set(addresses) & set(values) if name == "fixed_ips"
                   else str(thing.get(name)) in values
                   for name, values in query.items() if name != "fields")

    def _made(self, kind: str, asked: Document) -> Document:
        made = {"id": str(uuid.uuid4()), **asked}
        if kind == "security-groups":
            return {"security_group_rules": [], "tenant_id": asked.get("project_id", "red"), **made}
        if kind != "ports":
            return made
        made = {
            "status": "DOWN", "security_groups": [], "device_id": "", "device_owner": "",
            "binding:vnic_type": "normal", "fixed_ips": [], "mac_address": "", **made,
        }
        number = self._addresses = self._addresses + 1
        made["mac_address"] = f"fa:16:3e:00:{number >> 8:02x}:{number & 255:02x}"
        made |= self._addressed(made, {"fixed_ips": made["fixed_ips"] or [{}]})
        return made | self._addressed(made, asked | {"fixed_ips": made["fixed_ips"]})

    def _addressed(self, port: Document, asked: Document) -> Document:
        """What is asked, with addresses and the binding filled in."""
        asked = dict(asked)
        if "fixed_ips" in asked:
            subnet = next(s for s in self.subnets.values()
                          if s["network_id"] == port["network_id"])
            for fixed in asked["fixed_ips"]:
                if "ip_address" not in fixed:
                    self._addresses += 1
                    fixed["ip_address"] = subnet["cidr"].replace("0/24", str(self._addresses))
                fixed.setdefault("subnet_id", subnet["id"])
        if "binding:host_id" in asked:
            bound = bool(asked["binding:host_id"])
            asked |= {"binding:vif_type": "bridge" if bound else "unbound",
                      "status": "ACTIVE" if bound and self.plugs else "DOWN"}
        return asked
